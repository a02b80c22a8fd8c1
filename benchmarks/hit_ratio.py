"""How many accesses of real traces the memory tier serves, next to the optimum.

    python -m benchmarks.hit_ratio TRACE... [--json FILE]
    python -m benchmarks.hit_ratio --memory [--json FILE]

Runs our S3-FIFO as the tier runs it, cachetools' LRU and LFU as they come, and Belady's
optimum, which knows the future. `--memory` measures what an entry costs instead.
A trace is a file of moka-rs/cache-trace or of Caffeine's simulator: `*.lis`, `*.trace`
(big-endian int32) or lines of block ids, compressed or not.
"""

import argparse
import functools
import gc
import gzip
import heapq
import json
import lzma
import math
import sys
import tracemalloc
from array import array
from collections.abc import Callable, MutableMapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import IO, Final, cast

import attrs
import cachetools

from hybridcache.adapters.eviction import POLICIES, replacement_of
from hybridcache.engine.memory import Cause, MemoryKey, MemoryTier, Record

MOST_ACCESSES: Final = 1_000_000
SHARES: Final = (0.01, 0.02, 0.05, 0.1)
# Smaller caches are shown and do not count.
SMALLEST: Final = 400
BAR: Final = 0.85
ENTRIES: Final = 100_000


def read_trace(path: Path) -> list[int]:
    """Return the keys that were accessed, at most `MOST_ACCESSES` of them."""
    with _opened(path) as file:
        content = file.read()
    if ".lis" in path.suffixes:
        return _read_ranges(content)
    if content[:64].strip(b"0123456789* \r\n"):
        keys = array("i", content[: MOST_ACCESSES * 4])
        if sys.byteorder == "little":
            keys.byteswap()
        return list(keys)
    return [int(mark) for mark in content.split() if mark != b"*"][:MOST_ACCESSES]


def _opened(path: Path) -> IO[bytes]:
    if path.suffix == ".zst":
        import zstandard  # noqa: PLC0415 (only these traces need it)

        return cast("IO[bytes]", zstandard.open(path, "rb"))
    if path.suffix == ".xz":
        return cast("IO[bytes]", lzma.open(path))
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path))
    return path.open("rb")


def _read_ranges(content: bytes) -> list[int]:
    keys: list[int] = []
    for line in content.splitlines():
        start, count, *_ = map(int, line.split())
        keys += range(start, start + count)
        if len(keys) >= MOST_ACCESSES:
            break
    return keys[:MOST_ACCESSES]


# ------------------------------------------------------------------------- the caches


def tier_hits(keys: Sequence[int], size: int) -> int:
    """Run the memory tier with S3-FIFO."""
    tier = _tier("s3fifo", size)
    hits = 0
    for number in keys:
        key = ("", str(number))
        if tier.get(key, 0.0) is None:
            tier.put(Record(key, 1, math.inf), 0.0)
        else:
            hits += 1
    return hits


def mapping_hits(
    make: Callable[[int], MutableMapping[int, bool]], keys: Sequence[int], size: int
) -> int:
    """Run a cachetools cache."""
    cache = make(size)
    hits = 0
    for key in keys:
        if cache.get(key):
            hits += 1
        else:
            cache[key] = True
    return hits


def optimal_hits(keys: Sequence[int], size: int) -> int:
    """Run Belady's optimum: evict what will be needed last."""
    never = len(keys)
    upcoming: dict[int, int] = {}
    next_at = [never] * never
    for at in range(never - 1, -1, -1):
        next_at[at] = upcoming.get(keys[at], never)
        upcoming[keys[at]] = at
    held: dict[int, int] = {}
    furthest: list[tuple[int, int]] = []
    hits = 0
    for key, at in zip(keys, next_at, strict=True):
        if key in held:
            hits += 1
        elif at == never:
            # Kept or not, it will serve nothing.
            continue
        elif len(held) >= size:
            negative, victim = heapq.heappop(furthest)
            while held.get(victim) != -negative:
                negative, victim = heapq.heappop(furthest)
            del held[victim]
        held[key] = at
        heapq.heappush(furthest, (-at, key))
    return hits


CACHES: Final[dict[str, Callable[[Sequence[int], int], int]]] = {
    "S3-FIFO": tier_hits,
    "LRU": partial(mapping_hits, cachetools.LRUCache),
    "LFU": partial(mapping_hits, cachetools.LFUCache),
    "Belady": optimal_hits,
}


def _tier(policy: str, max_items: int) -> MemoryTier[Record]:
    return MemoryTier(
        max_items=max_items,
        max_bytes=None,
        replacement=replacement_of(policy, max_items, None),
        removed=_ignore,
    )


def _ignore(record: Record, cause: Cause) -> None:
    """Take note of nothing."""


# -------------------------------------------------------------------------- the table


