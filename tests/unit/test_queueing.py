"""Turns on a loop's connections, and the alarm that ends a request."""

import asyncio
import time
from math import inf

import attrs
import pytest

from hybridcache.adapters.upstream.queueing import Alarm, Allowance, Lines
from tests.run import Run

AT_ONCE = 2
LONG = 20.0


@attrs.define(eq=False)
class FakeLine:
    """A connection."""

    is_open: bool = True

    async def close(self) -> None:
        """Be closed."""
        self.is_open = False


@attrs.define(eq=False)
class Queue:
    """Requests that take turns, each until it is told to end."""

    lines: Lines[FakeLine] = attrs.field(factory=lambda: Lines(AT_ONCE))
    begun: list[int] = attrs.field(factory=list)
    tasks: list[asyncio.Task[None]] = attrs.field(factory=list)

    async def _take(self, number: int, allowance: Allowance) -> None:
        if not self.lines.enter():
            await self.lines.turn(allowance)
        self.begun.append(number)

    async def add(
        self, count: int, seconds: float = LONG, patience: float = inf
    ) -> None:
        """Begin so many requests."""
        for _ in range(count):
            work = self._take(len(self.tasks), Allowance(seconds, patience))
            self.tasks.append(asyncio.create_task(work))
        await settle()

    async def leave(self) -> None:
        """End one turn."""
        self.lines.leave()
        await settle()


async def settle() -> None:
    """Let all that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_first_come_first_served(run: Run) -> None:
    """So many have a turn at once; those who wait are served in their order."""

    async def take_turns() -> None:
        queue = Queue()
        await queue.add(5)
        assert [0, 1] == queue.begun
        await queue.leave()
        assert [0, 1, 2] == queue.begun
        for _ in range(4):
            await queue.leave()
        assert [0, 1, 2, 3, 4] == queue.begun
        await queue.add(3)
        assert [5, 6] == queue.begun[5:]
        queue.tasks[-1].cancel()

    run(take_turns())


@pytest.mark.parametrize("late", [False, True])
def test_a_cancelled_turn_is_the_next_ones(run: Run, late: bool) -> None:
    """Who is cancelled while waiting, or as the turn comes, takes no turn away."""

    async def cancel() -> None:
        queue = Queue()
        await queue.add(4)
        if late:
            queue.lines.leave()
        queue.tasks[2].cancel()
        await settle()
        if not late:
            await queue.leave()
        assert [0, 1, 3] == queue.begun

    run(cancel())


@pytest.mark.parametrize("answered", [False, True])
def test_who_waits_shares_the_fate(run: Run, answered: bool) -> None:
    """A timeout is everybody's who waits, unless another was answered meanwhile."""

    async def fail() -> None:
        queue = Queue()
        await queue.add(5)
        error = TimeoutError("no answer")
        queue.lines.answered_at = 2.0 if answered else 0.0
        queue.lines.timed_out(1.0, error)
        await settle()
        failed = [task.done() and task.exception() is error for task in queue.tasks]
        assert [False, False, *[not answered] * 3] == failed
        for task in queue.tasks:
            task.cancel()

    run(fail())


def test_nobody_waits_for_ever(run: Run) -> None:
    """A turn that does not come in many times the request's time is a timeout."""

    async def wait() -> None:
        queue = Queue()
        await queue.add(2)
        await queue.add(1, 0.001)
        with pytest.raises(TimeoutError):
            await queue.tasks[-1]

    run(wait())


def test_nobody_waits_past_its_patience(run: Run) -> None:
    """A turn that does not come before the caller's deadline is a timeout."""

    async def wait() -> None:
        queue = Queue()
        await queue.add(2)
        await queue.add(1, LONG, patience=0.001)
        with pytest.raises(TimeoutError):
            await queue.tasks[-1]

    run(wait())


def test_what_was_waited_is_not_left_for_the_request() -> None:
    """A request whose turn came late has what is left until its caller's deadline."""
    allowance = Allowance(0.25, 1.0)
    allowance.waited(0.5)
    assert 0.25 == allowance.seconds
    allowance.waited(0.3)
    assert 0.2 == pytest.approx(allowance.seconds)
    allowance.waited(0.5)
    assert 0.0 == allowance.seconds


def test_alarm(run: Run) -> None:
    """What takes too long ends with a TimeoutError, and the task goes on."""

    async def hang() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError), Alarm(loop, Allowance(0.01)):
            await loop.create_future()
        with Alarm(loop, Allowance(0.01)):
            pass
        await asyncio.sleep(0.02)

    run(hang())


def test_alarm_and_cancellation(run: Run) -> None:
    """A task that its owner cancels is cancelled, not timed out."""

    async def hang() -> None:
        loop = asyncio.get_running_loop()
        with Alarm(loop, Allowance(LONG)):
            await loop.create_future()

    async def cancel() -> None:
        task = asyncio.create_task(hang())
        await settle()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(cancel())


def test_alarm_in_a_busy_loop(run: Run) -> None:
    """Time in which the loop does something else counts as one part at most."""

    async def answered() -> str:
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        with Alarm(loop, Allowance(0.02)):
            # Due after the time; both are late, and the alarm is looked at first.
            loop.call_later(0.03, answer.set_result, "in time")
            time.sleep(0.05)  # noqa: ASYNC251 (what is tested)
            return str(await answer)

    assert "in time" == run(answered())
