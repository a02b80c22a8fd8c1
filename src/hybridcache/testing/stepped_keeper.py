"""A keeper without a thread: it works when the clock is moved, and waits for nobody."""

from collections import deque
from typing import Final, Protocol, TypeVar

import attrs

from hybridcache.engine.keeper import Keeper, Subscribe
from hybridcache.engine.request import Fault, Request
from hybridcache.engine.rounds import Listen, Rounds, rounds
from hybridcache.testing.clock import ManualClock

A = TypeVar("A")

# The keeper looks around so often, seconds, for a long way ahead is many steps: once a
# second it proves its subscription and renews leases; in trouble it tries more often.
CALM_STEP: Final = 1.0
STEP: Final = 0.2
# Most of them at one instant, where a keeper is never done. Two make a subscription, and
# each gives back one lease.
ROUNDS: Final = 10_000


class Answering(Protocol):
    """Whoever answers the keeper, at once."""

    @property
    def reachable(self) -> bool:
        """Whether a connection would be answered now."""

    def answer_keeper(self, request: Request[A]) -> A | Fault:
        """Answer; no time passes, for the keeper waits beside all others."""

    def attach(self, keeper: "SteppedKeeper") -> None:
        """Publish to *keeper* what it subscribes to, and cut it off in a fault."""

    def detach(self, keeper: "SteppedKeeper") -> None:
        """Know it no more."""


@attrs.define(eq=False)
class SteppedKeeper:
    """Drives one node's keeper, in whichever thread moves the clock or asks.

    Attributes:

        keeper: The machine.

        upstream: Answers it.

        clock: Its time, whose lock is held while it works.
    """

    keeper: Keeper
    upstream: Answering
    clock: ManualClock
    _channels: frozenset[str] = attrs.field(default=frozenset(), init=False)
    _inbox: deque[tuple[str, bytes | None]] = attrs.field(factory=deque, init=False)
    _rounds: Rounds | None = attrs.field(default=None, init=False)
    _next_at: float = attrs.field(default=0.0, init=False)
    _works: bool = attrs.field(default=False, init=False)
    _stopped: bool = attrs.field(default=False, init=False)

    def ensure(self) -> None:
        """Begin, at the first need of Redis; the subscription is whole at once."""
        with self.clock.lock:
            if self._rounds is None and not self._stopped:
                self._rounds = rounds(self.keeper, self.clock, lambda: self._stopped)
                self._attach()
                self.ring()

    def stop(self) -> None:
        """Do the last things, and work no longer."""
        with self.clock.lock:
            self._stopped = True
            self._round()
            self._detach()

    def forked(self) -> None:
        """Start anew in the child of a fork."""
        self._detach()
        self._rounds = None
        self._channels = frozenset()
        self.keeper.connected = False

    def _attach(self) -> None:
        self.clock.attach(self)
        self.upstream.attach(self)

    def _detach(self) -> None:
        self.clock.detach(self)
        self.upstream.detach(self)

    def next_at(self) -> float:
        """Return when something is due next."""
        return self._next_at

    def ring(self) -> None:
        """Do all that is due now."""
        with self.clock.lock:
            now = self.clock()
            # First, so that time that passes meanwhile does not ring again.
            self._next_at = now + STEP
            if self._works or self._stopped:
                return
            self._works = True
            try:
                for _ in range(ROUNDS):
                    self._round()
                    if self.keeper.wait(now) > 0.0:
                        break
            finally:
                self._works = False
            if self.keeper.connected and self.keeper.node.gate.barred() is None:
                self._next_at = now + CALM_STEP

    def _round(self) -> None:
        work = self._rounds
        if work is None:
            return
        answer: object = None
        try:
            chore = next(work)
            while not isinstance(chore, Listen):
                if isinstance(chore, Subscribe):
                    answer = self._subscribe()
                else:
                    answer = self.upstream.answer_keeper(chore)
                chore = work.send(answer)
        except StopIteration:
            self._rounds = None
        self.listen()

    def _subscribe(self) -> bool:
        if not self.upstream.reachable:
            return False
        channel = self.keeper.channel
        self._channels = frozenset({channel.events, channel.echo})
        self._inbox.clear()
        self._inbox.extend((name, None) for name in sorted(self._channels))
        return True

    def published(self, channel: str, data: bytes) -> bool:
        """Take a message in; False if nobody here has subscribed to it."""
        if channel not in self._channels:
            return False
        self._inbox.append((channel, data))
        return True

    def listen(self) -> None:
        """Tell the keeper what has arrived."""
        while self._inbox:
            channel, data = self._inbox.popleft()
            if data is None:
                self.keeper.confirmed(channel, self.clock())
            else:
                self.keeper.received(data, self.clock())

    def cut(self) -> None:
        """Lose the subscription."""
        with self.clock.lock:
            self._inbox.clear()
            if self._channels:
                self._channels = frozenset()
                self.keeper.dropped(self.clock())
