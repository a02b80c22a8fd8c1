"""What the keeper has to do and when: a machine without I/O.

The keeper's thread asks it what is due, carries that out, and tells it what came of
it and what arrived. It proves the subscription whole by an echo once a second,
renews leases, releases unwanted ones, probes a breaker that is open and sweeps.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

import attrs

from hybridcache.core.breaker import Signal, State
from hybridcache.engine.channel_requests import Echo, Ping, ReadMarker
from hybridcache.engine.gate import PROBE_EVERY
from hybridcache.engine.heeding import heed
from hybridcache.engine.lease_requests import Renew, RenewMany, Settle, term_ms
from hybridcache.engine.leases import Lease
from hybridcache.engine.messages import Kind, parse
from hybridcache.engine.names import Channel
from hybridcache.engine.node import Node
from hybridcache.engine.request import Fault, Trouble

RENEW_EVERY: Final = 1.0
# Leases that one exchange renews: Redis runs scripts for so long before it serves the
# next client, and so long the keeper does not listen (100: about 2 ms, measured).
RENEW_AT_ONCE: Final = 100
ECHO_EVERY: Final = 1.0
ECHO_WITHIN: Final = 2.0
SWEEP_EVERY: Final = 1.0
RESUBSCRIBE_AFTER: Final = 0.2
# Unwanted leases are released soon: someone may wait for them.
RELEASE_EVERY: Final = 0.1


@attrs.frozen
class Subscribe:
    """Open a new subscription to both channels of the node."""


Chore: TypeAlias = Subscribe | Echo | Ping | ReadMarker | RenewMany | Settle


@attrs.define(eq=False)
class Keeper:
    """The schedule of one node's keeper. One thread uses it."""

    node: Node
    channel: Channel
    token: Callable[[], str]
    connected: bool = attrs.field(default=False, init=False)
    _confirmed: set[str] = attrs.field(factory=set, init=False)
    _heard_at: float = attrs.field(default=0.0, init=False)
    _subscribe_at: float = attrs.field(default=0.0, init=False)
    _marker_at: float | None = attrs.field(default=None, init=False)
    _clears: int = attrs.field(default=0, init=False)
    _echo_at: float = attrs.field(default=0.0, init=False)
    _renew_at: float = attrs.field(default=0.0, init=False)
    _to_renew: deque[Lease] = attrs.field(factory=deque, init=False)
    _release_at: float = attrs.field(default=0.0, init=False)
    _to_release: deque[Lease] = attrs.field(factory=deque, init=False)
    _sweep_at: float = attrs.field(default=0.0, init=False)
    _probe_at: float = attrs.field(default=0.0, init=False)

    def due(self, now: float) -> list[Chore]:
        """Return what is to be done now, in order.

        Of many leases some are renewed, and one is released: the rest is due at once,
        after a look at what arrived. So each has its turn, whatever becomes of others.
        """
        chores: list[Chore] = []
        if now >= self._sweep_at:
            self._sweep_at = now + SWEEP_EVERY
            self.node.sweep(now)
        if self.connected and now >= self._heard_at + ECHO_WITHIN:
            self.dropped(now)
        if self.is_barred:
            if now >= self._probe_at:
                self._probe_at = now + PROBE_EVERY
                self.node.gate.signal(Signal.PROBING)
                chores.append(Ping(self.channel))
            # Afterwards all begin anew, those that had their turn included.
            self._to_renew.clear()
            self._to_release.clear()
            return chores
        return chores + self._leases(now) + self._subscription(now)

    def _leases(self, now: float) -> list[Chore]:
        chores: list[Chore] = []
        if not self._to_renew and now >= self._renew_at:
            self._renew_at = now + RENEW_EVERY
            self._to_renew.extend(self.node.leases.to_renew(now))
        count = min(RENEW_AT_ONCE, len(self._to_renew))
        leases = [self._to_renew.popleft() for _ in range(count)]
        renewals = tuple(
            Renew(one.names, one.token, term_ms(one.until - now))
            for one in leases
            if now < one.until
        )
        if renewals:
            chores.append(RenewMany(renewals))
        if not self._to_release and now >= self._release_at:
            self._release_at = now + RELEASE_EVERY
            self._to_release.extend(self.node.leases.to_release(now))
        if self._to_release:
            one = self._to_release.popleft()
            chores.append(Settle(one.names, one.token, self.channel))
        return chores

    def last(self, now: float) -> list[Chore]:
        """Return what is to be done before the end: give every lease back.

        Those of loads that were cut off too: other processes wait for them.
        """
        if self.is_barred:
            return []
        self.node.leases.give_up(None)
        unwanted = self.node.leases.to_release(now)
        return [Settle(one.names, one.token, self.channel) for one in unwanted]

    def _subscription(self, now: float) -> list[Chore]:
        if not self.connected:
            if now < self._subscribe_at:
                return []
            self._subscribe_at = now + RESUBSCRIBE_AFTER
            return [Subscribe()]
        chores: list[Chore] = []
        if self._marker_at is None and self.node.whole and self.node.marker is None:
            # After a clear(), this node's or another's.
            self._marker_at = now
        if self._marker_at is not None and now >= self._marker_at:
            self._marker_at = now + RESUBSCRIBE_AFTER
            self._clears = self.node.clears
            chores.append(ReadMarker(self.channel, self.token()))
        if now >= self._echo_at:
            self._echo_at = now + ECHO_EVERY
            chores.append(Echo(self.channel, self.token()))
        return chores

    @property
    def is_barred(self) -> bool:
        """Whether nothing but a probe is to be sent."""
        return self.node.gate.breaker.state is not State.CLOSED

    def wait(self, now: float) -> float:
        """Return how long to listen before something is due, seconds."""
        # Only what `due` would look at: an instant of the past would make this spin.
        instants = [self._sweep_at]
        if self.connected:
            instants.append(self._heard_at + ECHO_WITHIN)
        if self.is_barred:
            instants.append(self._probe_at)
        else:
            if self._to_renew or self._to_release:
                return 0.0
            instants += [self._renew_at, self._release_at]
            instants.append(self._echo_at if self.connected else self._subscribe_at)
            if self.connected and self._marker_at is not None:
                instants.append(self._marker_at)
        return max(0.0, min(instants) - now)

    def opened(self, now: float) -> None:
        """A subscription was opened; it is not yet confirmed."""
        self.connected = True
        self._confirmed.clear()
        # A fork may have left one that was due by a subscription of the parent's.
        self._marker_at = None
        self._heard_at = now

    def dropped(self, now: float) -> None:
        """The subscription is gone or silent: trust nothing until it is whole."""
        self.connected = False
        self._marker_at = None
        self._subscribe_at = now + RESUBSCRIBE_AFTER
        self.node.distrust()

    def confirmed(self, channel: str, now: float) -> None:
        """Redis confirmed a channel; a second time means that we were cut off."""
        if channel in self._confirmed:
            self.dropped(now)
            return
        self._confirmed.add(channel)
        if self._confirmed >= {self.channel.events, self.channel.echo}:
            self._heard_at = now
            # Read only now: a change from here on arrives as a message.
            self._marker_at = now

    def received(self, data: bytes, now: float) -> None:
        """Carry out a message; what is none of ours is passed over."""
        message = parse(data)
        if message is None:
            return
        if message.kind is Kind.ECHO:
            if message.origin == self.channel.origin:
                self._heard_at = now
                self.node.gate.spoke(now)
            return
        heed(self.node, message)

    def answered(self, chore: Chore, answer: object, now: float) -> None:
        """Learn what came of a request."""
        match chore:
            case Ping():
                failed = isinstance(answer, Fault)
                signal = Signal.PROBE_FAILED if failed else Signal.PROBE_ANSWERED
                self.node.gate.signal(signal)
            case ReadMarker():
                # No sign of the subscription: it is read by another connection.
                if isinstance(answer, bytes) and self.connected:
                    told = self.node.subscribed(answer, self._clears)
                    self._marker_at = None if told else now
            case RenewMany(renewals=renewals):
                answers = answer if isinstance(answer, tuple) else ()
                for one, stands in zip(renewals, answers, strict=False):
                    if stands is False:
                        self.node.lost(one.token)
            case Settle():
                if not (isinstance(answer, Fault) and answer.trouble is Trouble.DOWN):
                    self.node.leases.released(chore.token)
            case Subscribe() | Echo():
                return
