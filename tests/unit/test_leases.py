"""Leases are renewed until their time is over, and released where unconfirmed."""

import threading
from typing import NoReturn

from hybridcache.engine.flights import FlightTable
from hybridcache.engine.leases import Lease, LeaseBook
from hybridcache.engine.names import names_of
from hybridcache.engine.poison import Fill

NAMES = names_of("p:", "k")
LEASE = Lease(NAMES, "t" * 16, 10.0)


def book() -> LeaseBook:
    """Make one."""
    return LeaseBook(threading.Lock())


def test_renewed_until_abandoned() -> None:
    """A lease is renewed until its load's time is over, and then let go."""
    leases = book()
    leases.hold(LEASE)

    assert [LEASE] == leases.to_renew(0.0)
    assert [LEASE] == leases.to_renew(9.9)
    assert [] == leases.to_renew(10.0)
    assert 0 == len(leases)


def test_dropped() -> None:
    """A lease that was dropped is renewed no more; dropping twice is no error."""
    leases = book()
    leases.hold(LEASE)
    leases.drop(LEASE.token)
    leases.drop(LEASE.token)

    assert [] == leases.to_renew(0.0)


def test_unwanted() -> None:
    """An unwanted lease is held no more, and to be released until Redis was told."""
    leases = book()
    leases.hold(LEASE)
    leases.unwanted(NAMES, LEASE.token, 5.0)

    assert [] == leases.to_renew(0.0)
    assert [LEASE.token] == [one.token for one in leases.to_release(4.9)]
    assert [LEASE.token] == [one.token for one in leases.to_release(4.9)]
    leases.released(LEASE.token)
    assert [] == leases.to_release(4.9)


def test_unwanted_too_long() -> None:
    """A lease that Redis has ended by itself is not released."""
    leases = book()
    leases.unwanted(NAMES, LEASE.token, 5.0)

    assert [] == leases.to_release(5.0)


class _Unscanned(dict[str, Lease]):
    """What nobody may go through."""

    def values(self) -> NoReturn:
        """Refuse."""
        raise AssertionError


def test_holders() -> None:
    """The loads that hold a key's lease are found without a look at other keys'."""
    leases = book()
    leases._held = _Unscanned()
    flight = FlightTable(threading.Lock()).start(
        Fill("k", 0), b"", began_at=0.0, abandon_at=10.0, background=False, listed=False
    )
    leases.hold(LEASE)
    leases.hold(Lease(NAMES, "f" * 16, 10.0, flight))
    leases.hold(Lease(names_of("p:", "other"), "o" * 16, 10.0, flight))

    assert [flight] == leases.holders("k")
    leases.drop("f" * 16)
    assert [] == leases.holders("k")


def test_given_up() -> None:
    """The leases of an invalidated key are released, those of other keys renewed."""
    leases = book()
    other = Lease(names_of("p:", "other"), "o" * 16, 10.0)
    for lease in (LEASE, other):
        leases.hold(lease)
    leases.give_up("k")

    assert [other] == leases.to_renew(0.0)
    assert [LEASE] == leases.to_release(0.0)
    leases.give_up(None)
    assert [LEASE, other] == leases.to_release(0.0)


def test_clear() -> None:
    """The child of a fork has none of its parent's leases."""
    leases = book()
    leases.hold(LEASE)
    leases.unwanted(NAMES, "u" * 16, 5.0)
    leases.clear()

    assert ([], []) == (leases.to_renew(0.0), leases.to_release(0.0))
