"""The third driver: a flow, run command by command on a virtual clock.

A fiber stands for a caller's thread or task, or a load's. It never runs by itself:
each answer of a command is an action of the scheduler's.
"""

from collections.abc import Callable, Generator
from contextvars import Context as Variables
from contextvars import Token
from typing import Protocol, TypeVar, cast

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

T = TypeVar("T")


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

    def ask(self, request: Request[object], answered: Callable[[object], None]) -> None:
        """Ask Redis."""

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

    def cancel(self) -> None:
        """Cancel it where it waits, as a task is; not while it merely spawns."""
        if self._frames and isinstance(self._at, (Ask, Await)):
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
                if isinstance(command, CallLoader):
                    answer = self._called(command)
                elif isinstance(command, Spawn) and command.inline:
                    frames.append(_Frame(command.flow))
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
        turn = self._turn
        match command:
            case Ask(request=request):

                def answered(answer: object) -> None:
                    if isinstance(request, Acquire) and isinstance(answer, Granted):
                        self.token = request.token
                    elif isinstance(answer, Fault):
                        self.token = None
                    self._resume(turn, answer)

                self.process.ask(request, answered)
            case Await(latch=latch, timeout=timeout):
                self._wait(turn, latch, timeout)
            case Spawn(flow=flow, latch=latch):
                child = Fiber(
                    self.process,
                    self.variables.copy(),
                    self.process.load_ended,
                    latch,
                )
                child.start(flow)
                self._resume_later(None)
            case _:
                msg = f"no driver knows the command {command!r}"
                raise TypeError(msg)

    def _wait(self, turn: int, latch: Latch[T], timeout: float) -> None:
        def wake() -> None:
            self.process.soon(lambda: self._resume(turn, latch.answer))

        def late() -> None:
            if turn == self._turn:
                latch.discard(wake)
                self._resume(turn, latch.answer)

        if latch.add(wake):
            self.process.after(max(0.0, timeout), late)
        else:
            self._resume_later(latch.answer)
