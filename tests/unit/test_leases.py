"""Leases are renewed until their time is over, and released where unconfirmed."""

import threading

from hybridcache.engine.leases import Lease, LeaseBook
from hybridcache.engine.names import names_of

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


def test_clear() -> None:
    """The child of a fork has none of its parent's leases."""
    leases = book()
    leases.hold(LEASE)
    leases.unwanted(NAMES, "u" * 16, 5.0)
    leases.clear()

    assert ([], []) == (leases.to_renew(0.0), leases.to_release(0.0))
