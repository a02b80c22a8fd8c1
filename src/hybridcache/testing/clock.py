"""A clock that a test moves by hand."""

import math
import time

from hybridcache.core.policy import Duration, seconds


class ManualClock:
    """Monotonic seconds that pass only when a test says so.

    Give it to ``Cache(clock=...)`` or ``AsyncCache(clock=...)``; caches on one
    `Memory` need the same one. What is fresh, stale or expired, held off or
    abandoned then follows this clock. Waiting does not: ``wait_for``,
    ``stale_wait`` and Redis's timeouts end after real seconds, and Redis dates its
    entries by its own clock.

    .. code-block:: python

        clock = ManualClock()
        cache = Cache(downstream=Memory(), clock=clock)
        cache.get_or_load("k", load, policy)
        clock.advance(61.0)

    Args:

        start: What it shows at first, seconds; the real monotonic clock's time, in
            whole seconds, if left out, so that it never lags far behind the keeper.
    """

    def __init__(self, start: float | None = None) -> None:
        self._now = float(math.ceil(time.monotonic()) if start is None else start)

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
        self._now += step
        return self._now
