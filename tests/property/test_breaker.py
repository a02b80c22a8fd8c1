"""The breaker is a table, and a command counts once against what it began in."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from hybridcache.core.breaker import (
    TRANSITIONS,
    Breaker,
    Signal,
    State,
    failed,
    signalled,
    succeeded,
)

Step = Callable[[Breaker], Breaker]


def _fail(old: int) -> Step:
    def step(breaker: Breaker) -> Breaker:
        return failed(breaker, generation=breaker.generation - old, cause="down")

    return step


def _succeed(old: int) -> Step:
    def step(breaker: Breaker) -> Breaker:
        return succeeded(breaker, generation=breaker.generation - old)

    return step


def _signal(signal: Signal) -> Step:
    def step(breaker: Breaker) -> Breaker:
        return signalled(breaker, signal)

    return step


olds = st.sampled_from([0, 0, 0, 1, 2])
steps = st.lists(
    st.one_of(
        olds.map(_fail), olds.map(_succeed), st.sampled_from(Signal).map(_signal)
    ),
    max_size=60,
)
thresholds = st.integers(1, 5)


@given(steps, thresholds)
def test_fold(run: list[Step], threshold: int) -> None:
    """No fold of signals and counts goes from open to closed but by half-open."""
    breaker = Breaker(threshold=threshold)
    ways = {(before, after) for (before, _), after in TRANSITIONS.items()}
    for step in run:
        after = step(breaker)
        if after.state is not breaker.state:
            assert (breaker.state, after.state) in ways
            assert (State.OPEN, State.CLOSED) != (breaker.state, after.state)
            assert (breaker.generation + 1, 0) == (after.generation, after.failures)
        else:
            assert breaker.generation == after.generation
        assert 0 <= after.failures < threshold
        assert after.failures == 0 or after.state is State.CLOSED
        breaker = after


@given(steps, thresholds, st.integers(1, 3))
def test_old_commands(run: list[Step], threshold: int, old: int) -> None:
    """A command that began in another state of the breaker counts for nothing."""
    breaker = Breaker(threshold=threshold)
    for step in run:
        breaker = step(breaker)

    assert breaker == _fail(old)(breaker)
    assert breaker == _succeed(old)(breaker)


@given(thresholds)
def test_threshold(threshold: int) -> None:
    """The breaker opens at the failure that is the threshold, in a row."""
    breaker = Breaker(threshold=threshold)
    for _ in range(threshold - 1):
        breaker = _fail(0)(breaker)
        assert breaker.state is State.CLOSED

    opened = _fail(0)(breaker)
    assert (State.OPEN, "down") == (opened.state, opened.cause)
    begun_anew = _fail(0)(_succeed(0)(breaker))
    assert (begun_anew.state is State.OPEN) == (threshold == 1)


@given(thresholds, st.integers(0, 10))
def test_one_outage_counts_once(threshold: int, more: int) -> None:
    """Commands that fail together open the breaker once; the late ones do nothing."""
    breaker = Breaker(threshold=threshold)
    generation = breaker.generation
    for _ in range(threshold + more):
        breaker = failed(breaker, generation=generation, cause="down")

    assert (State.OPEN, generation + 1) == (breaker.state, breaker.generation)


def test_table() -> None:
    """The table has the four ways of a breaker, and every state a way out."""
    expected = {
        (State.CLOSED, Signal.TRIPPED): State.OPEN,
        (State.OPEN, Signal.PROBING): State.HALF_OPEN,
        (State.HALF_OPEN, Signal.PROBE_ANSWERED): State.CLOSED,
        (State.HALF_OPEN, Signal.PROBE_FAILED): State.OPEN,
    }

    assert expected == TRANSITIONS
    assert set(State) == {state for state, _ in TRANSITIONS}
    assert set(Signal) == {signal for _, signal in TRANSITIONS}


@given(st.sampled_from(State), st.sampled_from(Signal))
def test_unknown_pairs(state: State, signal: Signal) -> None:
    """A signal that the table does not know in a state changes nothing."""
    breaker = Breaker(state)
    after = signalled(breaker, signal)

    assert TRANSITIONS.get((state, signal), state) == after.state
    if (state, signal) not in TRANSITIONS:
        assert breaker is after
