"""Flights: joined, detached, abandoned; and no wait goes round in a circle."""

import itertools
import threading

import pytest

from hybridcache.core.errors import ReentrantLoad
from hybridcache.engine.flights import Flight, FlightTable, Handover, check_cycle
from hybridcache.engine.leases import Lease
from hybridcache.engine.names import names_of
from hybridcache.engine.node import Node

SHAPE = b"f" * 8


def node() -> Node:
    """Make a node without tiers."""
    return Node("ns", threading.RLock(), None, None)


def join(
    one: Node, key: str = "k", now: float = 0.0, shape: bytes = SHAPE
) -> tuple[Flight, bool]:
    """Join the flight of *key*, or start it."""
    return one.join(one.flights, key, shape, now=now, owned_for=10.0)


def test_join() -> None:
    """The second caller joins the flight that the first one started."""
    one = node()
    flight, leads = join(one)

    assert leads
    assert (flight, False) == join(one)
    assert (True, 2) == (join(one, "other")[1], len(one.flights))


def test_other_shape() -> None:
    """A flight of another type is not joined, nor put out of its place."""
    one = node()
    flight, _ = join(one)
    other, leads = join(one, shape=b"g" * 8)

    assert leads
    assert flight is not other
    assert (flight, False) == join(one)


def test_alone() -> None:
    """A flight that stands alone joins none and is joined by none."""
    one = node()
    alone, _ = one.join(one.flights, "k", SHAPE, now=0, owned_for=1, alone=True)
    flight, leads = join(one)

    assert leads
    assert alone is not flight
    one.land(alone, Handover("done"))
    assert (flight, False) == join(one)


@pytest.mark.parametrize("swept", [True, False])
def test_abandon(swept: bool) -> None:
    """A flight past its time is counted and leaves its key to the next caller."""
    one = node()
    flight, _ = join(one)
    assert (flight, False) == join(one, now=9.9)
    if swept:
        one.sweep(10.0)
        assert 0 == len(one.flights)
    other, leads = join(one, now=10.0)

    assert leads
    assert 1 == one.flights.abandoned
    one.land(flight, Handover("late"))
    assert (other, False) == join(one, now=10.0)


def test_invalidated() -> None:
    """An invalidation detaches a flight: it lands for those who wait for it."""
    one = node()
    flight, _ = join(one)
    one.invalidated("k")
    other, leads = join(one)

    assert leads
    assert (True, False) == (flight.fill.spoiled, other.fill.spoiled)
    one.land(flight, Handover("done"))
    assert Handover("done") == flight.latch.answer
    assert other.latch.answer is None


def test_land_twice() -> None:
    """The first landing stays, and nothing is left behind."""
    one = node()
    flight, _ = join(one)
    one.land(flight, Handover("first"))
    one.land(flight, Handover("second"))

    assert Handover("first") == flight.latch.answer
    assert (0, 0) == (len(one.flights), len(one.fills))


def test_orphaned() -> None:
    """A flight whose event loop is gone is handed over to who comes next."""
    one = node()
    flight, _ = join(one)
    flight.latch.orphaned = lambda: True
    _, leads = join(one)

    assert leads
    assert isinstance(flight.latch.answer, Handover)


def test_cycles() -> None:
    """A wait that would close a circle, however long, is refused."""
    one = node()
    flights = [join(one, key)[0] for key in "abc"]
    for waiting, awaited in itertools.pairwise(flights):
        check_cycle(waiting, awaited)
        waiting.awaiting.append(awaited)

    with pytest.raises(ReentrantLoad, match=r"'c'.*'a'"):
        check_cycle(flights[2], flights[0])
    with pytest.raises(ReentrantLoad):
        check_cycle(flights[1], flights[1])
    check_cycle(flights[0], flights[2])


class _Compared(Flight):
    """A flight that counts how often it is compared with another."""

    count = 0

    def __eq__(self, other: object) -> bool:
        _Compared.count += 1
        return self is other

    __hash__ = Flight.__hash__


def test_many_waits() -> None:
    """A load that waits for many others is looked through once, not once for each."""
    one = node()
    fan = join(one, "fan")[0]
    for number in range(500):
        plain = join(one, str(number))[0]
        fan.awaiting.append(
            _Compared(plain.key, SHAPE, plain.latch, plain.fill, 0.0, 10.0, False)
        )

    check_cycle(join(one, "other")[0], fan)

    assert 500 >= _Compared.count


def test_forked() -> None:
    """The child of a fork keeps none of the fills that only its parent will end."""
    one = node()
    flight, _ = join(one)
    one.forked()

    assert flight.fill.spoiled
    assert 0 == len(one.fills)
    one.land(flight, Handover("by whoever forked"))


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("swept", [True, False])
def test_orphaned_lease(swept: bool, listed: bool) -> None:
    """The lease of a load whose event loop is gone is released, not renewed."""
    one = node()
    flight, _ = one.join(one.flights, "k", SHAPE, now=0, owned_for=9, alone=not listed)
    one.leases.hold(Lease(names_of("p:", "k"), "t" * 16, 60.0, flight))
    flight.latch.orphaned = lambda: True
    if swept or not listed:
        one.sweep(0.0)
    else:
        assert join(one)[1]

    assert [] == one.leases.to_renew(0.0)
    (released,) = one.leases.to_release(0.0)
    assert ("t" * 16, None) == (released.token, released.flight)


def test_detach_all() -> None:
    """A clear lets go of every key."""
    table = FlightTable(threading.RLock())
    table.detach_all()
    table.detach("k")

    assert [] == table.flights()


def test_overdue() -> None:
    """A load past its time counts as long as it runs, wherever its flight is."""
    one = node()
    abandoned, _ = join(one, "abandoned")
    detached, _ = join(one, "detached")
    lost, _ = join(one, "lost")
    alone, _ = one.join(one.flights, "alone", SHAPE, now=0, owned_for=10, alone=True)
    listed, _ = join(one, "listed")
    join(one, "abandoned", now=10.0)
    one.invalidated("detached")
    lease = Lease(names_of("p:", "lost"), "t" * 16, 10.0, lost)
    one.leases.hold(lease)
    one.lost(lease.token)

    assert 0 == one.flights.overdue(9.9)
    assert 5 == one.flights.overdue(10.0)
    for left, flight in enumerate((listed, alone, lost, detached, abandoned)):
        one.land(flight, Handover("done"))
        assert 4 - left == one.flights.overdue(10.0)


def test_overdue_forgotten() -> None:
    """A load that can never end, for its loop is gone or it was forked, counts not."""
    one = node()
    parents, _ = join(one, "parent's")
    orphaned, _ = join(one, "orphaned")
    orphaned.latch.orphaned = lambda: True
    join(one, "collected")
    for flight in one.flights.flights():
        one.invalidated(flight.key)
    del flight

    assert 1 == one.flights.overdue(10.0)
    one.forked()
    assert 0 == one.flights.overdue(10.0)
    assert parents is not orphaned


def test_look() -> None:
    """To look for a flight is not to let go of it."""
    one = node()
    flight, _ = join(one)

    assert flight is one.flights.look("k", 9.9)
    assert one.flights.look("k", 10.0) is None
    assert flight is one.flights.look("k", 9.9)
