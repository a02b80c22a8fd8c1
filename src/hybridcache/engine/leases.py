"""Leases that this process holds, and those that it must give back.

The keeper renews the first every second until their load's time is over, and
releases the second: leases whose grant or whose write was never confirmed.
"""

import attrs

from hybridcache.engine.flights import Flight
from hybridcache.engine.latch import Lock
from hybridcache.engine.names import Names


@attrs.frozen
class Lease:
    """A key's claim across processes.

    Attributes:

        names: The key's names.

        token: Random, 16 characters.

        until: Monotonic instant after which it is no longer renewed.

        flight: Whose load holds it, where that still runs.
    """

    names: Names
    token: str
    until: float
    flight: Flight | None = attrs.field(default=None, repr=False)


@attrs.define(eq=False)
class LeaseBook:
    """All leases of one node."""

    _lock: Lock
    _held: dict[str, Lease] = attrs.field(factory=dict, init=False)
    # The same by key: what a load asks for is looked up there at every call.
    _by_key: dict[str, list[Lease]] = attrs.field(factory=dict, init=False)
    _unwanted: list[Lease] = attrs.field(factory=list, init=False)

    def hold(self, lease: Lease) -> None:
        """Have *lease* renewed."""
        with self._lock:
            self._let_go(lease.token)
            self._held[lease.token] = lease
            self._by_key.setdefault(lease.names.key, []).append(lease)

    def holder(self, token: str) -> Flight | None:
        """Return the flight whose load holds the lease *token*, if one here does."""
        lease = self._held.get(token)
        return None if lease is None else lease.flight

    def holders(self, key: str) -> list[Flight]:
        """Return the flights whose loads hold a lease of *key*."""
        with self._lock:
            leases = self._by_key.get(key, ())
            return [one.flight for one in leases if one.flight is not None]

    def flights(self) -> list[Flight]:
        """Return the flights whose loads hold a lease."""
        with self._lock:
            leases = list(self._held.values())
        return [one.flight for one in leases if one.flight is not None]

    def drop(self, token: str) -> None:
        """Stop renewing; Redis's TTL ends the lease unless its script did."""
        with self._lock:
            self._let_go(token)

    def unwanted(self, names: Names, token: str, until: float) -> None:
        """Have a lease released that we may hold without knowing."""
        with self._lock:
            self._let_go(token)
            self._unwanted.append(Lease(names, token, until))

    def give_up(self, key: str | None) -> None:
        """Have the leases of *key*, or all, released: they were invalidated."""
        with self._lock:
            leases = self._held.values() if key is None else self._by_key.get(key, ())
            self._release(list(leases))

    def bereave(self, flight: Flight) -> None:
        """Have the leases of *flight* released: nobody carries its load any more."""
        with self._lock:
            leases = self._by_key.get(flight.key, ())
            self._release([one for one in leases if one.flight is flight])

    def _release(self, leases: list[Lease]) -> None:
        for lease in leases:
            self._let_go(lease.token)
            # Without the flight: it refers to the event loop that carries it.
            self._unwanted.append(attrs.evolve(lease, flight=None))

    def _let_go(self, token: str) -> None:
        lease = self._held.pop(token, None)
        if lease is None:
            return
        beside = self._by_key[lease.names.key]
        beside.remove(lease)
        if not beside:
            del self._by_key[lease.names.key]

    def to_renew(self, now: float) -> list[Lease]:
        """Return the leases to renew; one past its time is dropped."""
        with self._lock:
            for lease in list(self._held.values()):
                if now >= lease.until:
                    self._let_go(lease.token)
            return list(self._held.values())

    def to_release(self, now: float) -> list[Lease]:
        """Return the leases to release; Redis ended the older ones."""
        with self._lock:
            self._unwanted = [one for one in self._unwanted if now < one.until]
            return list(self._unwanted)

    def released(self, token: str) -> None:
        """Redis was told, or will not hear of it: do not tell it again."""
        with self._lock:
            self._unwanted = [one for one in self._unwanted if one.token != token]

    def clear(self) -> None:
        """Forget all: in the child of a fork they are the parent's."""
        self._held.clear()
        self._by_key.clear()
        self._unwanted.clear()

    @property
    def owed(self) -> int:
        """How many leases are still to be released."""
        return len(self._unwanted)

    def __len__(self) -> int:
        return len(self._held)
