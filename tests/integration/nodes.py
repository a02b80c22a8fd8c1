"""Nodes in this process: caches of either colour, each with a memory of its own.

A test speaks to both colours in the same words, from its own thread; an asyncio cache
runs on an event loop in a thread.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from typing import Final, Literal, TypeAlias, TypeVar

import redis
from opentelemetry.trace import TracerProvider
from prometheus_client import CollectorRegistry

from hybridcache import (
    AsyncCache,
    Cache,
    Event,
    Explanation,
    Invalidated,
    Memory,
    Outcome,
    Peeked,
    Policy,
    Redis,
)
from hybridcache.engine.names import Names, names_of
from tests.eventually import eventually
from tests.scraped import Shown, scraped

T = TypeVar("T")
Colour: TypeAlias = Literal["sync", "async"]

COLOURS: Final[tuple[Colour, ...]] = ("sync", "async")
POLICY: Final = Policy(fresh_for=60, ttl=3600, wait_for=10)
WITHIN: Final = 30.0
"""Longest that any call in a test may take, seconds."""


class LoopThread:
    """An event loop that runs in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def begin(self, coroutine: Coroutine[object, None, T]) -> "Future[T]":
        """Start *coroutine* as a task of the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def run(self, coroutine: Coroutine[object, None, T]) -> T:
        """Run *coroutine* to its end."""
        return self.begin(coroutine).result(WITHIN)

    def close(self) -> None:
        """Stop the loop and close it."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(WITHIN)
        self.loop.close()


def in_thread(call: Callable[[], T]) -> "Future[T]":
    """Start *call* in a thread of its own, with this context's variables."""
    future: Future[T] = Future()
    context = copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(call))
        except BaseException as error:  # noqa: BLE001 (given to who asks)
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


class Load:
    """A loader that counts its calls, and holds them until told to go on.

    Args:

        value: What it returns.

        held: Whether a call waits for `release()`.

        error: What it raises instead.
    """

    def __init__(
        self, value: int = 1, *, held: bool = False, error: Exception | None = None
    ) -> None:
        self.value = value
        self.error = error
        self.calls = 0
        self._gate = threading.Event()
        self._lock = threading.Lock()
        if not held:
            self._gate.set()

    def release(self) -> None:
        """Let the calls go on, those to come too."""
        self._gate.set()

    def begun(self, calls: int = 1) -> None:
        """Wait until it was called so many times."""
        eventually(lambda: self.calls >= calls)

    def __call__(self) -> int:
        """Be called by a load."""
        with self._lock:
            self.calls += 1
        if not self._gate.wait(WITHIN):
            msg = "the test forgot to release its loader"
            raise RuntimeError(msg)
        if self.error is not None:
            raise self.error
        return self.value


