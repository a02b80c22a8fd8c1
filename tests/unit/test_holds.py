"""Keys that are held for a while, and let go of again."""

import threading
from types import TracebackType
from typing import Any

from hybridcache.core.outcome import Refresh
from hybridcache.engine.flights import Failed
from hybridcache.engine.holds import CLEAR_OUT_EVERY, Holds

FAILED = Failed(OSError("down"))


class _Lock:
    """A lock that knows whether it is held."""

    held = False

    def __enter__(self) -> None:
        self.held = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.held = False


class _Looked(dict[str, Any]):
    """A table that counts who goes through it, and is changed under a lock alone."""

    def __init__(self, lock: _Lock) -> None:
        super().__init__()
        self.lock = lock
        self.looks = 0

    def items(self) -> Any:
        """Count."""
        self.looks += 1
        return super().items()

    def pop(self, *args: Any) -> Any:
        """Check."""
        assert self.lock.held
        return super().pop(*args)


def test_the_end_elsewhere_is_noted_under_the_lock() -> None:
    """The keeper ends a hold under the lock, for a worker may look through them all."""
    lock = _Lock()
    holds = Holds(lock)
    holds._elsewhere = _Looked(lock)
    holds.leave_to_another("k", 10.0)
    assert 10.0 == holds.held_off_until("k")
    holds.ended_elsewhere("k")

    assert 0.0 == holds.held_off_until("k")


def test_many_holds_are_looked_through_now_and_then() -> None:
    """However many keys are held, one more looks through them once a second at most."""
    lock = _Lock()
    holds = Holds(lock)
    holds._held_off = held_off = _Looked(lock)
    holds._failures = failures = _Looked(lock)
    for number in range(3000):
        holds.hold_off(f"h{number}", 100.0, number * 1e-6)
        holds.fail(f"f{number}", FAILED, 100.0, number * 1e-6)

    assert (1, 1) == (held_off.looks, failures.looks)
    holds.hold_off("k", 100.0, CLEAR_OUT_EVERY)
    assert (2, 2) == (held_off.looks, failures.looks)


def test_what_is_over_is_let_go() -> None:
    """A hold whose time is over holds nothing, and is gone at the next clearing out."""
    holds = Holds(threading.Lock())
    holds.hold_off("h", 0.5, 0.0)
    holds.fail("f", FAILED, 0.5, 0.0)
    assert (Refresh.HELD_OFF, FAILED) == (
        holds.why_held_off("h", 0.4),
        holds.failure_of("f", 0.4),
    )
    assert holds.failure_of("f", 0.5) is None
    holds.hold_off("k", 9.0, CLEAR_OUT_EVERY)

    assert {"k": 9.0} == holds._held_off
    assert {} == holds._failures
