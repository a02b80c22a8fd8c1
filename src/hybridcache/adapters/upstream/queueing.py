"""One loop's connections: who may use one, in turn, and how long a request takes.

The time of a request begins when it has a connection. What it waits before that is
bounded by the others' times: where those end without an answer, it fails with them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from math import inf
from typing import Final, Generic, Protocol, TypeVar

import attrs

# A request whose turn does not come within so many times what it may take has failed:
# Redis answers, and too slowly for so many.
LONGEST_WAIT: Final = 8
# So often at least the sockets are read before a request's time is over. To connect,
# to prove who we are, to ask and to send a script take some five readings.
PARTS: Final = 16
# For an answer that is in the socket when the time is over, seconds.
GRACE: Final = 0.001


class Closable(Protocol):
    """A connection."""

    @property
    def is_open(self) -> bool:
        """Whether an idle one can be used."""

    async def close(self) -> None:
        """Close it."""


L = TypeVar("L", bound=Closable)


@attrs.define(eq=False)
class Allowance:
    """The time of one request, cut in parts; waiting for a turn takes none of it.

    Attributes:

        seconds: All of it.

        patience: Seconds until it is over at the latest, waiting included.

        left: Parts that are not over yet.
    """

    seconds: float
    patience: float = inf
    left: int = attrs.field(default=PARTS, init=False)

    def waited(self, seconds: float) -> None:
        """Take what was waited for a turn off the patience."""
        self.patience -= seconds
        self.seconds = min(self.seconds, max(0.0, self.patience))


class Alarm:
    """Ends what is inside the block when its time is over, unless the loop is busy.

    A loop that is busy is late with its timers, and with its sockets as well: there may
    be an answer that it has not read. So, however late a part of the time ends, it
    counts as one part, and the sockets are read before the next.

    Raises:

        TimeoutError: The time is over.
    """

    # Not asyncio.timeout(): it can be put off, but costs more than all else here.
    __slots__ = ("_allowance", "_cancelling", "_handle", "_loop", "_part", "_task")

    def __init__(self, loop: asyncio.AbstractEventLoop, allowance: Allowance) -> None:
        self._loop, self._allowance = loop, allowance
        self._part = allowance.seconds / PARTS

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            msg = "a request is made in a task"
            raise RuntimeError(msg)
        if self._allowance.left < 0:
            raise TimeoutError
        self._task, self._cancelling = task, task.cancelling()
        self._handle = self._loop.call_later(self._part, self._ring)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        self._handle.cancel()
        # As asyncio.timeout() does it: somebody else may have cancelled the task too.
        if self._allowance.left < 0:
            ours = self._task.uncancel() <= self._cancelling
            if ours and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _ring(self) -> None:
        self._allowance.left -= 1
        if self._allowance.left < 0:
            self._task.cancel()
        else:
            part = self._part if self._allowance.left else GRACE
            self._handle = self._loop.call_later(part, self._ring)


class Lines(Generic[L]):
    """The connections of one loop, at most *most*; the idle ones end with the loop."""

    def __init__(self, most: int) -> None:
        self.idle: deque[L] = deque()
        self.guard = _guard(self.idle)
        self.answered_at = 0.0
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    def enter(self) -> bool:
        """Begin a turn, if a connection may be used now."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def turn(self, allowance: Allowance) -> None:
        """Wait until a connection may be used; first come, first served.

        Raises:

            TimeoutError: Redis hangs, or answers too slowly for all who wait.
        """
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        begun = loop.time()
        longest = min(LONGEST_WAIT * allowance.seconds, allowance.patience)
        alarm = loop.call_later(longest, _fail, turn)
        try:
            await turn
        except BaseException:
            if not turn.done():
                # The coroutine was thrown away.
                self._waiting.remove(turn)
            elif not turn.cancelled() and turn.exception() is None:
                # Cancelled when the turn had just come: it is the next one's.
                self.leave()
            raise
        finally:
            alarm.cancel()
        allowance.waited(loop.time() - begun)

    def leave(self) -> None:
        """End a turn; the next one's begins."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done() and not turn.get_loop().is_closed():
                turn.set_result(None)
                return
        self._free += 1

    def timed_out(self, begun: float, error: TimeoutError) -> None:
        """Have all who wait fail with *error*, if nobody was answered since it began.

        They would have to wait as long each, one after the other.
        """
        if self.answered_at < begun:
            waiting, self._waiting = self._waiting, deque()
            for turn in waiting:
                if not turn.done():
                    turn.set_exception(error)

    async def take(self) -> L | None:
        """Take an idle connection that is still open; None if there is none."""
        while self.idle:
            line = self.idle.pop()
            if line.is_open:
                return line
            await line.close()
        return None

    async def close(self) -> None:
        """Close the idle connections."""
        await _close_all(self.idle)


async def _close_all(lines: deque[L]) -> None:
    while lines:
        await lines.pop().close()


async def _guard(lines: deque[L]) -> AsyncGenerator[None, None]:
    """Close *lines* when the loop ends: asyncio then closes its async generators."""
    try:
        yield
    finally:
        await _close_all(lines)


def _fail(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_exception(TimeoutError())
