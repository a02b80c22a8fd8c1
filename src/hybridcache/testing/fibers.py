"""The third driver: a flow, run command by command on a virtual clock.

A fiber stands for a caller's thread or task, or a load's. It never runs by itself:
each answer of a command is an action of the scheduler's.
"""

from collections.abc import Callable, Generator, Mapping
from contextvars import Context as Variables
from contextvars import Token
from typing import Any, Final, Protocol, cast

import attrs

from hybridcache.engine.command import (
    Ask,
    Await,
    CallLoader,
    Command,
    Flow,
    Spawn,
)
from hybridcache.engine.current import CURRENT, CurrentLoad, Raised
from hybridcache.engine.flights import Landing
from hybridcache.engine.latch import Latch
from hybridcache.engine.lease_requests import Acquire, Granted
from hybridcache.engine.request import Fault, Request
from hybridcache.testing.scheduler import Action


class Host(Protocol):
    """The process that a fiber runs in."""

    fibers: "dict[Fiber, None]"
    running: "Fiber | None"

    def soon(self, action: Action) -> None:
        """Run *action* at the next moment."""

    def after(self, seconds: float, action: Action) -> None:
        """Run *action* after that many seconds of its clock."""

    def stepped(self) -> None:
        """Look at what must hold at every step."""

    def ask(
        self,
        fiber: "Fiber",
        request: Request[object],
        timeout: float,
        answered: Callable[[object], None],
    ) -> None:
        """Ask Redis for *fiber*, for at most that many seconds."""

    def load_ended(self, result: object, error: BaseException | None, /) -> None:
        """Learn that a load's flow ended."""


class Cancelled(BaseException):
    """A caller was cancelled, as asyncio does it: thrown at its command."""


@attrs.define(eq=False)
class _Frame:
    flow: Generator[Command[object], object, object]
    token: Token[CurrentLoad | None] | None = None


@attrs.define(eq=False)
class Fiber:
    """One flow under way in one process.

    Attributes:

        process: Where it runs.

        variables: Its context variables.

        ended: Told its result, or what it raised.

        latch: What its load will settle, if it is a load.

        token: Of the lease that Redis granted it last.
    """

    process: Host
    variables: Variables
    ended: Callable[[object, BaseException | None], None]
    latch: Latch[Landing] | None = None
    token: str | None = attrs.field(default=None, init=False)
    _frames: list[_Frame] = attrs.field(factory=list, init=False)
    _turn: int = attrs.field(default=0, init=False)
    _at: Command[object] | None = attrs.field(default=None, init=False)

    def start(self, flow: Flow[object]) -> None:
        """Run *flow* from the next moment on."""
        self._frames.append(_Frame(flow))
        self.process.fibers[self] = None
        self._resume_later(None)

    @property
    def turn(self) -> int:
        """Its place: another one once it has gone on."""
        return self._turn

    def cancel(self) -> None:
        """Cancel it where it waits, as a task is; not while it merely spawns.

        A load that runs by itself is nobody's to cancel.
        """
        if self.latch is None and self._frames and isinstance(self._at, (Ask, Await)):
            self._turn += 1
            self._advance(None, Cancelled())

    def _resume_later(self, answer: object) -> None:
        turn = self._turn
        self.process.soon(lambda: self._resume(turn, answer))

    def _resume(self, turn: int, answer: object) -> None:
        # An answer that comes after a timeout or a cancellation is nobody's.
        if turn == self._turn:
            self._turn += 1
            self._advance(answer, None)

    def _advance(self, answer: object, error: BaseException | None) -> None:
        command = self.variables.run(self._step, answer, error)
        self._at = command
        if command is not None:
            self._carry_out(command)
        self.process.stepped()

    def _step(
        self, answer: object, error: BaseException | None
    ) -> Command[object] | None:
        """Run on to the next command that takes time; None at the end."""
        self.process.running = self
        frames = self._frames
        while frames:
            frame = frames[-1]
            try:
                if error is None:
                    command = frame.flow.send(answer)
                else:
                    command = frame.flow.throw(error)
            except StopIteration as end:
                frames.pop()
                answer, error = cast("object", end.value), None
                self._left(frame)
            except BaseException as raised:  # noqa: BLE001 (thrown further)
                frames.pop()
                answer, error = None, raised
                if self._left(frame) and isinstance(raised, Exception):
                    answer, error = Raised(raised, raised.__traceback__), None
            else:
                answer, error = None, None
                # By its very class: isinstance() asks an abstract class at length.
                kind = type(command)
                if kind is CallLoader:
                    answer = self._called(cast("CallLoader", command))
                elif kind is Spawn and cast("Spawn", command).inline:
                    # Another load, which may begin without a lease.
                    self.token = None
                    frames.append(_Frame(cast("Spawn", command).flow))
                else:
                    return command
        self.process.fibers.pop(self, None)
        self.ended(answer, error)
        return None

    @staticmethod
    def _left(frame: _Frame) -> bool:
        if frame.token is None:
            return False
        CURRENT.reset(frame.token)
        return True

    def _called(self, command: CallLoader) -> object:
        """Call the loader; one that takes time is a generator and runs on here."""
        token = CURRENT.set(command.load)
        try:
            answer = command.loader()
        except Exception as error:  # noqa: BLE001 (given to all who wait)
            answer = Raised(error, error.__traceback__)
        if isinstance(answer, Generator):
            self._frames.append(_Frame(answer, token))
            return None
        CURRENT.reset(token)
        return answer

    def _carry_out(self, command: Command[object]) -> None:
        carry_out = _CARRY_OUT.get(type(command))
        if carry_out is None:
            msg = f"no driver knows the command {command!r}"
            raise TypeError(msg)
        carry_out(self, command)

    def _ask(self, command: Ask[object]) -> None:
        turn, request = self._turn, command.request

        def answered(answer: object) -> None:
            if isinstance(answer, Granted) and isinstance(request, Acquire):
                self.token = request.token
            elif isinstance(answer, Fault):
                self.token = None
            self._resume(turn, answer)

        self.process.ask(self, request, command.timeout, answered)

    def _spawn(self, command: Spawn) -> None:
        variables, ended = self.variables.copy(), self.process.load_ended
        Fiber(self.process, variables, ended, command.latch).start(command.flow)
        self._resume_later(None)

    def _wait(self, command: Await[object]) -> None:
        turn, latch = self._turn, command.latch

        def wake() -> None:
            self.process.soon(lambda: self._resume(turn, latch.answer))

        def late() -> None:
            if turn == self._turn:
                latch.discard(wake)
                self._resume(turn, latch.answer)

        if latch.add(wake):
            self.process.after(max(0.0, command.timeout), late)
        else:
            self._resume_later(latch.answer)


# A flow's command says of which class it is, and no type can: hence Any.
_CARRY_OUT: Final[Mapping[type, Callable[[Fiber, Any], None]]] = {
    Ask: Fiber._ask,  # noqa: SLF001 (the table of the class's own methods)
    Await: Fiber._wait,  # noqa: SLF001
    Spawn: Fiber._spawn,  # noqa: SLF001
}
