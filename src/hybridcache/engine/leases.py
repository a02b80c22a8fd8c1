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
    _unwanted: list[Lease] = attrs.field(factory=list, init=False)

    def hold(self, lease: Lease) -> None:
        """Have *lease* renewed."""
        with self._lock:
            self._held[lease.token] = lease

    def holder(self, token: str) -> Flight | None:
        """Return the flight whose load holds the lease *token*, if one here does."""
        lease = self._held.get(token)
        return None if lease is None else lease.flight

    def holders(self, key: str) -> list[Flight]:
        """Return the flights whose loads hold a lease of *key*."""
        with self._lock:
            return [
                one.flight
                for one in self._held.values()
                if one.names.key == key and one.flight is not None
            ]

    def drop(self, token: str) -> None:
        """Stop renewing; Redis's TTL ends the lease unless its script did."""
        with self._lock:
            self._held.pop(token, None)

    def unwanted(self, names: Names, token: str, until: float) -> None:
        """Have a lease released that we may hold without knowing."""
        with self._lock:
            self._held.pop(token, None)
            self._unwanted.append(Lease(names, token, until))

    def give_up(self, key: str | None) -> None:
        """Have the leases of *key*, or all, released: they were invalidated."""
        with self._lock:
            for lease in list(self._held.values()):
                if key is None or lease.names.key == key:
                    del self._held[lease.token]
                    self._unwanted.append(lease)

    def to_renew(self, now: float) -> list[Lease]:
        """Return the leases to renew; one past its time is dropped."""
        with self._lock:
            for lease in [one for one in self._held.values() if now >= one.until]:
                del self._held[lease.token]
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
        self._unwanted.clear()

    def __len__(self) -> int:
        return len(self._held)
