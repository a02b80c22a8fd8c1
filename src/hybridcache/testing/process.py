"""One simulated process: production's machines, wired to virtual time and network.

What `faces.station` and `faces.state` make of threads and sockets is made here of
fibers and the network; the rules are in the same classes.
"""

import threading
from collections.abc import Callable
from contextvars import Context as Variables
from typing import TypeVar

from hybridcache.core.errors import Unencodable
from hybridcache.engine.context import Context, Remote
from hybridcache.engine.figures import Figures
from hybridcache.engine.flights import Handover
from hybridcache.engine.keeper import SWEEP_EVERY, Keeper, Subscribe
from hybridcache.engine.kept import Kept
from hybridcache.engine.names import channel_of
from hybridcache.engine.request import Request
from hybridcache.engine.rounds import Listen, rounds
from hybridcache.testing.fibers import Fiber
from hybridcache.testing.lines import Line
from hybridcache.testing.network import Answered, Network
from hybridcache.testing.scheduler import Action, Scheduler
from hybridcache.testing.watched import WatchedNode, tier_of

R = TypeVar("R")

PREFIX = "sim:"
TIMEOUT = 0.25
LARGEST = 4096


class Process:
    """A process with its memory, its clock, its keeper and its callers.

    Args:

        number: Tells it from every other, dead ones included.

        offset: What its clock shows at virtual 0, seconds.

        rate: How fast its clock runs.

        max_items: Bound of its memory.

        max_bytes: Another, or None.

    Attributes:

        ctx: What its flows are given.

        fibers: Those under way, the oldest first.

        running: The fiber that runs, or ran last.

        asked: Told which fiber of which process waits for Redis now.
    """

    def __init__(
        self,
        number: int,
        scheduler: Scheduler,
        network: Network,
        *,
        offset: float,
        rate: float,
        max_items: int,
        max_bytes: int | None,
        seen: Callable[[str | None], None],
        seen_lost: Callable[[str], None],
        breach: Callable[[str], None],
    ) -> None:
        self.number = number
        self.alive = self.awake = True
        self.closed = False
        self.paused_for = 0.0
        self._paused_at: float | None = None
        self._scheduler = scheduler
        self._network = network
        self._offset = offset
        self._rate = rate
        self._max_items, self._max_bytes = max_items, max_bytes
        self._breach = breach
        self._deferred: list[Action] = []
        self._tokens = 0
        self._line: Line | None = None
        self.fibers: dict[Fiber, None] = {}
        self.running: Fiber | None = None
        self.asked: Callable[[Process, Fiber], None] = lambda *_: None
        self.index: dict[object, Kept] = {}
        channel = channel_of(PREFIX, self._token())
        self.tier = tier_of(max_items, max_bytes)
        # A lock that nobody contends for: entering nullcontext() costs three times it.
        lock = threading.RLock()
        self.node = WatchedNode(
            "sim", lock, self.tier, channel, seen=seen, seen_lost=seen_lost
        )
        self.keeper = Keeper(self.node, channel, self._token)
        self.ctx = Context(
            cache="sim",
            node=self.node,
            redis=Remote(PREFIX, TIMEOUT, LARGEST),
            now=self.now,
            draw=scheduler.dice.random,
            token=self._token,
            observe=lambda _: None,
            warn=_say_nothing,
            closed=lambda: self.closed,
            figures=Figures(threading.Lock()),
            heard=False,
        )
        self._stopped = False
        self._listens = 0
        self._work = rounds(self.keeper, self.now, lambda: self._stopped)
        self.soon(lambda: self._keep(None))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.number})"

    def _token(self) -> str:
        self._tokens += 1
        return f"{self.number:06d}{self._tokens:010d}"

    # Time

    def now(self) -> float:
        """Return what its monotonic clock shows, seconds."""
        return self._offset + self._rate * self._scheduler.now

    def real(self, instant: float) -> float:
        """Return the virtual instant of one on its clock."""
        return (instant - self._offset) / self._rate

    def soon(self, action: Action) -> None:
        """Run *action* at the next moment."""
        self._scheduler.after(0.0, action, self)

    def after(self, seconds: float, action: Action) -> None:
        """Run *action* after that many seconds of its clock, unless it is dead."""
        self._scheduler.after(seconds / self._rate, action, self)

    def put_off(self, action: Action) -> None:
        """Keep what was due while it stands still; the dead do nothing more."""
        if self.alive:
            self._deferred.append(action)

    def stepped(self) -> None:
        """Look at what must hold at every step: bounds of memory, no circle of waits."""
        if self.tier.items > self._max_items:
            self._breach(f"rule 11: memory of {self} holds {self.tier.items} items")
        if self._max_bytes is not None:
            # Of what is there, whatever the tier's own count says.
            size = sum(one.size for one in self.tier.records(self.node.namespace))
            if size > self._max_bytes:
                self._breach(f"rule 11: memory of {self} holds {size} bytes")
        if not self.fibers:
            # No load is under way, and most steps are the keeper's.
            return
        for flight in (*self.node.flights.flights(), *self.node.leases.flights()):
            if any(awaited.reaches(flight) for awaited in flight.awaiting):
                self._breach(f"rule 13: the load of {flight.key!r} waits for itself")

    # Faults

    def pause(self) -> None:
        """Stand still, as under SIGSTOP."""
        if self._paused_at is None:
            self._paused_at = self._scheduler.now
            self.awake = False

    @property
    def stands_still(self) -> bool:
        """Whether it is paused."""
        return self._paused_at is not None

    def go_on(self) -> None:
        """Go on, with all that came meanwhile."""
        if self._paused_at is None:
            return
        self.paused_for += self._scheduler.now - self._paused_at
        self._paused_at = None
        self.awake = self.alive
        deferred, self._deferred = self._deferred, []
        for action in deferred:
            self.soon(action)

    def die(self) -> None:
        """Be gone: nothing of it runs any more."""
        self.alive = self.awake = False
        for line in self._network.lines_of(self):
            self._network.drop(line, silently=True)

    # What flows ask for

    def ask(
        self,
        fiber: Fiber,
        request: Request[object],
        timeout: float,
        answered: Answered,
    ) -> None:
        """Ask Redis for *fiber*, for at most that many seconds of its clock."""
        self._network.ask(self, request, timeout, answered)
        self.asked(self, fiber)

    def load_ended(self, _: object, error: BaseException | None) -> None:
        """Learn that a load's flow ended: no error may leave it."""
        if error is not None:
            self._breach(f"rule 5: a load's flow raised {error!r}")

    def start(
        self, flow: "Callable[[], object]", ended: Callable[[object, object], None]
    ) -> Fiber:
        """Run a caller's flow in a fiber of its own."""
        fiber = Fiber(self, Variables(), ended)
        fiber.start(flow())  # type: ignore[arg-type]  # a generator function's
        return fiber

    # The keeper

    def _keep(self, answer: object) -> None:
        try:
            chore = self._work.send(answer)
        except StopIteration:
            self._line = None
            return
        self.stepped()
        # It listens after nearly all rounds: that half of all steps goes first.
        if isinstance(chore, Listen):
            self._listen(chore.wait)
        elif isinstance(chore, Subscribe):
            self._subscribe()
        else:
            self._network.ask(self, chore, TIMEOUT, self._keep)

    def _subscribe(self) -> None:
        if self._line is not None:
            self._network.drop(self._line, silently=True)
        channel = self.keeper.channel
        channels = (channel.events, channel.echo)
        self._line = self._network.subscribe(self, channels)
        opened = self._line is not None
        self.soon(lambda: self._keep(opened))

    def _listen(self, wait: float) -> None:
        line = self._line
        self._listens += 1
        turn = self._listens

        def once() -> None:
            # What arrived or the end of the wait, whichever comes first.
            if turn == self._listens:
                self._listens += 1
                if line is not None:
                    line.told = None
                    if line.inbox:
                        self._hear(line)
                self._keep(None)

        if line is not None:
            if line.inbox:
                self.soon(once)
                return
            line.told = lambda: self.soon(once)
        self.after(wait, once)

    def _hear(self, line: Line) -> None:
        match line.inbox.popleft():
            case ("subscribe", channel):
                self.keeper.confirmed(channel.decode(), self.now())
            case (_, data):
                self.keeper.received(data, self.now())
            case None:
                self._line = None
                self.keeper.dropped(self.now())

    # The end

    def holds(self) -> dict[str, int]:
        """Return how much it holds of what is to be let go of in the end."""
        node = self.node
        return {
            "flights": len(node.flights),
            "checks": len(node.checks),
            "readings": len(node.readings),
            "fills": len(node.fills),
            "leases": len(node.leases),
            "watches": len(node.watches),
            "fibers": len(self.fibers),
        }

    def expired(self) -> list[str]:
        """Return the keys of what is in memory though it expired before a sweep."""
        swept = self.now() - SWEEP_EVERY - TIMEOUT
        return [
            one.key[1]
            for one in self.tier.records(self.node.namespace)
            if one.expires_at < swept
        ]

    def close(self) -> None:
        """Take no more calls; hand over what still loads, as a cache's close does."""
        self.closed = True
        self._stopped = True
        for fiber in list(self.fibers):
            if fiber.latch is not None:
                fiber.latch.settle(Handover("the cache was closed"))


def _say_nothing(_: str, __: Unencodable) -> None:
    return
