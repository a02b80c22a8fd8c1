"""Both colours behind one set of plain calls, so that one test's text does for both.

The async colour runs on an event loop in a thread of its own; a test's loader is a
plain callable that is called there in a worker, awaited by an async loader.
"""

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

import attrs
from prometheus_client import CollectorRegistry

from hybridcache import AsyncCache, Cache, Event
from hybridcache.testing import ManualClock

# Longest that a call of a test may take, seconds; a hang fails the test.
WITHIN = 20.0

Call = Callable[..., Any]


def async_of(load: Call) -> Call:
    """Turn a plain loader into an async one that calls it in another thread."""

    @functools.wraps(load)
    async def loader(*args: Any, **kwargs: Any) -> Any:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        answer: list[Any] = []
        error: list[BaseException] = []
        context = copy_context()
        loop = asyncio.get_running_loop()

        def settle() -> None:
            if not ended.done():
                ended.set_result(None)

        def work() -> None:
            try:
                answer.append(context.run(load, *args, **kwargs))
            except BaseException as raised:  # noqa: BLE001 (handed on)
                error.append(raised)
            try:
                loop.call_soon_threadsafe(settle)
            except RuntimeError:
                return

        # No asyncio.to_thread: a StopIteration cannot pass through its future.
        threading.Thread(target=work, daemon=True).start()
        await ended
        if error:
            raise error[0]
        return answer[0]

    return loader


@attrs.define(eq=False)
class Handle:
    """One cache of one colour, called plainly."""

    colour: "Colour"
    cache: Any
    registry: CollectorRegistry
    events: list[Event] | None

    def get(self, key: Any, load: Any, policy: Any) -> Any:
        """Return the value."""
        return self.colour.do(self.cache.get_or_load, key, self._load(load), policy)

    def outcome(self, key: Any, load: Any, policy: Any) -> Any:
        """Return the outcome."""
        return self.colour.do(self.cache.outcome, key, self._load(load), policy)

    def peek(self, key: Any, load: Any, policy: Any) -> Any:
        """Peek."""
        return self.colour.do(self.cache.peek, key, self._load(load), policy)

    def refresh(self, key: Any, load: Any, policy: Any) -> Any:
        """Load now."""
        return self.colour.do(self.cache.refresh, key, self._load(load), policy)

    def start(self, key: Any, load: Any, policy: Any) -> "Future[Any]":
        """Begin a lookup in the background."""
        return self.colour.start(self.cache.outcome, key, self._load(load), policy)

    def invalidate(self, key: Any) -> Any:
        """Invalidate."""
        return self.colour.do(self.cache.invalidate, key)

    def clear(self) -> Any:
        """Clear."""
        return self.colour.do(self.cache.clear)

    def close(self, timeout: float = 5.0) -> None:
        """Close."""
        self.colour.do(self.cache.close, timeout)

    def cached(self, *args: Any, **kwargs: Any) -> Call:
        """Decorate a plain function, made async first where that is the colour."""
        decorate = self.cache.cached(*args, **kwargs)

        def decorator(function: Call) -> Any:
            return decorate(self._load(function))

        return decorator

    def call(self, function: Call, *args: Any, **kwargs: Any) -> Any:
        """Call a decorated function or one of its attributes."""
        return self.colour.do(function, *args, **kwargs)

    def count(self, outcome: str, tier: str, function: str = "") -> float:
        """Return what `hybridcache_lookups_total` says."""
        labels = {"outcome": outcome, "tier": tier}
        return self._sample("hybridcache_lookups_total", function, labels)

    def failed(self, reason: str, function: str = "") -> float:
        """Return what `hybridcache_lookup_failures_total` says."""
        labels = {"reason": reason}
        return self._sample("hybridcache_lookup_failures_total", function, labels)

    def _sample(self, name: str, function: str, labels: dict[str, str]) -> float:
        cache = {"cache": self.cache.name, "function": function}
        return self.registry.get_sample_value(name, cache | labels) or 0.0

    @property
    def node(self) -> Any:
        """The machines behind it."""
        return self.cache._state.wiring.ctx.node

    def _load(self, load: Any) -> Any:
        return self.colour.loader(load) if callable(load) else load


