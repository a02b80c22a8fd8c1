"""Reads of entries under way in this process: whoever comes meanwhile shares one.

Most reads are of one caller alone: a latch is made only when a second one comes.
Callers hold the node's lock.
"""

from typing import Generic, TypeAlias, TypeVar

import attrs

from hybridcache.engine.answers import Hit, Missing
from hybridcache.engine.latch import Latch, Lock
from hybridcache.engine.poison import Fill
from hybridcache.engine.request import Fault

A = TypeVar("A")

Answer: TypeAlias = Hit | Missing | Fault


@attrs.define(eq=False)
class Reading(Generic[A]):
    """One read of an entry, or of its header, that teaches an ``A``.

    Attributes:

        fill: Spoiled by an invalidation that passes meanwhile.

        reader: Cache and shape of the type: only the same may share it.

        until: Monotonic instant after which nobody joins it, seconds.

        latch: What the followers wait for; settled with None if nothing was learnt.
    """

    fill: Fill
    reader: bytes
    until: float
    latch: Latch[A] | None = None


@attrs.define(eq=False)
class Readings(Generic[A]):
    """The reads that later callers may share, by key."""

    _lock: Lock
    _readings: dict[str, list[Reading[A]]] = attrs.field(factory=dict, init=False)

    def find(self, key: str, reader: bytes, now: float) -> Reading[A] | None:
        """Return the read of *key* that *reader* may share."""
        for reading in self._readings.get(key, ()):
            if reading.reader == reader and now < reading.until:
                return reading
        return None

    def start(self, fill: Fill, reader: bytes, until: float) -> Reading[A]:
        """Start a read, beside those of other readers."""
        reading: Reading[A] = Reading(fill, reader, until)
        readings = self._readings.get(fill.key)
        if readings is None:
            self._readings[fill.key] = [reading]
        else:
            readings.append(reading)
        return reading

    def follow(self, reading: Reading[A]) -> Latch[A]:
        """Return what to wait for."""
        if reading.latch is None:
            reading.latch = Latch(self._lock)
        return reading.latch

    def leave(self, reading: Reading[A]) -> None:
        """Take a read that ended off the table, if it is still on it."""
        readings = self._readings.get(reading.fill.key)
        if readings is None or reading not in readings:
            return
        if len(readings) == 1:
            del self._readings[reading.fill.key]
        else:
            readings.remove(reading)

    def detach(self, key: str) -> None:
        """Let go of *key*: the next caller reads anew."""
        self._readings.pop(key, None)

    def detach_all(self) -> None:
        """Let go of every key."""
        self._readings.clear()

    def __len__(self) -> int:
        return len(self._readings)
