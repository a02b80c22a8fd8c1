"""Reads of entries under way in this process: whoever comes meanwhile shares one.

Most reads are of one caller alone: a latch is made only when a second one comes.
Callers hold the node's lock.
"""

from typing import TypeAlias

import attrs

from hybridcache.engine.answers import Hit, Missing
from hybridcache.engine.latch import Latch, Lock
from hybridcache.engine.poison import Fill
from hybridcache.engine.request import Fault

Answer: TypeAlias = Hit | Missing | Fault


@attrs.define(eq=False)
class Reading:
    """One read of an entry.

    Attributes:

        fill: Spoiled by an invalidation that passes meanwhile.

        reader: Cache and shape of the type: only the same may share it.

        until: Monotonic instant after which nobody joins it, seconds.

        latch: What the followers wait for; settled with None if nothing was learnt.
    """

    fill: Fill
    reader: bytes
    until: float
    latch: Latch[Answer] | None = None


@attrs.define(eq=False)
class Readings:
    """The reads that later callers may share, by key."""

    _lock: Lock
    _readings: dict[str, Reading] = attrs.field(factory=dict, init=False)

    def find(self, key: str, reader: bytes, now: float) -> Reading | None:
        """Return the read of *key* that *reader* may share."""
        reading = self._readings.get(key)
        if reading is None or now >= reading.until or reading.reader != reader:
            return None
        return reading

    def start(self, fill: Fill, reader: bytes, until: float) -> Reading:
        """Start a read; the one that it replaces, if any, is shared no more."""
        reading = self._readings[fill.key] = Reading(fill, reader, until)
        return reading

    def follow(self, reading: Reading) -> Latch[Answer]:
        """Return what to wait for."""
        if reading.latch is None:
            reading.latch = Latch(self._lock)
        return reading.latch

    def leave(self, reading: Reading) -> None:
        """Take a read that ended off the table, if it is still on it."""
        if self._readings.get(reading.fill.key) is reading:
            del self._readings[reading.fill.key]

    def detach(self, key: str) -> None:
        """Let go of *key*: the next caller reads anew."""
        self._readings.pop(key, None)

    def detach_all(self) -> None:
        """Let go of every key."""
        self._readings.clear()

    def __len__(self) -> int:
        return len(self._readings)
