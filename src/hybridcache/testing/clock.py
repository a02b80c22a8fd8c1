"""A clock that a test moves by hand."""

import math
import threading
import time
from typing import Protocol

from hybridcache.core.policy import Duration, seconds


class Alarm(Protocol):
    """Something that happens at an instant of its own while time passes."""

    def next_at(self) -> float:
        """Return when it rings next."""

    def ring(self) -> None:
        """Do what is due; afterwards it rings later."""


class ManualClock:
    """Monotonic seconds that pass only when a test says so.

    Give it to ``Cache(clock=...)`` or ``AsyncCache(clock=...)``; caches on one
    `Memory` need the same one. What is fresh, stale or expired, held off or
    abandoned then follows this clock. Waiting does not: ``wait_for``,
    ``stale_wait`` and Redis's timeouts end after real seconds, and Redis dates its
    entries by its own clock. With a :class:`ScriptedUpstream` in the place of Redis
    its timeouts and its instants follow this clock too.

    .. code-block:: python

        clock = ManualClock()
        cache = Cache(downstream=Memory(), clock=clock)
        cache.get_or_load("k", load, policy)
        clock.advance(61.0)

    Args:

        start: What it shows at first, seconds; the real monotonic clock's time, in
            whole seconds, if left out, so that it never lags far behind the keeper.

    Attributes:

        lock: Held while time passes, and by all whose work lets it pass. It is one
            for them all: with a lock each they would wait for each other, for whoever
            lets time pass rings the alarms of the others. Reading the time takes none.
    """

    def __init__(self, start: float | None = None) -> None:
        self.lock = threading.RLock()
        self._now = float(math.ceil(time.monotonic()) if start is None else start)
        self._alarms: list[Alarm] = []

    def __call__(self) -> float:
        """Return the time, seconds."""
        return self._now

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._now!r})"

    def advance(self, by: Duration) -> float:
        """Let *by* pass, seconds or a ``timedelta``, and return the time.

        Raises:

            TypeError: *by* is no duration.

            ValueError: It is negative or not finite: time does not go back.
        """
        step = seconds(by)
        if not 0.0 <= step < math.inf:
            msg = f"a clock advances by seconds from 0, not by {by!r}"
            raise ValueError(msg)
        with self.lock:
            target = self._now + step
            while alarm := self._earliest(target):
                self._now = max(self._now, alarm.next_at())
                alarm.ring()
            self._now = max(self._now, target)
            return self._now

    def attach(self, alarm: Alarm) -> None:
        """Ring *alarm* while the clock advances past its instants."""
        self._alarms.append(alarm)

    def detach(self, alarm: Alarm) -> None:
        """Ring it no more."""
        if alarm in self._alarms:
            self._alarms.remove(alarm)

    def _earliest(self, target: float) -> Alarm | None:
        due = [alarm for alarm in self._alarms if alarm.next_at() <= target]
        return min(due, key=lambda alarm: alarm.next_at(), default=None)