class Node:
    """A cache of either colour, called from threads; *memory* is its own by default."""

    def __init__(
        self,
        colour: Colour,
        url: str | None,
        prefix: str,
        loop: LoopThread,
        *,
        memory: Memory | None = None,
        timeout: float = 5.0,
        tracer_provider: TracerProvider | None = None,
        trace_keys: Callable[[str], str] | None = None,
    ) -> None:
        upstream = None if url is None else Redis(url, timeout=timeout)
        memory = Memory() if memory is None else memory
        self._loop = loop
        self.prefix = prefix
        self.events: list[Event] = []
        self.registry = CollectorRegistry()
        self.cache: Cache | AsyncCache
        kind = Cache if colour == "sync" else AsyncCache
        self.cache = kind(
            name="node",
            prefix=prefix,
            upstream=upstream,
            downstream=memory,
            observer=self.events.append,
            tracer_provider=tracer_provider,
            trace_keys=trace_keys,
            registry=self.registry,
        )

    def shown(self, metric: str) -> Shown:
        """Return what its registry shows of a metric, but for zeros."""
        return scraped(self.registry, f"hybridcache_{metric}", "node")

    def begin(
        self, key: str, load: Callable[[], T], policy: Policy = POLICY
    ) -> "Future[Outcome[T]]":
        """Start a lookup."""
        cache = self.cache
        if isinstance(cache, Cache):
            return in_thread(lambda: cache.outcome(key, load, policy))
        return self._loop.begin(cache.outcome(key, load, policy))

    def outcome(
        self, key: str, load: Callable[[], T], policy: Policy = POLICY
    ) -> Outcome[T]:
        """Look *key* up and say what happened."""
        cache = self.cache
        if isinstance(cache, Cache):
            return cache.outcome(key, load, policy)
        return self._loop.run(cache.outcome(key, load, policy))

    def refresh(
        self, key: str, load: Callable[[], T], policy: Policy = POLICY
    ) -> Outcome[T]:
        """Load *key* now."""
        cache = self.cache
        if isinstance(cache, Cache):
            return cache.refresh(key, load, policy)
        return self._loop.run(cache.refresh(key, load, policy))

    def peek(
        self, key: str, load: Callable[[], T], policy: Policy = POLICY
    ) -> Peeked[T]:
        """Say what the tiers hold."""
        cache = self.cache
        if isinstance(cache, Cache):
            return cache.peek(key, load, policy)
        return self._loop.run(cache.peek(key, load, policy))

    def explain(self, key: str, policy: Policy | None = None) -> Explanation:
        """Say what is known of *key*."""
        cache = self.cache
        if isinstance(cache, Cache):
            return cache.explain(key, policy)
        return self._loop.run(cache.explain(key, policy))

    def invalidate(self, key: str) -> Invalidated:
        """Invalidate *key*."""
        cache = self.cache
        if isinstance(cache, Cache):
            return cache.invalidate(key)
        return self._loop.run(cache.invalidate(key))

    def clear(self) -> Invalidated:
        """Invalidate all keys."""
        cache = self.cache
        if isinstance(cache, Cache):
            return cache.clear()
        return self._loop.run(cache.clear())

    def close(self) -> None:
        """Close the cache."""
        cache = self.cache
        if isinstance(cache, Cache):
            cache.close()
        else:
            self._loop.run(cache.close())

    @property
    def whole(self) -> bool:
        """Whether its subscription can be trusted."""
        return self.cache._state.wiring.ctx.node.whole

    @property
    def epoch(self) -> int:
        """Grows whenever its subscription is lost or made whole."""
        return self.cache._state.wiring.ctx.node.epoch

    def past(self, epoch: int) -> bool:
        """Whether its subscription was lost or made whole since *epoch*."""
        return self.epoch > epoch

    @property
    def breaker(self) -> str:
        """The state of its breaker."""
        return self.cache._state.wiring.ctx.node.gate.breaker.state.value

    def lacks(self, key: str) -> bool:
        """Whether its memory does not hold *key*."""
        return not self.in_memory(key)

    def in_memory(self, key: str) -> bool:
        """Whether its memory holds *key*, trusted or not."""
        node = self.cache._state.wiring.ctx.node
        assert node.tier is not None
        return node.tier.get((node.namespace, key), 0.0) is not None

    def forget(self, key: str) -> None:
        """Drop *key* from its memory alone."""
        node = self.cache._state.wiring.ctx.node
        assert node.tier is not None
        with node.lock:
            node.tier.drop((node.namespace, key))

    def joined(self, key: str, callers: int) -> None:
        """Wait until so many callers wait for the flight of *key*."""
        node = self.cache._state.wiring.ctx.node

        def waiting() -> int:
            flight = node.flights.find(key, 0.0)
            return 0 if flight is None else len(flight.latch._wakes)

        eventually(lambda: waiting() >= callers)

    def lacks_flight(self, key: str) -> bool:
        """Whether nobody who comes now would join a load of *key*."""
        return self.cache._state.wiring.ctx.node.flights.find(key, 0.0) is None

    def names(self, key: str) -> Names:
        """Return the Redis names of *key*."""
        return names_of(self.prefix, key)

    def subscribed(self) -> "Node":
        """Wait until its subscription is whole."""
        self.cache._state.wiring.station.ensure_keeper()
        eventually(lambda: self.whole)
        return self


def awaited(client: "redis.Redis", names: Names) -> bool:
    """Whether some other process asked to be told when the load of a key ends."""
    lease = client.get(names.lease)
    return isinstance(lease, bytes) and lease.endswith(b"+")
