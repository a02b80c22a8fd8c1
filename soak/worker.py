"""A process of the soak: caches of both colours on one memory, and their callers."""

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Sized
from functools import partial
from multiprocessing.connection import Connection
from random import Random
from typing import Any, Final

from hybridcache import AsyncCache, Cache, Memory, Redis
from soak.book import Book
from soak.items import ITEMS, POLICY, TIMEOUT, Made, Maker, draw_key, policy_of
from soak.orders import Leave, Left, Mood, News, Order, Ready, Start, Storm

THREADS: Final = 8
TASKS: Final = 24
REPORT_EVERY: Final = 0.5
LEAVE_WITHIN: Final = 20.0


class Worker:
    """The caches, the callers, and the book that they keep."""

    def __init__(self, start: Start) -> None:
        self._random = Random(start.seed)
        self._book = Book()
        self._maker = Maker(start.name, Random(start.seed + 1))
        self._leaving = threading.Event()
        self._tasks_left: list[str] = []
        self._storms: list[threading.Thread] = []
        self._every = (THREADS + TASKS) / start.rate
        memory = Memory(max_items=ITEMS // 2)
        upstream = Redis(start.url, timeout=TIMEOUT)
        self._cache = Cache(prefix=start.prefix, upstream=upstream, downstream=memory)
        self._acache = AsyncCache(
            prefix=start.prefix, upstream=upstream, downstream=memory
        )

        @self._cache.cached(POLICY, key="item:{number}")
        def item(number: int) -> Made:
            return self._maker.make(f"item:{number}")

        @self._acache.cached(POLICY, key="item:{number}")
        async def aitem(number: int) -> Made:
            return await self._maker.amake(f"item:{number}")

        self._item, self._aitem = item, aitem

    # Threads

    def run(self, send: Callable[[News], None], receive: Callable[[], Order]) -> None:
        """Call until told to leave, and report."""
        jobs: list[Callable[[], object]] = [
            partial(self._call, Random(self._random.random())) for _ in range(THREADS)
        ]
        jobs += [partial(asyncio.run, self._in_loop()), self._invalidate, self._lag]
        callers = [threading.Thread(target=job, daemon=True) for job in jobs]
        for thread in callers:
            thread.start()
        orders = threading.Thread(target=self._obey, args=(receive,), daemon=True)
        orders.start()
        send(Ready())
        while not self._leaving.wait(REPORT_EVERY):
            send(self._book.report())
        deadline = time.monotonic() + LEAVE_WITHIN
        for thread in [*callers, *self._storms]:
            thread.join(max(0.0, deadline - time.monotonic()))
        behind = [f"caller {one.name}" for one in callers if one.is_alive()]
        self._cache.close()
        send(self._book.report())
        send(Left(behind + self._left_behind()))

    def _obey(self, receive: Callable[[], Order]) -> None:
        while not self._leaving.is_set():
            match receive():
                case Mood(word, seconds):
                    until = time.monotonic() + seconds
                    if word == "slow":
                        self._maker.slow_until = until
                    else:
                        self._maker.failing_until = until
                case Storm() as storm:
                    # On its own: what is told meanwhile is heard.
                    raging = threading.Thread(target=self._rage, args=(storm,))
                    raging.start()
                    self._storms.append(raging)
                case Leave():
                    self._leaving.set()

    def _rage(self, storm: Storm) -> None:
        for _ in range(storm.count):
            if self._leaving.is_set():
                return
            if storm.word == "clear":
                self._clear()
            else:
                self._invalidate_one(draw_key(self._random))

    def _call(self, random: Random) -> None:
        due = time.monotonic()
        while not self._leaving.is_set():
            self._look_up(draw_key(random), random.random())
            due = self._next(due)
            time.sleep(max(0.0, due - time.monotonic()))

    def _next(self, due: float) -> float:
        """Say when the next call is due; what was missed for long is not made up for."""
        return max(due + self._every, time.monotonic() - 0.25)

    def _look_up(self, key: str, draw: float) -> None:
        since = self._book.since(key)
        began = time.monotonic()
        make = self._maker.once if key.startswith("once:") else self._maker.make
        load: Callable[[], Any] = partial(make, key)
        try:
            if key.startswith("item:") and draw > 0.01:
                outcome = self._item.outcome(int(key[5:]))
            elif draw > 0.005:
                outcome = self._cache.outcome(key, _declared(load), policy_of(key))
            else:
                outcome = self._cache.refresh(key, _declared(load), policy_of(key))
        except Exception as error:  # noqa: BLE001 (it is judged)
            self._book.raised(key, error, began)
        else:
            self._book.served(key, outcome.tag, outcome.value, began, since)

    def _invalidate(self) -> None:
        random = Random(self._random.random())
        while not self._leaving.wait(0.1):
            self._invalidate_one(draw_key(random))

    def _invalidate_one(self, key: str) -> None:
        called = time.monotonic()
        if self._cache.invalidate(key).reached_redis:
            self._book.invalidated(key, called)

    def _clear(self) -> None:
        called = time.monotonic()
        if self._cache.clear().reached_redis:
            self._book.cleared(called)

    def _lag(self) -> None:
        while not self._leaving.is_set():
            before = time.monotonic()
            time.sleep(0.02)
            self._book.lagged(time.monotonic() - before - 0.02)

    # Tasks

    async def _in_loop(self) -> None:
        calls: list[Coroutine[object, None, None]] = [
            self._acall(Random(self._random.random())) for _ in range(TASKS)
        ]
        await asyncio.gather(*calls, self._ainvalidate(), self._alag())
        await self._acache.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        self._tasks_left = [task.get_name() for task in others]

    async def _acall(self, random: Random) -> None:
        due = time.monotonic()
        while not self._leaving.is_set():
            await self._alook_up(draw_key(random), random.random())
            due = self._next(due)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _alook_up(self, key: str, draw: float) -> None:
        since = self._book.since(key)
        began = time.monotonic()
        make = self._maker.aonce if key.startswith("once:") else self._maker.amake
        load: Callable[[], Any] = partial(make, key)
        try:
            if key.startswith("item:") and draw > 0.01:
                outcome = await self._aitem.outcome(int(key[5:]))
            elif draw > 0.005:
                found = self._acache.outcome(key, _adeclared(load), policy_of(key))
                outcome = await found
            else:
                found = self._acache.refresh(key, _adeclared(load), policy_of(key))
                outcome = await found
        except Exception as error:  # noqa: BLE001 (it is judged)
            self._book.raised(key, error, began)
        else:
            self._book.served(key, outcome.tag, outcome.value, began, since)

    async def _ainvalidate(self) -> None:
        random = Random(self._random.random())
        while not self._leaving.is_set():
            key = draw_key(random)
            called = time.monotonic()
            if (await self._acache.invalidate(key)).reached_redis:
                self._book.invalidated(key, called)
            await asyncio.sleep(0.1)

    async def _alag(self) -> None:
        while not self._leaving.is_set():
            before = time.monotonic()
            await asyncio.sleep(0.02)
            self._book.lagged(time.monotonic() - before - 0.02)

    # The end

    def _left_behind(self) -> list[str]:
        """Say what is there although all is closed."""
        deadline = time.monotonic() + 2.0
        while (threads := _threads()) and time.monotonic() < deadline:
            time.sleep(0.05)
        behind = [f"thread {name}" for name in threads]
        behind += [f"task {name}" for name in self._tasks_left]
        node = self._cache._state.wiring.ctx.node
        machines: dict[str, Sized] = {
            "flight": node.flights,
            "check": node.checks,
            "reading": node.readings,
            "fill": node.fills,
            "lease": node.leases,
        }
        behind += [f"{len(it)} {what}(s)" for what, it in machines.items() if len(it)]
        return behind


def _threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("hybridcache")]


def _declared(load: Callable[[], Any]) -> Callable[[], Made]:
    def declared() -> Made:
        made: Made = load()
        return made

    return declared


def _adeclared(load: Callable[[], Any]) -> Callable[[], Coroutine[object, None, Made]]:
    async def declared() -> Made:
        made: Made = await load()
        return made

    return declared


def main(pipe: "Connection[News, Order]", start: Start) -> None:
    """Be a worker until the other end of *pipe* is closed."""
    # Ctrl-C is for the one who started us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Faults are what this is about: the figures tell of them, and the log need not.
    logging.getLogger("hybridcache").addHandler(logging.NullHandler())
    Worker(start).run(pipe.send, pipe.recv)
    try:
        pipe.recv()
    except (EOFError, OSError):
        return
