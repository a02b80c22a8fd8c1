"""Replacement policies by name: our S3-FIFO, and cachetools' LRU, LFU and FIFO.

A cachetools cache serves as an order here: it has no bound of its own and evicts when
the tier says so. Its reads are not safe beside a writer, so readers leave what they
read in a bounded queue and the next writer catches up on it.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

import cachetools

from hybridcache.engine.memory import MemoryKey, Record, Replacement
from hybridcache.engine.s3fifo import S3FIFO

# What a write has to catch up on at most, under the lock; older reads are forgotten.
MOST_READS: Final = 256


class Cachetools:
    """The order in which a cachetools cache would evict.

    Args:

        cache: Empty and without a bound.

        by_use: Whether reads change the order.

    Attributes:

        reads: Keys that were read and not yet caught up on.
    """

    reads: deque[MemoryKey] | None

    def __init__(
        self, cache: "cachetools.Cache[MemoryKey, Record]", *, by_use: bool
    ) -> None:
        self._cache = cache
        self._by_use = by_use
        self.reads = deque(maxlen=MOST_READS) if by_use else None

    def add(self, record: Record) -> None:
        """Take in a record whose key it does not have."""
        self._catch_up()
        self._cache[record.key] = record

    def swap(self, old: Record, new: Record) -> None:
        """Put *new* in the place of *old*; to cachetools that is a use."""
        self._catch_up()
        self._cache[old.key] = new

    def remove(self, record: Record) -> None:
        """Let go of a record that leaves for a reason of the tier's."""
        del self._cache[record.key]

    def victim(self) -> Record:
        """Choose a record to evict and let go of it; there is at least one."""
        self._catch_up()
        while True:
            key, record = self._cache.popitem()
            if not self._by_use or not record.freq:
                return record
            # Read where no key was left in the queue (by arguments): another round.
            uses, record.freq = record.freq, 0
            self._cache[key] = record
            for _ in range(uses - 1):
                self._cache.get(key)

    def _catch_up(self) -> None:
        """Carry out the reads since the last write, in order."""
        if self.reads is None:
            return
        # Readers go on meanwhile: as many as there are now, not until it is empty.
        for _ in range(len(self.reads)):
            self._cache.get(self.reads.popleft())


def _lru() -> Replacement:
    return Cachetools(cachetools.LRUCache(math.inf), by_use=True)


def _lfu() -> Replacement:
    return Cachetools(cachetools.LFUCache(math.inf), by_use=True)


def _fifo() -> Replacement:
    return Cachetools(cachetools.FIFOCache(math.inf), by_use=False)


_FROM_CACHETOOLS: Final[Mapping[str, Callable[[], Replacement]]] = {
    "lru": _lru,
    "lfu": _lfu,
    "fifo": _fifo,
}
POLICIES: Final = ("s3fifo", *_FROM_CACHETOOLS)


def replacement_of(eviction: str, max_items: int, max_bytes: int | None) -> Replacement:
    """Make the policy of that name for a tier of these bounds.

    Raises:

        ValueError: There is none of that name.
    """
    if eviction == "s3fifo":
        return S3FIFO(max_items, max_bytes)
    make = _FROM_CACHETOOLS.get(eviction)
    if make is None:
        msg = f"eviction must be one of {', '.join(POLICIES)}, not {eviction!r}"
        raise ValueError(msg)
    return make()
