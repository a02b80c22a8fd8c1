"""Loads under way in this process, by key: who leads, who follows, who waits for whom.

A flight is settled once, with a landing. It leaves the table when it is settled,
detached by an invalidation or abandoned; those who wait for it still get its
landing. Callers hold the node's lock.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Generic, TypeAlias, TypeVar
from weakref import WeakSet

import attrs

from hybridcache.core.errors import ReentrantLoad
from hybridcache.core.outcome import Scope, Tier
from hybridcache.engine.form import Form
from hybridcache.engine.latch import Latch, Lock
from hybridcache.engine.poison import Fill

V = TypeVar("V")


@attrs.frozen
class Loaded(Generic[V]):
    """This process's loader made the value; *cause* says why without Redis."""

    form: Form[V]
    load_seconds: float
    stored: frozenset[Tier]
    cause: str | None = None


@attrs.frozen
class Adopted(Generic[V]):
    """A tier had it after all; *scope* is set where another's load was waited for.

    *made_at* is the instant, on this process's clock, since which it may have stood.
    """

    form: Form[V]
    made_at: float
    tier: Tier = Tier.REDIS
    scope: Scope | None = None


@attrs.frozen
class Failed:
    """The loader raised; the traceback ends where the library called it.

    *elsewhere*: it was another process's, which told of it.
    """

    error: BaseException
    traceback: TracebackType | None = None
    elsewhere: bool = False


@attrs.frozen
class Handover:
    """The load ended without a value; a follower may lead. *why* is for people."""

    why: str


Landing: TypeAlias = Loaded[object] | Adopted[object] | Failed | Handover


@attrs.define(eq=False)
class Flight:
    """One load of one key under way.

    Attributes:

        key: What it loads.

        fingerprint: Shape of the type that it makes.

        latch: Settled with its landing.

        fill: Spoiled by an invalidation that passes meanwhile.

        began_at: Monotonic instant at which it was started.

        abandon_at: Monotonic instant after which it no longer owns its key.

        background: Whether it is a refresh that nobody waits for at first.

        cold: Whether Redis held nothing that its load could replace: who comes
            meanwhile need not look there.

        taken: Whether its load runs, or it was given up before that.

        loads: Whether its loader was called, or is about to be.

        link: Refers to its load in a trace.

        awaiting: Flights that the code of this load waits for right now.
    """

    key: str
    fingerprint: bytes
    latch: Latch[Landing]
    fill: Fill
    began_at: float
    abandon_at: float
    background: bool
    cold: bool = False
    taken: bool = False
    loads: bool = False
    link: object = None
    awaiting: list["Flight"] = attrs.field(factory=list)

    def reaches(self, other: "Flight") -> bool:
        """Whether this load waits for *other*, itself or through others."""
        return other in self._chain()

    def _chain(self) -> Iterator["Flight"]:
        seen: set[Flight] = set()
        ahead = [self]
        while ahead:
            flight = ahead.pop()
            if flight not in seen:
                seen.add(flight)
                ahead.extend(flight.awaiting)
                yield flight


@attrs.define(eq=False)
class FlightTable:
    """The flights that later callers may join, by key."""

    _lock: Lock
    abandoned: int = attrs.field(default=0, init=False)
    _flights: dict[str, Flight] = attrs.field(factory=dict, init=False)
    # Off the table, and perhaps still running. Weakly: a load whose event loop is gone
    # never lands, and must not keep that loop.
    _astray: WeakSet[Flight] = attrs.field(factory=WeakSet, init=False)

    def find(self, key: str, now: float) -> Flight | None:
        """Return the flight that owns *key*; one past its time is let go."""
        flight = self._flights.get(key)
        if flight is not None and now >= flight.abandon_at:
            del self._flights[key]
            self._astray.add(flight)
            self.abandoned += 1
            # The key is another's now: a late value is for those who still wait.
            flight.fill.spoiled = True
            return None
        return flight

    def start(
        self,
        fill: Fill,
        fingerprint: bytes,
        *,
        began_at: float,
        abandon_at: float,
        background: bool,
        listed: bool,
    ) -> Flight:
        """Start a flight; unless *listed*, nobody else will join it."""
        latch: Latch[Landing] = Latch(self._lock)
        flight = Flight(
            fill.key, fingerprint, latch, fill, began_at, abandon_at, background
        )
        if listed:
            self._flights[fill.key] = flight
        else:
            self._astray.add(flight)
        return flight

    def look(self, key: str, now: float) -> Flight | None:
        """Return the flight that owns *key*, and let go of none."""
        flight = self._flights.get(key)
        return None if flight is None or now >= flight.abandon_at else flight

    def detach(self, key: str) -> None:
        """Let go of *key*: the next caller starts a flight of its own."""
        flight = self._flights.pop(key, None)
        if flight is not None:
            self._astray.add(flight)

    def detach_all(self) -> None:
        """Let go of every key."""
        for flight in self._flights.values():
            self._astray.add(flight)
        self._flights.clear()

    def let_go(self, flight: Flight) -> None:
        """Take a flight off the table whose load still runs."""
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
            self._astray.add(flight)

    def leave(self, flight: Flight) -> None:
        """Take a flight that ended off the table, if it is still on it."""
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]

    def overdue(self, now: float) -> int:
        """Return how many loads run on past their time, on the table or off."""
        return sum(
            now >= flight.abandon_at
            and flight.latch.answer is None
            and not flight.latch.orphaned()
            for flight in (*self._flights.values(), *self._astray)
        )

    def clear(self) -> None:
        """Forget all: in the child of a fork they are the parent's."""
        self._flights.clear()
        self._astray.clear()

    def sweep(self, now: float) -> None:
        """Let go of all flights past their time."""
        for key in list(self._flights):
            self.find(key, now)

    def flights(self) -> list[Flight]:
        """Return the flights on the table."""
        return list(self._flights.values())

    def __len__(self) -> int:
        return len(self._flights)


def check_cycle(waiting: Flight, awaited: Flight) -> None:
    """Refuse a wait that would close a cycle.

    Raises:

        ReentrantLoad: *awaited* waits for *waiting*, or is it.
    """
    if awaited.reaches(waiting):
        msg = (
            f"the load of {waiting.key!r} asks for {awaited.key!r}, which waits for"
            " that load; let the loader call the undecorated function (__wrapped__)"
        )
        raise ReentrantLoad(msg)
