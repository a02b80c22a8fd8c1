"""Between processes and Redis: requests, replies and messages, and what befalls them.

The model of Redis executes what production lays out, and production's reading of
the replies gives the answer.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

import attrs

from hybridcache.adapters.upstream.replies import lacks_script, laid_out, read
from hybridcache.engine.request import Argument, Fault, Request, ServerError
from hybridcache.engine.request import Trouble as Sort
from hybridcache.testing.faults import Faults
from hybridcache.testing.keyspace import Refuses
from hybridcache.testing.lines import Line, Peer
from hybridcache.testing.redis_model import RedisModel
from hybridcache.testing.scheduler import Action, Scheduler

Answered: TypeAlias = Callable[[object], None]
Witness: TypeAlias = Callable[[Peer, Request[object], list[object]], None]

# One way, seconds.
QUICK = 0.0002
SLOW = 0.002

# A garbled reply is one of these: of a form that none of our commands can have, or an
# error. One that says yes where it was no is a lie that nobody can see.
FORMS: Final[tuple[object, ...]] = (
    [],
    [b"junk"],
    [b"granted", 1],
    [None, -1],
    ServerError("ERR junk"),
)


@attrs.frozen
class _Attempt:
    """A request on its way, once with its scripts by name, once by source."""

    process: Peer
    request: Request[object]
    answered: Answered
    with_source: bool = False


class Network:
    """One Redis and the ways to it.

    Attributes:

        model: The server.

        up: Whether it takes connections.

        hung: Whether it stands still, with what arrives waiting.

        faults: How often a request or a message meets with one.

        witness: Shown each request and its replies at the moment of its effect.

    """

    def __init__(
        self,
        scheduler: Scheduler,
        faults: Faults,
        note: Callable[[int, str], None],
    ) -> None:
        self._scheduler = scheduler
        self.faults = faults
        self.witness: Witness = lambda *_: None
        self._cut_off: set[Peer] = set()
        self._note = note
        self.up = True
        self.hung = False
        self._waiting: list[Action] = []
        self._subscribers: dict[str, list[Line]] = {}
        # No process's clock is Redis's.
        self.model = RedisModel(
            lambda: 1_700_000_000_000_000 + int(scheduler.now * 1e6), self._publish
        )

    # Requests

    def ask(
        self,
        process: Peer,
        request: Request[object],
        timeout: float,
        answered: Answered,
    ) -> None:
        """Send *request*; its answer, or a fault, within *timeout* seconds."""
        open_ = [True]

        def once(answer: object) -> None:
            if open_[0]:
                open_[0] = False
                answered(answer)

        def late() -> None:
            # Mostly it was answered long ago: make no fault for nobody.
            if open_[0]:
                once(Fault(Sort.DOWN, "TimeoutError: no reply"))

        process.after(timeout, late)
        if self._scheduler.chance(self.faults.request_lost):
            self._note(process.number, "request lost")
            return
        self._send(_Attempt(process, request, once))

    def _send(self, attempt: _Attempt) -> None:
        if attempt.process in self._cut_off:
            return
        broken = self._scheduler.chance(self.faults.reset)
        if broken:
            self._note(attempt.process.number, "connection reset")
        if broken and self._scheduler.chance(0.5):
            self._fail(attempt, "ConnectionError: reset")
        else:
            self._carry(attempt, broken=broken)

    def _carry(self, attempt: _Attempt, *, broken: bool) -> None:
        process, request = attempt.process, attempt.request
        commands = laid_out(request.calls(), with_source=attempt.with_source)
        replies: list[object] = []

        def receive() -> None:
            if not attempt.with_source and lacks_script(replies):
                self._send(attrs.evolve(attempt, with_source=True))
            else:
                attempt.answered(read(request, replies))

        def arrive() -> None:
            if not self.up:
                self._fail(attempt, "ConnectionError: refused")
            elif self.hung:
                self._waiting.append(arrive)
            elif not self._execute(commands, replies):
                # Redis may serve others between the commands of a pipeline.
                self._scheduler.after(0.0, arrive)
            else:
                self.witness(process, request, replies)
                if broken:
                    self._fail(attempt, "ConnectionError: reset")
                else:
                    self._reply(process, replies, receive)

        self._scheduler.after(self._transit(process), arrive)

    def _reply(self, process: Peer, replies: list[object], receive: Action) -> None:
        if self._scheduler.chance(self.faults.garbled):
            self._note(process.number, "garbled")
            dice = self._scheduler.dice
            replies[dice.randrange(len(replies))] = dice.choice(FORMS)
        if self._scheduler.chance(self.faults.reply_lost):
            self._note(process.number, "reply lost")
        elif process not in self._cut_off:
            process.after(self._transit(process), receive)

    def _execute(
        self, commands: list[tuple[Argument, ...]], replies: list[object]
    ) -> bool:
        while len(replies) < len(commands):
            replies.append(self.model.call(*commands[len(replies)]))
            if len(replies) < len(commands) and self._scheduler.chance(0.2):
                return False
        return True

    def _fail(self, attempt: _Attempt, cause: str) -> None:
        fault = Fault(Sort.DOWN, cause)
        attempt.process.after(QUICK, lambda: attempt.answered(fault))

    def _transit(self, process: Peer) -> float:
        dice = self._scheduler.dice
        if self._scheduler.chance(self.faults.late):
            self._note(process.number, "late")
            return dice.uniform(0.1, 1.5)
        return dice.uniform(QUICK, SLOW)

    # Messages

    def subscribe(self, process: Peer, channels: tuple[str, ...]) -> Line | None:
        """Connect and send SUBSCRIBE; None if nobody listens."""
        if not self.up:
            return None
        line = Line(process)
        if process in self._cut_off:
            # The connection is never made, which it notices when nothing comes.
            return line

        def arrive() -> None:
            if not self.up or not line.alive or process in self._cut_off:
                return
            if self.hung:
                self._waiting.append(arrive)
                return
            for channel in channels:
                self._subscribers.setdefault(channel, []).append(line)
                self._deliver(line, ("subscribe", channel.encode()))

        self._scheduler.after(self._transit(process), arrive)
        return line

    def _publish(self, channel: str, data: bytes) -> int:
        lines = self._subscribers.get(channel, [])
        chance, faults = self._scheduler.chance, self.faults
        for line in lines:
            if line.process in self._cut_off:
                continue
            if chance(faults.message_lost):
                self._note(line.process.number, "message lost")
                continue
            self._deliver(line, ("message", data))
            if chance(faults.message_twice):
                self._deliver(line, ("message", data))
        return len(lines)

    def _deliver(self, line: Line, what: tuple[str, bytes] | None) -> None:
        delay = self._scheduler.dice.uniform(QUICK, SLOW)
        if self._scheduler.chance(self.faults.message_late):
            self._note(line.process.number, "message late")
            delay = self._scheduler.dice.uniform(0.05, 1.0)
        # One connection keeps the order.
        line.free_at = max(line.free_at, self._scheduler.now + delay)
        self._scheduler.after(
            line.free_at - self._scheduler.now, lambda: line.arrive(what)
        )

    def drop(self, line: Line, *, silently: bool = False) -> None:
        """Break a subscription's connection; its process is told unless *silently*."""
        line.alive = False
        for lines in self._subscribers.values():
            if line in lines:
                lines.remove(line)
        if not silently:
            self._deliver(line, None)

    def drop_all(self) -> None:
        """Break every subscription: the server went away."""
        lines = [line for lines in self._subscribers.values() for line in lines]
        for line in dict.fromkeys(lines):
            self.drop(line)

    def lines_of(self, process: Peer) -> list[Line]:
        """Return the connections that *process* subscribed on."""
        return list(
            dict.fromkeys(
                line
                for lines in self._subscribers.values()
                for line in lines
                if line.process is process
            )
        )

    # Partitions

    def cut_off(self, process: Peer) -> None:
        """Let nothing pass between *process* and Redis, until it joins."""
        self._cut_off.add(process)
        for line in self.lines_of(process):
            # What it missed never comes: its end of the connection is none.
            self.drop(line, silently=True)

    def joins(self, process: Peer) -> bool:
        """Let *process* be heard again; False if it was not cut off."""
        cut = process in self._cut_off
        self._cut_off.discard(process)
        return cut

    # The server

    def go_down(self) -> None:
        """Refuse connections."""
        self.up = False
        self._waiting.clear()
        self.drop_all()

    def stand_still(self) -> None:
        """Take requests and answer none, until `heal`."""
        self.hung = True

    @property
    def ails(self) -> bool:
        """Whether Redis is down, hangs or refuses writes."""
        return not self.up or self.hung or self.model.refuses is not Refuses.NOTHING

    def heal(self) -> None:
        """Serve again; what waited is carried out now, its callers long gone."""
        self.up, self.hung = True, False
        self.model.refuse(Refuses.NOTHING)
        waiting, self._waiting = self._waiting, []
        for arrive in waiting:
            self._scheduler.after(0.0, arrive)