@attrs.frozen
class Row:
    """The hit ratios of one trace and one size, by cache."""

    trace: str
    size: int
    ratios: dict[str, float]

    @property
    def of_optimum(self) -> float:
        """S3-FIFO's share of what Belady's optimum reaches."""
        return self.ratios["S3-FIFO"] / self.ratios["Belady"]


# Each worker keeps the trace it read last: its cells come one after another.
_read_once = functools.lru_cache(maxsize=1)(read_trace)


def _ratio(path: Path, size: int, cache: str) -> float:
    keys = _read_once(path)
    return CACHES[cache](keys, size) / len(keys)


def measure(paths: Sequence[Path]) -> list[Row]:
    """Run every cache on every trace at every size, on all cores."""
    cells = []
    for path in paths:
        distinct = len(set(read_trace(path)))
        cells += [(path, max(1, round(share * distinct))) for share in SHARES]
    with ProcessPoolExecutor() as workers:
        asked = [
            (path, size, {c: workers.submit(_ratio, path, size, c) for c in CACHES})
            for path, size in cells
        ]
        return [
            Row(path.name, size, {c: made.result() for c, made in futures.items()})
            for path, size, futures in asked
        ]


def report(rows: Sequence[Row]) -> float:
    """Print the table; return the mean share of the optimum, NaN for none."""
    names = "".join(f"{name:>9}" for name in CACHES)
    print(f"{'trace':<28}{'items':>7}{names}{'of Belady':>11}")
    for row in rows:
        ratios = "".join(f"{100 * ratio:9.2f}" for ratio in row.ratios.values())
        mark = "" if row.size >= SMALLEST else "  (not counted)"
        print(f"{row.trace:<28}{row.size:7}{ratios}{row.of_optimum:11.3f}{mark}")
    counted = [row.of_optimum for row in rows if row.size >= SMALLEST]
    mean = fmean(counted) if counted else math.nan
    print(f"mean of {len(counted)} sizes from {SMALLEST} items: {mean:.4f} (bar {BAR})")
    return mean


# ------------------------------------------------------------------- bytes of an entry


def measure_memory() -> dict[str, float]:
    """Return bytes an entry, keys and values (or records) apart."""
    # Twice as many as there is room for, so that queues and ghosts are full, too.
    keys = [("", f"key:{number}") for number in range(2 * ENTRIES)]
    value = object()

    def fill(cache: MutableMapping[MemoryKey, object]) -> object:
        for key in keys:
            cache[key] = value
        return cache

    def plain() -> object:
        return dict.fromkeys(keys[:ENTRIES], value)

    def lru_cache() -> object:
        cached = functools.lru_cache(ENTRIES)(lambda _: value)
        for key in keys:
            cached(key)
        return cached

    makers = {
        "dict": plain,
        "functools.lru_cache": lru_cache,
        "cachetools LRU": lambda: fill(cachetools.LRUCache(ENTRIES)),
        "cachetools LFU": lambda: fill(cachetools.LFUCache(ENTRIES)),
    }
    figures = {name: _allocated(make) / ENTRIES for name, make in makers.items()}
    for policy in POLICIES:
        # Lives of an hour, written over ten minutes.
        records = [
            Record(key, 1, 3600.0 + 600.0 * place / len(keys))
            for place, key in enumerate(keys)
        ]
        figures[f"tier, {policy}"] = _allocated(partial(_filled, policy, records))
        figures[f"tier, {policy}"] /= ENTRIES
    figures["a bare Record"] = (
        _allocated(
            lambda: [Record(key, 1000 + n, n + 0.5) for n, key in enumerate(keys)]
        )
        / len(keys)
        - 8
    )
    return figures


def _filled(policy: str, records: list[Record]) -> MemoryTier[Record]:
    tier = _tier(policy, ENTRIES)
    for place, record in enumerate(records):
        tier.put(record, 600.0 * place / len(records))
    return tier


def _allocated(make: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    made = make()
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del made
    return size


def main() -> int:
    """Measure what is asked for; 1 if the bar is missed."""
    parser = argparse.ArgumentParser(description="The memory tier's hit ratio.")
    parser.add_argument("traces", nargs="*", type=Path, metavar="TRACE")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures there")
    parser.add_argument("--memory", action="store_true", help="bytes of an entry")
    asked = parser.parse_args()
    if not asked.traces and not asked.memory:
        parser.error("name a trace, or ask for --memory")
    figures: dict[str, object] = {}
    met = True
    if asked.traces:
        rows = measure(asked.traces)
        mean = report(rows)
        met = math.isnan(mean) or mean >= BAR
        figures["hit_ratio"] = {
            "rows": [
                attrs.asdict(row) | {"of_optimum": row.of_optimum} for row in rows
            ],
            "mean_of_optimum": None if math.isnan(mean) else mean,
            "bar": BAR,
        }
    if asked.memory:
        figures["bytes_per_entry"] = costs = measure_memory()
        print(f"bytes an entry, {ENTRIES} entries, keys and values apart")
        for name, cost in costs.items():
            print(f"{name:<28}{cost:7.0f}")
    if asked.json is not None:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
