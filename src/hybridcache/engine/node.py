"""What the caches of one process know together about one prefix on one Redis.

The machines without I/O and the one lock over them. A fill of memory is checked here
against what passed meanwhile; a message from another node is carried out here.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import attrs

from hybridcache.core.blob import SKEW
from hybridcache.engine.events import LoadAbandoned
from hybridcache.engine.flights import (
    Adopted,
    Flight,
    FlightTable,
    Handover,
    Landing,
    Loaded,
    check_cycle,
)
from hybridcache.engine.gate import Gate
from hybridcache.engine.holds import Holds
from hybridcache.engine.kept import DISTRUSTED, Kept
from hybridcache.engine.latch import Latch, Lock
from hybridcache.engine.leases import LeaseBook
from hybridcache.engine.memory import MemoryTier
from hybridcache.engine.messages import Message
from hybridcache.engine.names import Channel
from hybridcache.engine.news import Listeners
from hybridcache.engine.poison import Fill, PoisonRegistry
from hybridcache.engine.readings import Answer, Reading, Readings
from hybridcache.engine.watches import Watches

A = TypeVar("A")

# One count for all nodes: a node that is made anew on the same memory trusts nothing
# that the one before it vouched for.
_epochs = itertools.count()


@attrs.define(eq=False)
class Node:
    """One prefix's machines, shared by the sync and async caches on one memory.

    Attributes:

        namespace: Upstream and prefix: the first part of every key in memory.

        channel: Names in Redis that its nodes share; None without Redis.

        epoch: Grows whenever the subscription is lost or made whole; records of
            another epoch are suspect.

        whole: Whether the subscription can be trusted; always without Redis.

        marker: What `clear()` last set, as far as this node knows; None if unknown.

        clears: How many clears were carried out here.
    """

    namespace: str
    lock: Lock
    tier: MemoryTier[Kept] | None
    channel: Channel | None
    max_ttl: float | None = None
    epoch: int = attrs.field(factory=_epochs.__next__, init=False)
    whole: bool = attrs.field(init=False)
    # Whether its keeper was started: before, there is no subscription to be missed.
    listens: bool = attrs.field(default=False, init=False)
    marker: bytes | None = attrs.field(default=None, init=False)
    clears: int = attrs.field(default=0, init=False)
    flights: FlightTable = attrs.field(init=False)
    checks: Readings[bool] = attrs.field(init=False)
    readings: Readings[Answer] = attrs.field(init=False)
    fills: PoisonRegistry = attrs.field(factory=PoisonRegistry, init=False)
    leases: LeaseBook = attrs.field(init=False)
    holds: Holds = attrs.field(init=False)
    watches: Watches = attrs.field(init=False)
    gate: Gate = attrs.field(init=False)
    on_message: Callable[[Message], None] | None = attrs.field(default=None, init=False)
    listeners: Listeners = attrs.field(init=False)
    _abandoned: int = attrs.field(default=0, init=False)
    _indexes: dict[int, dict[object, Kept]] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        """Make the machines around the one lock."""
        self.whole = self.channel is None
        self.flights = FlightTable(self.lock)
        self.checks = Readings(self.lock)
        self.readings = Readings(self.lock)
        self.leases = LeaseBook(self.lock)
        self.holds = Holds(self.lock)
        self.watches = Watches(self.lock)
        self.gate = Gate(self.lock)
        self.listeners = Listeners(self.lock)
        self.gate.moved = self.listeners.breaker_moved

    @property
    def blind(self) -> bool:
        """Whether it has a subscription that cannot be trusted."""
        return self.listens and not self.whole

    # Memory

    def recall(self, key: str, fingerprint: bytes, now: float) -> Kept | None:
        """Return what memory holds of that key and shape, trusted or suspect."""
        if self.tier is None:
            return None
        kept = self.tier.get((self.namespace, key), now)
        return kept if kept is not None and kept.fingerprint == fingerprint else None

    def trusts(self, kept: Kept) -> bool:
        """Whether *kept* may be served without asking Redis."""
        return self.whole and kept.epoch == self.epoch

    def vouch(self, kept: Kept, fill: Fill) -> None:
        """Trust *kept*: Redis still had it at a moment after *fill* began."""
        with self.lock:
            if not fill.spoiled and self.whole and fill.epoch == self.epoch:
                kept.epoch = fill.epoch

    def keep(self, kept: Kept, fill: Fill, now: float, *, confirmed: bool) -> bool:
        """Put *kept* in memory, unless an invalidation passed or a newer one is there.

        It is suspect unless *confirmed* and the subscription was whole throughout.
        """
        if self.tier is None:
            return False
        with self.lock:
            if fill.spoiled:
                return False
            before = self.tier.peek(kept.key, now)
            if before is not None and _is_older(kept, before):
                return False
            sound = confirmed and self.whole and fill.epoch == self.epoch
            kept.epoch = self.epoch if sound else DISTRUSTED
            kept.kept_at = now
            return self.tier.put(kept, now)

    def forget(self, kept: Kept) -> None:
        """Drop *kept* from memory if it is still there."""
        if self.tier is None:
            return
        with self.lock:
            if self.tier.peek(kept.key, kept.written_at) is kept:
                self.tier.drop(kept.key)

    def index(
        self, kept: Kept, index: dict[object, Kept], arguments: object, until: float
    ) -> None:
        """Let *index* serve *kept* by its arguments until then, if it is trusted."""
        with self.lock:
            if self.tier is None or not self.trusts(kept):
                return
            if self.tier.peek(kept.key, kept.written_at) is not kept:
                return
            kept.until = until
            self._indexes[id(index)] = index
            if index.get(arguments) is not kept:
                index[arguments] = kept
                kept.places.append((index, arguments))

    def open_fill(self, key: str) -> Fill:
        """Begin a fill of memory."""
        with self.lock:
            return self.fills.open(key, self.epoch if self.whole else DISTRUSTED)

    def read(
        self, table: Readings[A], key: str, reader: bytes, now: float, until: float
    ) -> Reading[A] | Latch[A]:
        """Start a read on *table*, or return what to wait for if one is under way."""
        with self.lock:
            reading = table.find(key, reader, now)
            if reading is not None:
                return table.follow(reading)
            fill = self.fills.open(key, self.epoch if self.whole else DISTRUSTED)
            return table.start(fill, reader, until)

    def end_read(
        self, table: Readings[A], reading: Reading[A], answer: A | None
    ) -> None:
        """Give the followers of a read what it learnt; None if that is nothing."""
        with self.lock:
            table.leave(reading)
            self.fills.close(reading.fill)
        if reading.latch is not None:
            reading.latch.settle(answer)

    # Flights

    def join(
        self,
        table: FlightTable,
        key: str,
        fingerprint: bytes,
        *,
        now: float,
        owned_for: float,
        background: bool = False,
        alone: bool = False,
    ) -> tuple[Flight, bool]:
        """Join the flight of *key* on *table*, or start it; True if started.

        A flight that makes a value of another shape cannot be joined.
        """
        with self.lock:
            found = None if alone else self._joinable(table, key, now)
            if found is not None and found.fingerprint == fingerprint:
                flight, started = found, False
            else:
                started = True
                flight = table.start(
                    self.open_fill(key),
                    fingerprint,
                    began_at=now,
                    abandon_at=now + owned_for,
                    background=background,
                    listed=found is None and not alone,
                )
        if self.flights.abandoned != self._abandoned:
            self._tell_abandoned()
        return flight, started

    def _joinable(self, table: FlightTable, key: str, now: float) -> Flight | None:
        flight = table.find(key, now)
        if flight is not None and flight.latch.orphaned():
            self._hand_over(flight)
            return None
        if flight is not None and flight.latch.answer is not None:
            # Another cache on this node was closed while its load ran on.
            table.leave(flight)
            flight.fill.spoiled = True
            return None
        return flight

    def _tell_abandoned(self) -> None:
        with self.lock:
            new = self.flights.abandoned - self._abandoned
            self._abandoned += new
        for _ in range(new):
            self.listeners.tell(LoadAbandoned)

    def _hand_over(self, flight: Flight) -> None:
        """Land a flight whose loop is gone, and have its lease released."""
        self.leases.bereave(flight)
        self.land(flight, Handover("its event loop is gone"))

    @contextmanager
    def waiting(self, flight: Flight, awaited: Flight) -> Iterator[None]:
        """Let the load of *flight* be seen to wait for *awaited* inside the block.

        Raises:

            ReentrantLoad: That would close a cycle.
        """
        with self.lock:
            check_cycle(flight, awaited)
            flight.awaiting.append(awaited)
        try:
            yield
        finally:
            with self.lock:
                flight.awaiting.remove(awaited)

    def begin_load(self, flight: Flight) -> None:
        """Have only what passes from now on spoil *flight*: its load begins now."""
        with self.lock:
            flight.loads = True
            if flight.fill.spoiled:
                self.fills.close(flight.fill)
                flight.fill = self.open_fill(flight.key)

    def take_up(self, flight: Flight) -> bool:
        """Have the load of *flight* run, which lands it; False if it was given up."""
        with self.lock:
            taken, flight.taken = flight.taken, True
            return not taken

    def give_up(self, flight: Flight, landing: Landing) -> None:
        """Land a flight whose load could not be started, unless it runs all the same."""
        if self.take_up(flight):
            self.land(flight, landing)

    def land(self, flight: Flight, landing: Landing) -> None:
        """Settle *flight* for all who wait."""
        with self.lock:
            self.flights.leave(flight)
            self.fills.close(flight.fill)
            if isinstance(landing, Loaded | Adopted):
                # What is read of Redis right now may be of before: who comes after
                # this has landed reads anew.
                self.readings.detach(flight.key)
                self.checks.detach(flight.key)
        flight.latch.settle(landing)

    def lost(self, token: str) -> None:
        """Redis holds the lease *token* no more: let go of its load's flight.

        An invalidation passed whose message has not come, or another load took the
        lease. Who comes from now on must not be given what that load makes.
        """
        with self.lock:
            flight = self.leases.holder(token)
            self.leases.drop(token)
            if flight is not None:
                flight.fill.spoiled = True
                self.flights.let_go(flight)

    # Invalidation and messages

    def invalidated(self, key: str) -> None:
        """Carry out an invalidation here: drop, spoil, detach, wake."""
        with self.lock:
            if self.tier is not None:
                self.tier.drop((self.namespace, key))
            self.fills.spoil(key)
            self.flights.detach(key)
            self.checks.detach(key)
            self.readings.detach(key)
            self.leases.give_up(key)
            self.holds.let_go(key)
        self.watches.wake(key, "invalidated")

    def cleared(self, marker: bytes | None) -> None:
        """Carry out a clear here; *marker* is what entries must be stamped with."""
        with self.lock:
            if self.tier is not None:
                self.tier.clear(self.namespace)
            self.fills.spoil_all()
            self.flights.detach_all()
            self.checks.detach_all()
            self.readings.detach_all()
            self.leases.give_up(None)
            self.holds.let_go_of_all()
            self.marker = marker
            self.clears += 1
        self.watches.wake_all("cleared")

    # The subscription

    def subscribed(self, marker: bytes, clears: int | None = None) -> bool:
        """The subscription is whole: what is filled from now on is trusted.

        False, and nothing is done, if a clear came after the *clears* that there
        were when Redis was asked: *marker* may be of before it.
        """
        with self.lock:
            if clears is not None and clears != self.clears:
                return False
            if self.marker is not None and self.marker != marker:
                self.cleared(marker)
            self.marker = marker
            was_blind, self.whole = not self.whole, True
            self.epoch = next(_epochs)
        if was_blind:
            self.listeners.blindness_changed(blind=False)
        return True

    def distrust(self) -> None:
        """The subscription is not whole: every record is suspect from now on."""
        with self.lock:
            if self.channel is None:
                return
            was_whole, self.whole = self.whole, False
            self.epoch = next(_epochs)
            self.disable_indexes()
        if was_whole:
            self.listeners.blindness_changed(blind=True)
        # Their message may be lost: let them ask Redis instead.
        self.watches.wake_all("distrusted")

    def disable_indexes(self) -> None:
        """Serve nothing by arguments alone until it is looked at again."""
        with self.lock:
            for index in self._indexes.values():
                for kept in list(index.values()):
                    kept.leave_indexes()
            self._indexes.clear()

    # Housekeeping

    def sweep(self, now: float) -> None:
        """Let go of what has expired and of loads past their time."""
        for flight in (*self.flights.flights(), *self.leases.flights()):
            if flight.latch.orphaned():
                self._hand_over(flight)
        with self.lock:
            if self.tier is not None:
                self.tier.sweep(now)
            self.flights.sweep(now)
            self.holds.sweep(now)
        self._tell_abandoned()

    def forked(self) -> None:
        """Start anew in the child of a fork, with memory as suspect."""
        with self.lock:
            self.fills.spoil_all()
            self.fills.clear()
            self.flights.clear()
            self.checks.detach_all()
            self.readings.detach_all()
            self.leases.clear()
            self.gate.reset()
            self.watches.clear()
            # Nobody is told: the child starts so.
            self.whole, self.listens = self.channel is None, False
            self.distrust()


def _is_older(kept: Kept, before: Kept) -> bool:
    """Whether what is in memory is of a later write, by version.

    Versions follow Redis's clock, which may go back: what was written when memory had
    the other already is newer.
    """
    later = kept.written_at > before.kept_at + SKEW
    return 0 < kept.version < before.version and not later
