"""The cache for asyncio."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self, TypeVar, cast, overload

from hybridcache.adapters.codec import Codec
from hybridcache.adapters.prometheus import Registry
from hybridcache.adapters.tracing import Provider, Redact, span_tracing
from hybridcache.core.explanation import Explanation
from hybridcache.core.health import MOST_ABANDONED, Health
from hybridcache.core.key_plan import plan_key
from hybridcache.core.keys import check_key
from hybridcache.core.outcome import Invalidated, Outcome, Peeked
from hybridcache.core.policy import Policy
from hybridcache.core.reply import Reply
from hybridcache.engine.context import Query
from hybridcache.engine.drive import adrive
from hybridcache.engine.events import Observer
from hybridcache.engine.explain import explain
from hybridcache.engine.flights import Handover
from hybridcache.engine.form import Shape
from hybridcache.engine.health import health_of
from hybridcache.engine.invalidate import clear, invalidate
from hybridcache.engine.lookup import look_up, refresh
from hybridcache.engine.observed import observed
from hybridcache.engine.peek import peek
from hybridcache.faces.async_function import AsyncFunction, plain
from hybridcache.faces.counting import counted_in
from hybridcache.faces.declared import declared_value
from hybridcache.faces.function import Function, inquiry_of, query_of
from hybridcache.faces.making import make_state
from hybridcache.faces.memory import Memory
from hybridcache.faces.method import CachedMethod
from hybridcache.faces.options import (
    check_abandoned,
    check_loader,
    check_policy,
    label_of,
)
from hybridcache.faces.protocols import AsyncDecorator
from hybridcache.faces.upstream import Redis, upstream_of
from hybridcache.faces.wrapper import in_class_body, is_async

V = TypeVar("V")

# How long close() lets running loads end, seconds.
DRAIN_FOR = 5.0


class AsyncCache:
    """Memory, and Redis behind it, in front of something slow. For asyncio.

    The same as :class:`Cache`, but awaited. It belongs to no event loop: connections
    and loads belong to the loop that runs, those of a dead loop are dropped.

    Args:

        name: Its name in metrics and logs, and the default of *prefix*.

        prefix: What its Redis keys begin with; ``name + ":"`` by default.

        upstream: A :class:`Redis`, a URL, a redis-py client, or None.

        downstream: A :class:`Memory`, or None. Without both tiers it still
            suppresses duplicate loads.

        codec: Turns plain data into bytes and back; msgpack by default.

        observer: Called with one frozen event for all that happens.

        registry: What shows its metrics; prometheus-client's default.

        tracer_provider: Where OpenTelemetry spans go; the global provider by default.

        trace_keys: Makes of a key what spans may show, such as ``str`` for all of it;
            by default they show no key.

        clock: Monotonic seconds; for tests, see
            :class:`hybridcache.testing.ManualClock`.

    Raises:

        TypeError: An option is of a wrong type.

        ValueError: An option is wrong; a wrong Redis URL too. A Redis that is down
            is no error.
    """

    def __init__(
        self,
        *,
        name: str = "",
        prefix: str | None = None,
        upstream: Redis | str | object | None = None,
        downstream: Memory | None = None,
        codec: Codec | None = None,
        observer: Observer | None = None,
        registry: Registry | None = None,
        tracer_provider: Provider | None = None,
        trace_keys: Redact | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = make_state(
            name=name,
            prefix=prefix,
            upstream=upstream_of(upstream),
            downstream=downstream,
            codec=codec,
            observer=observer,
            exposition=counted_in(registry),
            tracing=span_tracing(name, tracer_provider, trace_keys),
            clock=clock,
        )

    def __repr__(self) -> str:
        closed = ", closed" if self._state.closed else ""
        return f"{type(self).__name__}(name={self._state.name!r}{closed})"

    @property
    def name(self) -> str:
        """Its name in metrics and logs."""
        return self._state.name

    # Functions

    def cached(
        self,
        policy: Policy,
        key: str | Callable[..., str] | None = None,
        *,
        ignore: Sequence[str] = (),
    ) -> AsyncDecorator:
        """Decorate a function so that its values are cached.

        Args:

            policy: How they live.

            key: A template such as ``"items:{id}"``, a function of the same
                arguments, or None to derive keys from function and arguments.

            ignore: Parameters that do not count in the key.

        Raises:

            TypeError: The function is not async (use :class:`Cache`), or an
                option is of a wrong type.

            ValueError: The key does not fit the function, or another function of
                this cache has such keys.
        """
        check_policy(policy)

        def decorate(function: Callable[..., object]) -> object:
            if not is_async(function):
                msg = f"{function!r} is not async: decorate it with Cache.cached"
                raise TypeError(msg)
            inner = self._function(function, policy, key, ignore)
            calls = AsyncFunction(inner)
            if not in_class_body(function):
                return plain(calls)
            return CachedMethod(
                function,
                calls,
                lambda **changes: AsyncFunction(inner.using(**changes)),
            )

        return cast("AsyncDecorator", decorate)

    def _function(
        self,
        function: Callable[..., object],
        policy: Policy,
        key: str | Callable[..., str] | None,
        ignore: Sequence[str],
    ) -> Function[Any]:
        state = self._state
        plan = plan_key(function, key, ignore=ignore)
        label = label_of(function)
        state.register(plan, function, label)
        return Function(
            state,
            function,
            plan,
            policy,
            label,
            state.tally(label),
            {},
        )

    # Lookups without a decorator

    @overload
    async def get_or_load(
        self, key: str, load: Callable[[], Awaitable[Reply[V]]], policy: Policy
    ) -> V: ...
    @overload
    async def get_or_load(
        self, key: str, load: Callable[[], Awaitable[V]], policy: Policy
    ) -> V: ...
    @overload
    async def get_or_load(
        self, key: str, load: Callable[[], Reply[V]], policy: Policy
    ) -> V: ...
    @overload
    async def get_or_load(
        self, key: str, load: Callable[[], V], policy: Policy
    ) -> V: ...
    async def get_or_load(
        self, key: str, load: Callable[[], object], policy: Policy
    ) -> object:
        """Return the value of *key*; call *load* where no tier has it.

        *load* may be async, or sync: then it runs in a worker thread. The value's
        type is what *load* is annotated to return; without an
        annotation, plain data comes back as it was and instances are not stored.

        Raises:

            TypeError: The key is no str, or *load* cannot be called.

            ValueError: The key is empty or over 1 KiB.

            LoadTimeout: No value within ``wait_for``.

            Closed: The cache was closed.
        """
        return (await self._run(self._query(key, load, policy))).value

    @overload
    async def outcome(
        self, key: str, load: Callable[[], Awaitable[Reply[V]]], policy: Policy
    ) -> Outcome[V]: ...
    @overload
    async def outcome(
        self, key: str, load: Callable[[], Awaitable[V]], policy: Policy
    ) -> Outcome[V]: ...
    @overload
    async def outcome(
        self, key: str, load: Callable[[], Reply[V]], policy: Policy
    ) -> Outcome[V]: ...
    @overload
    async def outcome(
        self, key: str, load: Callable[[], V], policy: Policy
    ) -> Outcome[V]: ...
    async def outcome(
        self, key: str, load: Callable[[], object], policy: Policy
    ) -> Outcome[Any]:
        """Return the value as :meth:`get_or_load` does, with what happened."""
        return await self._run(self._query(key, load, policy))

    @overload
    async def refresh(
        self, key: str, load: Callable[[], Awaitable[Reply[V]]], policy: Policy
    ) -> Outcome[V]: ...
    @overload
    async def refresh(
        self, key: str, load: Callable[[], Awaitable[V]], policy: Policy
    ) -> Outcome[V]: ...
    @overload
    async def refresh(
        self, key: str, load: Callable[[], Reply[V]], policy: Policy
    ) -> Outcome[V]: ...
    @overload
    async def refresh(
        self, key: str, load: Callable[[], V], policy: Policy
    ) -> Outcome[V]: ...
    async def refresh(
        self, key: str, load: Callable[[], object], policy: Policy
    ) -> Outcome[Any]:
        """Load now, whatever the tiers hold; join a load that is under way."""
        query = self._query(key, load, policy)
        wiring = self._state.wiring
        flow = observed(wiring.ctx, query, refresh(wiring.ctx, query))
        return await adrive(flow, wiring.loops)

    @overload
    async def peek(
        self, key: str, load: Callable[[], Awaitable[Reply[V]]], policy: Policy
    ) -> Peeked[V]: ...
    @overload
    async def peek(
        self, key: str, load: Callable[[], Awaitable[V]], policy: Policy
    ) -> Peeked[V]: ...
    @overload
    async def peek(
        self, key: str, load: Callable[[], Reply[V]], policy: Policy
    ) -> Peeked[V]: ...
    @overload
    async def peek(
        self, key: str, load: Callable[[], V], policy: Policy
    ) -> Peeked[V]: ...
    async def peek(
        self, key: str, load: Callable[[], object], policy: Policy
    ) -> Peeked[Any]:
        """Say what the tiers hold for *key*; *load* only tells the type."""
        self._state.check_open()
        wiring = self._state.wiring
        query = self._query(key, load, policy)
        return await adrive(peek(wiring.ctx, query), wiring.loops)

    def _query(
        self, key: str, load: Callable[[], object], policy: Policy
    ) -> Query[Any]:
        state = self._state
        checked = check_key(key)
        check_policy(policy)
        check_loader(load)
        state.check_open(state.tally(""))
        shape: Shape[Any] = state.shape(declared_value(load))
        return query_of(state, checked, policy, shape, load)

    async def _run(self, query: Query[V]) -> Outcome[V]:
        wiring = self._state.wiring
        flow = observed(wiring.ctx, query, look_up(wiring.ctx, query))
        return await adrive(flow, wiring.loops)

    # What is known

    async def explain(self, key: str, policy: Policy | None = None) -> Explanation:
        """Say what each tier holds of *key*, and what a lookup would do, and why.

        It changes nothing and never raises for Redis. Without *policy* an entry is
        judged by its own lives. The declared type is not known here: a decorated
        function's ``explain`` checks that too.

        Raises:

            TypeError: The key is no str.

            ValueError: The key is empty or over 1 KiB.

            Closed: The cache was closed.
        """
        state = self._state
        inquiry = inquiry_of(state, check_key(key), policy)
        flow = explain(state.wiring.ctx, inquiry)
        return await adrive(flow, state.wiring.loops)

    def health(self, *, max_abandoned: int = MOST_ABANDONED) -> Health:
        """Say how the cache is, for a readiness probe. Asks nothing and never waits.

        With *max_abandoned* loads that hang past their ``abandon_after`` it is not
        healthy.

        Raises:

            TypeError: *max_abandoned* is no int.

            ValueError: It is not positive.
        """
        return health_of(
            self._state.wiring.ctx, max_abandoned=check_abandoned(max_abandoned)
        )

    # Invalidation

    async def invalidate(self, key: str) -> Invalidated:
        """Have no later lookup here served by a load that began before this.

        Other nodes follow within milliseconds. Never raises for Redis.
        """
        state = self._state
        checked = check_key(key)
        state.check_open()
        state.wiring.station.ensure_keeper()
        flow = invalidate(state.wiring.ctx, checked)
        return await state.tasks.undisturbed(adrive(flow, state.wiring.loops))

    async def clear(self) -> Invalidated:
        """Invalidate every key of the prefix, on all nodes, in one step."""
        state = self._state
        state.check_open()
        state.wiring.station.ensure_keeper()
        flow = clear(state.wiring.ctx)
        return await state.tasks.undisturbed(adrive(flow, state.wiring.loops))

    # For a while

    def bypass(self) -> AbstractContextManager[None]:
        """Read and write no tier inside the block, in this context."""
        return self._state.bypass()

    def override(
        self,
        *,
        upstream: Redis | str | object | None = None,
        downstream: Memory | None = None,
        clock: Callable[[], float] | None = None,
    ) -> AbstractContextManager[None]:
        """Run on other tiers inside the block, in every task: for tests.

        Args:

            upstream: In place of the cache's own; None for no Redis.

            downstream: In place of its memory; None for none. A new one, where *clock*
                is another.

            clock: In place of its clock, which goes on if None; a `ScriptedUpstream`
                wants its own.
        """
        return self._state.override(upstream_of(upstream), downstream, clock)

    # The end

    async def close(self, timeout: float = DRAIN_FOR) -> None:
        """Take no more calls, let running loads end for *timeout* seconds, and end.

        What takes longer is cancelled; with ``math.inf`` nothing is. Closing twice is
        no error.
        """
        state = self._state
        if not state.shut():
            return
        try:
            state.exposition.ended()
            await state.tasks.drain(timeout)
        finally:
            # Its own callers find it closed; those of another cache on its node lead.
            state.workers.close(Handover(f"the cache {state.name!r} was closed"))
            stations, last = state.leave()
            # In threads of their own: a cancelled close() ends the cache too.
            loop = asyncio.get_running_loop()
            ends = [loop.run_in_executor(None, station.end) for station in last]
            try:
                await asyncio.shield(asyncio.gather(*ends))
            finally:
                for station in stations:
                    if station.link is not None:
                        await station.link.awaiting.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
