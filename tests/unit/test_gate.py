"""The gate counts each request once, against what it began in."""

import threading

import pytest

from hybridcache.core.breaker import Breaker, Signal, State
from hybridcache.engine.gate import WRITES_AGAIN_AFTER, Gate, Ticket
from hybridcache.engine.request import Fault, Trouble

DOWN = Fault(Trouble.DOWN, "no answer")
REFUSED = Fault(Trouble.REFUSED, "OOM")


def gate(threshold: int = 2) -> Gate:
    """Make one."""
    return Gate(threading.Lock(), Breaker(threshold=threshold))


def passed(one: Gate, now: float = 0.0, *, shed: bool = False) -> Ticket:
    """Pass the gate."""
    ticket = one.admit(shed=shed, now=now)
    assert isinstance(ticket, Ticket)
    return ticket


def ask(one: Gate, fault: Fault | None, now: float = 0.0, *, writes: bool) -> None:
    """Ask something that ends like this."""
    one.count(passed(one, now), fault, writes=writes, now=now)


@pytest.mark.parametrize("writes", [True, False])
def test_opens(writes: bool) -> None:
    """Failures in a row shut reads and writes out, and the cause is named."""
    one = gate()
    ask(one, DOWN, writes=writes)
    ask(one, DOWN, writes=writes)
    refused = one.admit(shed=False, now=99.0)

    assert Fault(Trouble.DOWN, "breaker open: no answer") == refused


def test_in_a_row() -> None:
    """An answer between two failures begins the count anew, a refusal too."""
    one = gate()
    for answer in (None, REFUSED):
        ask(one, DOWN, writes=True)
        ask(one, answer, writes=True)
    ask(one, DOWN, writes=True)

    assert State.CLOSED is one.breaker.state


def test_old_ticket() -> None:
    """A request that began before the outage was over counts for nothing now."""
    one = gate(threshold=1)
    old = [passed(one), passed(one)]
    for ticket in old:
        one.count(ticket, DOWN, writes=False, now=0.0)
    assert 1 == one.breaker.generation
    one.signal(Signal.PROBING)
    assert isinstance(one.admit(shed=False, now=0.0), Fault)
    one.signal(Signal.PROBE_ANSWERED)
    one.count(old[0], DOWN, writes=False, now=0.0)

    assert State.CLOSED is one.breaker.state


def test_refused_writes() -> None:
    """While Redis refuses writes, reads go on, and writes are tried after a while."""
    one = gate()
    ask(one, REFUSED, writes=True)
    ask(one, REFUSED, writes=True)

    assert REFUSED == one.admit(shed=True, now=WRITES_AGAIN_AFTER - 0.1)
    assert passed(one, 0.0, shed=False) == passed(one, WRITES_AGAIN_AFTER, shed=True)


def test_refused_again() -> None:
    """A write that is refused once more shuts writes out at once, one that is not ends it."""
    one = gate()
    for _ in range(3):
        ask(one, REFUSED, writes=True)
    later = WRITES_AGAIN_AFTER
    ask(one, REFUSED, later, writes=True)

    assert isinstance(one.admit(shed=True, now=later), Fault)
    ask(one, None, later, writes=True)
    ask(one, REFUSED, 9.0, writes=True)
    passed(one, 9.0, shed=True)


def test_refused_reads() -> None:
    """A read that is answered with nonsense says nothing about writes."""
    one = gate(threshold=1)
    ask(one, REFUSED, writes=False)

    passed(one, shed=True)


def test_reset() -> None:
    """The child of a fork starts with an open way and the same threshold."""
    one = gate(threshold=1)
    ask(one, REFUSED, writes=True)
    ask(one, DOWN, writes=True)
    one.reset()

    passed(one, shed=True)
    assert 1 == one.breaker.threshold
