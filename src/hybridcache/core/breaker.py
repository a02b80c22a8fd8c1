"""The circuit breaker as a table: state and signal in, state out.

All change of state is in ``TRANSITIONS``; what is not in it changes nothing. A
command counts once and only against the state it began in: its ticket carries the
breaker's generation (Nygard, *Release It!*, for the three states).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

# Redis' own clients retry 3 times by default; 3 failed commands of 0.25 s each
# cost under a second before callers stop trying.
DEFAULT_THRESHOLD = 3


class State(Enum):
    """CLOSED: commands go through. OPEN: none does. HALF_OPEN: one probe does."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Signal(Enum):
    """What may move the breaker."""

    TRIPPED = "tripped"
    PROBING = "probing"
    PROBE_ANSWERED = "probe_answered"
    PROBE_FAILED = "probe_failed"


TRANSITIONS: Final[Mapping[tuple[State, Signal], State]] = {
    (State.CLOSED, Signal.TRIPPED): State.OPEN,
    (State.OPEN, Signal.PROBING): State.HALF_OPEN,
    (State.HALF_OPEN, Signal.PROBE_ANSWERED): State.CLOSED,
    (State.HALF_OPEN, Signal.PROBE_FAILED): State.OPEN,
}


@attrs.frozen
class Breaker:
    """A breaker's whole state; every change makes a new one.

    Attributes:

        state: Where it is.

        failures: Failures in a row while closed.

        generation: Grows with every change of state.

        threshold: Failures in a row that open it.

        cause: What the last failure said.
    """

    state: State = State.CLOSED
    failures: int = 0
    generation: int = 0
    threshold: int = attrs.field(default=DEFAULT_THRESHOLD, kw_only=True)
    cause: str = attrs.field(default="", kw_only=True)


def signalled(breaker: Breaker, signal: Signal) -> Breaker:
    """Follow *signal* through the table; an unknown pair changes nothing."""
    state = TRANSITIONS.get((breaker.state, signal))
    if state is None:
        return breaker
    return attrs.evolve(
        breaker, state=state, failures=0, generation=breaker.generation + 1
    )


def succeeded(breaker: Breaker, *, generation: int) -> Breaker:
    """Count an answered command that began in *generation*."""
    if breaker.generation != generation or breaker.failures == 0:
        return breaker
    return attrs.evolve(breaker, failures=0)


def failed(breaker: Breaker, *, generation: int, cause: str) -> Breaker:
    """Count a failed command that began in *generation*; the last straw opens."""
    if breaker.generation != generation or breaker.state is not State.CLOSED:
        return breaker
    counted = attrs.evolve(breaker, failures=breaker.failures + 1, cause=cause)
    if counted.failures < breaker.threshold:
        return counted
    return signalled(counted, Signal.TRIPPED)
