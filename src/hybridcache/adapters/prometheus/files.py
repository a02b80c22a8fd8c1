"""Slots in files, for prometheus-client's multiprocess mode.

The files have the format of its own (`prometheus_client/mmap_dict.py`) and names that
its `MultiProcessCollector` takes in. A count is written through: it is one addition in
mapped memory, which the kernel keeps even of a process that is killed. No file has two
writers, and none is ever made larger, so that a slot stays where it is.
"""

import logging
import mmap
import os
import secrets
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Final

import attrs
from prometheus_client.mmap_dict import mmap_key

from hybridcache.engine.rows import Row, Sample, Slots

log: Final = logging.getLogger("hybridcache.adapters")

# A histogram or two functions. Each that follows is twice as large: few files for a
# scrape to read, and few bytes that a worker leaves behind, for its counts stay there.
FIRST_BYTES: Final = 8 * 1024
# How many of the file's bytes are in use, and padding; then the entries.
_HEAD: Final = struct.Struct("i4x")
_USED: Final = struct.Struct("i")
_LENGTH_BYTES: Final = 4
_DOUBLE_BYTES: Final = 8
_VALUE_BYTES: Final = 2 * _DOUBLE_BYTES
"""A value and an instant, which is zero."""


@attrs.define(eq=False)
class Files:
    """The files of one process that one registry's rows are in.

    Attributes:

        directory: Where they are.

        begun: Called when the process counts in a row for the first time.
    """

    directory: str
    begun: Callable[[], None]
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _files: dict[str, "_File"] = attrs.field(factory=dict, init=False)
    _told: bool = attrs.field(default=False, init=False)

    def place(self, row: Row) -> None:
        """Put the slots of *row* in a file, at its first count."""
        row.slots = _Unwritten(row, self)

    def write(self, row: Row) -> None:
        """Give *row* its slots in a file, unless it has them."""
        with self._lock:
            if isinstance(row.slots, _Unwritten):
                row.slots = self._slots(row.samples)
        self.begun()

    def _slots(self, samples: Sequence[Sample]) -> Slots:
        kind = "histogram" if samples[0].metric.bounds else "counter"
        entries = _entries([_key(sample) for sample in samples])
        try:
            file = self._files.get(kind)
            if file is None or not file.has_room(entries):
                size = FIRST_BYTES if file is None else 2 * len(file.memory)
                size = max(size, _HEAD.size + len(entries))
                file = self._files[kind] = _made(self.directory, kind, size)
        except OSError:
            # A lookup does not fail because its counting does.
            if not self._told:
                self._told = True
                log.exception("some metrics of this process are not shown; said once")
            return [0.0] * len(samples)
        return file.add(entries, len(samples))

    def forked(self) -> None:
        """Write to files of its own in the child of a fork.

        The lock may be locked for ever, by a thread that is the parent's.
        """
        self._lock = threading.Lock()
        self._files = {}


@attrs.frozen(eq=False)
class _Unwritten:
    """The zeros of a row that has yet to be counted in.

    A process that counts nothing has no files: so it is with one that only forks.
    """

    _row: Row
    _files: Files

    def __getitem__(self, slot: int) -> float:
        return 0.0

    def __setitem__(self, slot: int, value: float) -> None:
        # Whoever adds has read a zero here, so that *value* is what there is to add,
        # also where another thread has counted in this row meanwhile.
        self._files.write(self._row)
        self._row.slots[slot] += value

    def __iter__(self) -> Iterator[float]:
        return repeat(0.0, len(self._row.samples))


@attrs.define(eq=False)
class _File:
    """One file, mapped."""

    memory: mmap.mmap
    doubles: "memoryview[float]"
    used: int = _HEAD.size

    def has_room(self, entries: bytes) -> bool:
        """Whether *entries* fit in."""
        return self.used + len(entries) <= len(self.memory)

    def add(self, entries: bytes, count: int) -> Slots:
        """Append so many entries of one size and return a view of their values."""
        stride = len(entries) // count
        begin, end = self.used, self.used + len(entries)
        self.memory[begin:end] = entries
        # Last, so that nobody reads what is not there: assigned at once, as
        # prometheus-client does, for struct.pack_into writes a zero before.
        self.memory[: _USED.size] = _USED.pack(end)
        self.used = end
        first = (begin + stride - _VALUE_BYTES) // _DOUBLE_BYTES
        last = (end - _VALUE_BYTES) // _DOUBLE_BYTES
        return self.doubles[first : last + 1 : stride // _DOUBLE_BYTES]


def _made(directory: str, kind: str, size: int) -> _File:
    """Make a file that no process ever had and that nobody sees unfinished."""
    name = f"{kind}_hybridcache-{os.getpid()}-{secrets.token_hex(4)}"
    unfinished = Path(directory, f"{name}.unfinished")
    with unfinished.open("x+b") as file:
        # Written, not left out: a hole that finds the disk full later is a SIGBUS.
        file.write(_HEAD.pack(_HEAD.size).ljust(size, b"\0"))
        file.flush()
        memory = mmap.mmap(file.fileno(), size)
    unfinished.rename(unfinished.with_suffix(".db"))
    return _File(memory, memoryview(memory).cast("d"))


def _key(sample: Sample) -> bytes:
    metric = sample.metric
    names, labels = list(metric.labels), list(sample.labels)
    if sample.bound is not None:
        names.append("le")
        labels.append(sample.bound)
    name = f"{metric.name}_{sample.part}"
    return mmap_key(metric.name, name, names, labels, metric.help).encode()


def _entries(keys: Sequence[bytes]) -> bytes:
    """Make entries of one size, zero each: then the values are evenly spaced."""
    # Blanks behind a JSON text say nothing.
    length = max(map(len, keys))
    padded = length + 8 - (length + _LENGTH_BYTES) % 8
    entry = struct.Struct(f"i{padded}sdd")
    return b"".join(entry.pack(length, key.ljust(padded), 0.0, 0.0) for key in keys)
