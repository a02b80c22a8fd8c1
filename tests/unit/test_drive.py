"""The drivers run a flow to its end, whatever its commands raise."""

import asyncio
import itertools

import attrs
import pytest

from hybridcache.engine.command import AsyncPorts, Command, Flow, Ports
from hybridcache.engine.drive import adrive, drive
from tests.fakes import FakeAsyncPorts, FakePorts
from tests.parts import (
    node_of,
)
from tests.run import Run
from tests.world import (
    World,
)

WORLD = World(itertools.repeat(0), node_of(None, redis=False))


@attrs.frozen
class Say(Command[int]):
    """Answer with a number, or raise."""

    answer: int | BaseException

    def run(self, ports: Ports) -> int:
        """Answer."""
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def arun(self, ports: AsyncPorts) -> int:
        """Answer."""
        return self.run(FakePorts(WORLD))


@attrs.frozen
class Hang(Command[None]):
    """Answer never."""

    begun: asyncio.Event

    def run(self, ports: Ports) -> None:
        """Answer never; a thread cannot be cancelled, so none is let in here."""
        pytest.fail("a thread would hang for ever")

    async def arun(self, ports: AsyncPorts) -> None:
        """Answer never."""
        self.begun.set()
        await asyncio.get_running_loop().create_future()


def ended(flow: Flow[object], colour: str, run: Run) -> object:
    """Drive *flow* in one colour."""
    if colour == "sync":
        return drive(flow, FakePorts(WORLD))
    return run(adrive(flow, FakeAsyncPorts(WORLD)))


both = pytest.mark.parametrize("colour", ["sync", "async"])


@both
def test_answers(colour: str, run: Run) -> None:
    """Each command's answer goes to where it was asked, and the result comes back."""

    def flow() -> Flow[int]:
        one = yield from Say(1)
        two = yield from Say(20)
        return one + two

    assert 21 == ended(flow(), colour, run)


@both
def test_no_commands(colour: str, run: Run) -> None:
    """A flow that asks nothing ends with its result."""

    def flow() -> Flow[str]:
        yield from ()
        return "done"

    assert "done" == ended(flow(), colour, run)


@both
def test_caught(colour: str, run: Run) -> None:
    """A flow may catch what a command raised and go on."""

    def flow() -> Flow[int]:
        try:
            yield from Say(LookupError("x"))
        except LookupError:
            return (yield from Say(2))
        return 3

    assert 2 == ended(flow(), colour, run)


@both
@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(1)])
def test_raised(colour: str, error: BaseException, run: Run) -> None:
    """What a command raises comes out of the driver, after the flow's `finally`."""
    tidied: list[bool] = []

    def flow() -> Flow[int]:
        try:
            return (yield from Say(error))
        finally:
            tidied.append(True)

    if colour == "async" and not isinstance(error, Exception):
        # A loop that runs a task which raises these is left at once.
        coroutine = adrive(flow(), FakeAsyncPorts(WORLD))
        with pytest.raises(type(error)):
            coroutine.send(None)
    else:
        with pytest.raises(type(error)) as caught:
            ended(flow(), colour, run)
        assert error is caught.value
    assert [True] == tidied


@both
def test_flow_raises(colour: str, run: Run) -> None:
    """What the flow itself raises comes out as it is."""

    def flow() -> Flow[int]:
        yield from Say(1)
        msg = "mine"
        raise LookupError(msg)

    with pytest.raises(LookupError, match="mine"):
        ended(flow(), colour, run)


def test_cancelled(run: Run) -> None:
    """Cancelling a task runs the `finally` of the flow that it drives."""
    tidied: list[bool] = []

    async def cancelled() -> bool:
        begun = asyncio.Event()

        def flow() -> Flow[None]:
            try:
                yield from Hang(begun)
            finally:
                tidied.append(True)

        task = asyncio.create_task(adrive(flow(), FakeAsyncPorts(WORLD)))
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run(cancelled())
    assert [True] == tidied


def test_timeout(run: Run) -> None:
    """A timeout around a flow is the caller's, and the flow's `finally` runs."""
    tidied: list[bool] = []

    async def timed_out() -> None:
        def flow() -> Flow[None]:
            try:
                yield from Hang(asyncio.Event())
            finally:
                tidied.append(True)

        async with asyncio.timeout(0.01):
            await adrive(flow(), FakeAsyncPorts(WORLD))

    with pytest.raises(TimeoutError):
        run(timed_out())
    assert [True] == tidied
