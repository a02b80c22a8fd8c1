"""Event loops around the engine: tasks, waiting, and the task's ports.

Nothing here belongs to a loop before a coroutine runs on it, and what belongs to a
loop that is gone is dropped.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import copy_context
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

import attrs

from hybridcache.engine.command import Flow
from hybridcache.engine.current import CURRENT, CurrentLoad, Loader, Raised
from hybridcache.engine.drive import adrive
from hybridcache.engine.flights import Landing
from hybridcache.engine.latch import Latch
from hybridcache.engine.request import Fault, Request, Trouble

A = TypeVar("A")
T = TypeVar("T")

# Whether the loop that shall answer is still there is looked at so often, seconds.
LOOK_EVERY = 0.5


class Upstream(Protocol):
    """Whoever asks Redis for a task."""

    async def ask(
        self, request: Request[A], timeout: float, patience: float
    ) -> A | Fault:
        """Ask, within *timeout* seconds; *patience* with the waiting for a turn."""


@attrs.frozen
class NoUpstream:
    """The upstream of a cache that has none; nothing is ever asked of it."""

    async def ask(
        self,
        request: Request[A],  # noqa: ARG002 (a port)
        timeout: float,  # noqa: ARG002
        patience: float,  # noqa: ARG002
    ) -> A | Fault:
        """Say that there is nobody to ask."""
        return Fault(Trouble.DOWN, "the cache has no upstream")


@attrs.define(eq=False)
class Tasks:
    """The load flows that run as tasks, by loop: each has a strong reference here.

    A task refers to its loop: what belongs to a loop that was closed is let go when
    something is begun on another. Loops in several threads use it at once.
    """

    _tasks: "WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Task[None]]]" = (
        attrs.field(factory=WeakKeyDictionary, init=False)
    )
    _shielded: set[asyncio.Task[object]] = attrs.field(factory=set, init=False)

    def start(self, flow: Flow[None], ports: "LoopPorts") -> None:
        """Run *flow* as a task of the running loop."""
        loop = asyncio.get_running_loop()
        self._let_go_of_closed_loops()
        tasks = self._tasks.setdefault(loop, set())
        task = loop.create_task(adrive(flow, ports), name="hybridcache load")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def undisturbed(self, work: Coroutine[object, object, T]) -> T:
        """Do *work* to its end, whether or not the caller is cancelled meanwhile."""
        self._let_go_of_closed_loops()
        task = asyncio.get_running_loop().create_task(work)
        self._shielded.add(task)
        task.add_done_callback(self._shielded.discard)
        return await asyncio.shield(task)

    async def drain(self, timeout: float) -> None:
        """Let this loop's flows end; cancel what takes longer, and other loops'."""
        self._let_go_of_closed_loops()
        for loop in self._loops():
            if loop is not asyncio.get_running_loop():
                for task in list(self._tasks.get(loop, ())):
                    # It may have been closed just now.
                    with suppress(RuntimeError):
                        loop.call_soon_threadsafe(task.cancel)
        running = set(self._tasks.get(asyncio.get_running_loop(), ()))
        if not running:
            return
        try:
            await asyncio.wait(running, timeout=timeout)
        finally:
            for task in running:
                task.cancel()
        await asyncio.wait(running, timeout=timeout)

    def _loops(self) -> list[asyncio.AbstractEventLoop]:
        # A copy made in one step: other threads may add theirs meanwhile.
        loops = [known() for known in self._tasks.keyrefs()]
        return [loop for loop in loops if loop is not None]

    def _let_go_of_closed_loops(self) -> None:
        for loop in self._loops():
            if loop.is_closed():
                self._tasks.pop(loop, None)
        for task in list(self._shielded):
            if task.get_loop().is_closed():
                self._shielded.discard(task)

    def forked(self) -> None:
        """Forget the parent's tasks, in the child of a fork."""
        self._tasks = WeakKeyDictionary()
        self._shielded = set()


@attrs.frozen
class LoopPorts:
    """The outside, for flows that run in tasks.

    Attributes:

        upstream: Asks Redis.

        tasks: Runs loads.

        submit: Runs a call in a worker thread.

        call_sync: Calls a sync loader, wherever it is called.
    """

    upstream: Upstream
    tasks: Tasks
    submit: Callable[[Callable[[], object]], object]
    call_sync: Callable[[Loader, CurrentLoad], object]

    async def ask(
        self, request: Request[A], timeout: float, patience: float
    ) -> A | Fault:
        """Ask Redis."""
        return await self.upstream.ask(request, timeout, patience)

    async def wait(self, latch: Latch[T], timeout: float) -> T | None:
        """Wait for *latch*, whoever settles it."""
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        wake = _waker(loop, woken)
        if not latch.add(wake):
            return latch.answer
        alarm = loop.call_later(max(0.0, timeout), _settle, woken)
        try:
            if latch.carrier is None or latch.carrier is loop:
                await woken
            else:
                while not woken.done() and not latch.orphaned():
                    await asyncio.wait((woken,), timeout=LOOK_EVERY)
        finally:
            alarm.cancel()
            latch.discard(wake)
        return latch.answer

    async def spawn(
        self,
        flow: Flow[None],
        latch: Latch[Landing],
        *,
        inline: bool,  # noqa: ARG002 (a port; a sync loader is told again)
    ) -> None:
        """Run *flow* as a task with this context's variables."""
        loop = asyncio.get_running_loop()
        latch.carrier, latch.orphaned = loop, loop.is_closed
        self.tasks.start(flow, self)

    async def call(self, loader: Loader, load: CurrentLoad, *, inline: bool) -> object:
        """Await an async *loader* here; call a sync one in a worker, or *inline*."""
        if inline or inspect.iscoroutinefunction(loader):
            answer = self.call_sync(loader, load)
        else:
            answer = await self._in_worker(loader, load)
        if not inspect.isawaitable(answer):
            return answer
        token = CURRENT.set(load)
        try:
            return await answer
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return _raised(error)
        except BaseException as error:  # noqa: BLE001 (given to all who wait)
            return _raised(error)
        finally:
            # A task whose loop is gone is ended in another context than its own.
            with suppress(ValueError):
                CURRENT.reset(token)

    async def _in_worker(self, loader: Loader, load: CurrentLoad) -> object:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[object] = loop.create_future()
        context = copy_context()
        answers: list[object] = []
        wake = _waker(loop, ended)

        def work() -> None:
            answers.append(context.run(self.call_sync, loader, load))
            wake()

        self.submit(work)
        await ended
        return answers[0]


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _settle(future: "asyncio.Future[object]") -> None:
    if not future.done():
        future.set_result(None)


def _waker(
    loop: asyncio.AbstractEventLoop, future: "asyncio.Future[object]"
) -> Callable[[], None]:
    def wake() -> None:
        if _runs_here(loop):
            _settle(future)
            return
        try:
            loop.call_soon_threadsafe(_settle, future)
        except RuntimeError:
            # The loop is closed, and who waited on it is gone with it.
            return

    return wake


def _raised(error: BaseException) -> Raised:
    inner = error.__traceback__
    return Raised(error, None if inner is None else inner.tb_next)