@attrs.define(eq=False)
class Colour:
    """How a colour makes caches and runs calls."""

    name: str
    clock: ManualClock = attrs.field(factory=ManualClock)
    _loop: asyncio.AbstractEventLoop | None = None
    _handles: list[Handle] = attrs.field(factory=list)

    @property
    def is_async(self) -> bool:
        """Whether it is the async colour."""
        return self._loop is not None

    def make_cache(self, *, events: bool = False, **options: Any) -> Handle:
        """Make a cache on the manual clock, closed at the end of the test."""
        seen: list[Event] | None = [] if events else None
        if seen is not None:
            options["observer"] = seen.append
        registry = options.setdefault("registry", CollectorRegistry())
        options.setdefault("clock", self.clock)
        make = AsyncCache if self.is_async else Cache
        handle = Handle(self, make(**options), registry, seen)
        self._handles.append(handle)
        return handle

    def loader(self, load: Call) -> Call:
        """Return *load* in this colour."""
        if not self.is_async or inspect.iscoroutinefunction(load):
            return load
        return async_of(load)

    def start(self, call: Call, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run *call* in the background: in a thread or in a task."""
        if self._loop is None:
            return _in_thread(call, *args, **kwargs)
        ended: Future[Any] = Future()

        async def run() -> None:
            # Kept from the loop: it would end with a SystemExit.
            try:
                answer = call(*args, **kwargs)
                if inspect.isawaitable(answer):
                    answer = await answer
            except BaseException as error:  # noqa: BLE001 (handed on)
                ended.set_exception(error)
            else:
                ended.set_result(answer)

        ended.task = asyncio.run_coroutine_threadsafe(run(), self._loop)  # type: ignore[attr-defined]
        return ended

    def do(self, call: Call, *args: Any, **kwargs: Any) -> Any:
        """Run *call* to its end."""
        return self.start(call, *args, **kwargs).result(WITHIN)

    def close(self) -> None:
        """Close all its caches."""
        for handle in self._handles:
            handle.close(1.0)


def _in_thread(call: Call, *args: Any, **kwargs: Any) -> "Future[Any]":
    ended: Future[Any] = Future()
    context = copy_context()

    def run() -> None:
        try:
            ended.set_result(context.run(call, *args, **kwargs))
        except BaseException as error:  # noqa: BLE001 (handed on)
            ended.set_exception(error)

    threading.Thread(target=run, daemon=True, name="test caller").start()
    return ended


@contextmanager
def colour_of(name: str) -> Iterator[Colour]:
    """Run a colour, with its loop if it has one."""
    if name == "sync":
        colour = Colour(name)
        try:
            yield colour
        finally:
            colour.close()
        return
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True, name="test loop")
    thread.start()
    colour = Colour(name, loop=loop)
    try:
        yield colour
    finally:
        colour.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WITHIN)
        loop.close()


@attrs.define(eq=False)
class Counted:
    """A loader that counts its calls and answers 1, 2, 3...; a gate may hold it."""

    gate: threading.Event | None = None
    calls: int = 0
    fails: BaseException | None = None
    begun: threading.Event = attrs.field(factory=threading.Event)
    ended: threading.Event = attrs.field(factory=threading.Event)

    @property
    def load(self) -> Callable[[], int]:
        """The loader, as a function with a declared type."""

        def load() -> int:
            self.calls += 1
            answer = self.calls
            self.begun.set()
            try:
                if self.gate is not None:
                    assert self.gate.wait(WITHIN)
                if self.fails is not None:
                    raise self.fails
                return answer
            finally:
                self.ended.set()

        return load


def held() -> Counted:
    """Return a loader that waits until its gate is set."""
    return Counted(gate=threading.Event())
