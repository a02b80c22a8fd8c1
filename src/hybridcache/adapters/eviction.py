"""PROVISIONAL"""


def replacement_of(eviction: str, max_items: int, max_bytes: int | None) -> object:
    if eviction not in ("s3fifo", "lru", "lfu", "fifo"):
        raise ValueError(eviction)
    return None
