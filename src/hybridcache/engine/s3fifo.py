"""S3-FIFO: three FIFO queues, no order to keep up on a read.

Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023: a new record
enters the small queue; read more than once by the time it leaves that, it goes on to
the main one, which gives records that were read another round. Of the others a ghost
stays, and who comes back as a ghost goes to main at once. Nothing here evicts unasked.
"""

from array import array
from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from hybridcache.engine.memory import MemoryKey, Record

# The small queue's share is one in so many: the paper's 10 %.
SMALL_SHARE: Final = 10
# The paper keeps as many ghosts as main has records. Twice as many as there are records
# at all does better on the traces of `benchmarks/hit_ratio.py`, four times does worse.
GHOSTS: Final = 2
_LOW: Final = 2**32 - 1


class _Queue:
    """A FIFO whose links are in the records, closed to a ring by an end of its own."""

    __slots__ = ("bytes", "end", "items")

    def __init__(self) -> None:
        self.end = Record(key=("", ""), size=0, expires_at=0.0)
        self.end.ahead = self.end.behind = self.end
        self.items = 0
        self.bytes = 0

    def push(self, record: Record) -> None:
        """Enter *record* as the last."""
        end, last = self.end, self.end.ahead
        record.ahead, record.behind = last, end
        last.behind = end.ahead = record
        self.items += 1
        self.bytes += record.size

    def remove(self, record: Record) -> None:
        """Take *record* out, wherever it stands."""
        ahead, behind = record.ahead, record.behind
        ahead.behind, behind.ahead = behind, ahead
        del record.ahead, record.behind
        self.items -= 1
        self.bytes -= record.size

    def swap(self, old: Record, new: Record) -> None:
        """Let *new* stand where *old* stands."""
        new.ahead, new.behind = ahead, behind = old.ahead, old.behind
        ahead.behind = behind.ahead = new
        del old.ahead, old.behind
        self.bytes += new.size - old.size


@attrs.define(eq=False)
class _Ghosts:
    """Who was evicted lately: a table of hashes, 8 bytes each, and not quite exact.

    A slot holds the upper half of a key's hash and the number of its eviction, and the
    next key that falls on it takes it over. A dict of keys would cost several times
    as much and bring a thousandth nearer to Belady's optimum.
    """

    _hashed: Callable[[MemoryKey], int]
    _slots: "array[int]" = attrs.field(factory=lambda: array("Q", [0]), init=False)
    _evicted: int = attrs.field(default=0, init=False)

    def add(self, key: MemoryKey, most: int) -> None:
        """Remember *key*; there are to be about *most* ghosts."""
        if most > len(self._slots):
            # Forgets those there were. Rare: only while the tier grows.
            self._slots = array("Q", bytes(8 << (most - 1).bit_length()))
        self._evicted += 1
        mark = self._hashed(key)
        self._slots[mark & (len(self._slots) - 1)] = (
            mark >> 32 & _LOW
        ) << 32 | self._evicted & _LOW

    def forget(self, key: MemoryKey, most: int) -> bool:
        """Forget *key*; return whether it was among the last *most* evicted."""
        mark = self._hashed(key)
        at = mark & (len(self._slots) - 1)
        slot = self._slots[at]
        known = slot >> 32 == mark >> 32 & _LOW and (self._evicted - slot) & _LOW < most
        if known:
            self._slots[at] = 0
        return known


class S3FIFO:
    """S3-FIFO for a tier of these bounds.

    Args:

        max_items: Most records.

        max_bytes: Most bytes; None for no bound.

        hashed: 64 bits of a key, for the ghosts. Python's own hash of a string is
            another one in every process.

    Attributes:

        reads: None: `Record.freq` tells all.
    """

    reads: deque[MemoryKey] | None = None

    def __init__(
        self,
        max_items: int,
        max_bytes: int | None,
        hashed: Callable[[MemoryKey], int] = hash,
    ) -> None:
        self._small = _Queue()
        self._main = _Queue()
        self._ghosts = _Ghosts(hashed)
        self._small_items = max(1, max_items // SMALL_SHARE)
        self._small_bytes = (
            None if max_bytes is None else max(1, max_bytes // SMALL_SHARE)
        )

    def add(self, record: Record) -> None:
        """Take in a record whose key it does not have."""
        record.main = self._ghosts.forget(record.key, self._most_ghosts())
        self._queue_of(record).push(record)

    def swap(self, old: Record, new: Record) -> None:
        """Put *new* in the place of *old*, which has the same key."""
        new.main = old.main
        self._queue_of(old).swap(old, new)

    def remove(self, record: Record) -> None:
        """Let go of a record that leaves for a reason of the tier's."""
        self._queue_of(record).remove(record)

    def victim(self) -> Record:
        """Choose a record to evict and let go of it; there is at least one."""
        small, main = self._small, self._main
        while True:
            if self._small_is_full() or not main.items:
                record = small.end.behind
                small.remove(record)
                if record.freq <= 1:
                    self._ghosts.add(record.key, self._most_ghosts())
                    return record
                record.freq = 0
                record.main = True
            else:
                record = main.end.behind
                main.remove(record)
                if record.freq <= 0:
                    return record
                record.freq -= 1
            main.push(record)

    def _small_is_full(self) -> bool:
        small = self._small
        return small.items >= self._small_items or (
            self._small_bytes is not None and small.bytes >= self._small_bytes
        )

    def _queue_of(self, record: Record) -> _Queue:
        return self._main if record.main else self._small

    def _most_ghosts(self) -> int:
        return GHOSTS * (self._small.items + self._main.items)
