"""Threads around the engine: workers on demand, waiting, and the thread's ports.

Workers are daemon threads, made when none is idle and never bounded: nested loads
would deadlock a bounded pool, and a hanging loader must not hold up the exit.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, Final, Protocol, TypeVar

import attrs

from hybridcache.core.errors import WouldBlockLoop
from hybridcache.engine.command import Flow
from hybridcache.engine.current import CURRENT, CurrentLoad, Loader, Raised
from hybridcache.engine.drive import drive
from hybridcache.engine.flights import Landing
from hybridcache.engine.latch import Latch
from hybridcache.engine.request import Fault, Request, Trouble

A = TypeVar("A")
T = TypeVar("T")

# An idle worker waits this long for more work, seconds.
IDLE_FOR: Final = 10.0
# Whether the loop that shall answer is still there is looked at so often, seconds.
LOOK_EVERY: Final = 0.5


@attrs.define(eq=False)
class _Worker:
    ready: threading.Lock
    work: Callable[[], object] | None = None


@attrs.define(eq=False)
class Workers:
    """Threads made on demand and used again."""

    name: str = "hybridcache-worker"
    _idle: deque[_Worker] = attrs.field(factory=deque, init=False)
    _busy: dict[object, Latch[Landing] | None] = attrs.field(factory=dict, init=False)
    _all_idle: threading.Condition = attrs.field(
        factory=threading.Condition, init=False
    )

    def submit(
        self, work: Callable[[], object], latch: Latch[Landing] | None = None
    ) -> None:
        """Run *work*, which will settle *latch*, in an idle worker or a new one.

        Raises:

            RuntimeError: The system has no thread left.
        """
        token = object()
        with self._all_idle:
            self._busy[token] = latch

        def accounted() -> None:
            try:
                work()
            finally:
                with self._all_idle:
                    self._busy.pop(token, None)
                    if not self._busy:
                        self._all_idle.notify_all()

        try:
            worker = self._idle.pop()
        except IndexError:
            worker = _Worker(threading.Lock(), accounted)
            worker.ready.acquire()
            thread = threading.Thread(
                target=self._run, args=(worker,), name=self.name, daemon=True
            )
            try:
                thread.start()
            except BaseException:
                with self._all_idle:
                    self._busy.pop(token, None)
                raise
        else:
            worker.work = accounted
            worker.ready.release()

    def _run(self, worker: _Worker) -> None:
        while worker.work is not None:
            # No local name: it would keep the load's values alive while idle.
            worker.work()
            worker.work = None
            self._idle.append(worker)
            if not worker.ready.acquire(timeout=IDLE_FOR):
                try:
                    self._idle.remove(worker)
                except ValueError:
                    # It was handed work at the last moment.
                    worker.ready.acquire()

    def drain(self, timeout: float) -> bool:
        """Wait until no worker is busy; False if that takes too long."""
        # No lock can wait for longer; it would raise.
        longest = min(timeout, threading.TIMEOUT_MAX)
        with self._all_idle:
            return self._all_idle.wait_for(lambda: not self._busy, longest)

    def close(self, landing: Landing) -> None:
        """End the idle workers; settle with *landing* what the busy ones would."""
        while self._idle:
            # Without work, a worker that is woken ends.
            self._idle.pop().ready.release()
        with self._all_idle:
            latches = list(self._busy.values())
        for latch in latches:
            if latch is not None:
                latch.settle(landing)

    def forked(self) -> None:
        """Start without threads in the child of a fork."""
        self._idle = deque()
        self._busy = {}
        self._all_idle = threading.Condition()


class Upstream(Protocol):
    """Whoever asks Redis for a thread."""

    def ask(self, request: Request[A], timeout: float) -> A | Fault:
        """Ask, within *timeout* seconds."""


@attrs.frozen
class NoUpstream:
    """The upstream of a cache that has none; nothing is ever asked of it."""

    def ask(self, request: Request[A], timeout: float) -> A | Fault:  # noqa: ARG002 (a port)
        """Say that there is nobody to ask."""
        return Fault(Trouble.DOWN, "the cache has no upstream")


@attrs.frozen
class ThreadPorts:
    """The outside, for flows that run in threads.

    Attributes:

        upstream: Asks Redis.

        workers: Run loads.

        running_loop: Returns the event loop that runs in this thread, or None.
    """

    upstream: Upstream
    workers: Workers
    running_loop: Callable[[], object | None]

    def ask(
        self,
        request: Request[A],
        timeout: float,
        patience: float,  # noqa: ARG002 (a port; a thread waits for no turn)
    ) -> A | Fault:
        """Ask Redis."""
        return self.upstream.ask(request, timeout)

    def wait(self, latch: Latch[T], timeout: float) -> T | None:
        """Wait for *latch*, unless this thread's own loop would have to settle it."""
        loop = self.running_loop()
        if loop is not None and latch.carrier is loop and latch.answer is None:
            msg = (
                "a sync lookup waits for a load that this thread's event loop runs;"
                " await the AsyncCache here, or call in a thread (asyncio.to_thread)"
            )
            raise WouldBlockLoop(msg)
        done = threading.Lock()
        done.acquire()
        if not latch.add(done.release):
            return latch.answer
        left = max(0.0, timeout)
        while not done.acquire(timeout=min(left, LOOK_EVERY)):
            left -= LOOK_EVERY
            if left <= 0.0 or latch.orphaned():
                latch.discard(done.release)
                break
        return latch.answer

    def spawn(self, flow: Flow[None], latch: Latch[Landing], *, inline: bool) -> None:
        """Run *flow* in a worker with this context's variables, or at once."""
        if inline:
            drive(flow, self)
            return
        context = copy_context()
        self.workers.submit(lambda: context.run(drive, flow, self), latch)

    def call(self, loader: Loader, load: CurrentLoad, *, inline: bool) -> object:
        """Call *loader* in this thread.

        What ends a caller's thread, such as KeyboardInterrupt, is for that caller alone;
        an event loop would end with it, so that tasks are told of it as of any error.
        """
        return called(loader, load, Exception if inline else BaseException)


def called(
    loader: Loader,
    load: CurrentLoad,
    shared: type[BaseException] = BaseException,
) -> Any:
    """Call *loader* as *load*; return its value, or what it raised if that is shared."""
    token = CURRENT.set(load)
    try:
        return loader()
    except shared as error:
        return raised(error)
    finally:
        CURRENT.reset(token)


def raised(error: BaseException) -> Raised:
    """Keep *error* with the traceback that begins in the loader."""
    inner = error.__traceback__
    return Raised(error, None if inner is None else inner.tb_next)
