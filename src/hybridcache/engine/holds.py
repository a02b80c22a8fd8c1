"""What holds a key for a while: a failed refresh, a refresh elsewhere, a failure."""

from math import inf
from typing import Final

import attrs

from hybridcache.core.outcome import Refresh
from hybridcache.engine.flights import Failed
from hybridcache.engine.latch import Lock

# The keys whose time is over are cleared out so often, seconds, also where no keeper
# does it: a failure keeps the frames of whoever raised it.
CLEAR_OUT_EVERY: Final = 1.0


@attrs.frozen
class KeyHolds:
    """What holds one key at one moment; seconds, 0 or less where nothing does.

    Attributes:

        retry: A failed refresh holds off the next for so long.

        elsewhere: Another process's refresh does.

        failure: A loader's failure holds the key.

        failed: That failure.
    """

    retry: float
    elsewhere: float
    failure: float
    failed: Failed | None


@attrs.define(eq=False)
class Holds:
    """The keys of one node that are held, each until an instant."""

    _lock: Lock
    _held_off: dict[str, float] = attrs.field(factory=dict, init=False)
    _elsewhere: dict[str, float] = attrs.field(factory=dict, init=False)
    _failures: dict[str, tuple[float, Failed]] = attrs.field(factory=dict, init=False)
    _clear_out_at: float = attrs.field(default=-inf, init=False)

    def hold_off(self, key: str, until: float, now: float) -> None:
        """Start no refresh of *key* until then."""
        with self._lock:
            self._clear_out_at_times(now)
            self._held_off[key] = until

    def leave_to_another(self, key: str, until: float) -> None:
        """Start no refresh of *key* until then, or until another process's ends."""
        with self._lock:
            self._elsewhere[key] = until

    def ended_elsewhere(self, key: str) -> None:
        """Another process's load of *key* has ended."""
        with self._lock:
            self._elsewhere.pop(key, None)

    def held_off_until(self, key: str) -> float:
        """Return until when no refresh of *key* may start."""
        if not (self._held_off or self._elsewhere):
            return 0.0
        return max(self._held_off.get(key, 0.0), self._elsewhere.get(key, 0.0))

    def why_held_off(self, key: str, now: float) -> Refresh:
        """Say whether a failure or another process's refresh holds *key* off."""
        failed = now < self._held_off.get(key, 0.0)
        return Refresh.HELD_OFF if failed else Refresh.UNDER_WAY

    def of(self, key: str, now: float) -> KeyHolds:
        """Return what holds *key*, and let go of nothing."""
        with self._lock:
            until, failure = self._failures.get(key, (now, None))
            return KeyHolds(
                self._held_off.get(key, now) - now,
                self._elsewhere.get(key, now) - now,
                until - now,
                failure,
            )

    def fail(self, key: str, failure: Failed, until: float, now: float) -> None:
        """Have a loader's failure hold *key* in this process until then."""
        with self._lock:
            self._clear_out_at_times(now)
            self._failures[key] = (until, failure)

    def failure_of(self, key: str, now: float) -> Failed | None:
        """Return the failure that holds *key*, if one does."""
        if not self._failures:
            return None
        with self._lock:
            self._clear_out_at_times(now)
        until, failure = self._failures.get(key, (now, None))
        return failure if now < until else None

    def let_go(self, key: str) -> None:
        """Hold *key* no more: it was invalidated."""
        self._held_off.pop(key, None)
        self._elsewhere.pop(key, None)
        self._failures.pop(key, None)

    def let_go_of_all(self) -> None:
        """Hold no key any more."""
        self._held_off.clear()
        self._elsewhere.clear()
        self._failures.clear()

    def sweep(self, now: float) -> None:
        """Let go of the keys whose time is over."""
        with self._lock:
            self._clear_out(now)

    def _clear_out_at_times(self, now: float) -> None:
        # Not at every call: it looks at all that are held.
        if now >= self._clear_out_at:
            self._clear_out(now)

    def _clear_out(self, now: float) -> None:
        self._clear_out_at = now + CLEAR_OUT_EVERY
        for holds in (self._held_off, self._elsewhere):
            for key in [key for key, until in holds.items() if until <= now]:
                del holds[key]
        for key in [key for key, (until, _) in self._failures.items() if until <= now]:
            del self._failures[key]
