"""A hit in memory through a decorated function.

Timed by the thread's processor time: nothing here waits for anything.
"""

import asyncio
import functools
import linecache
from collections.abc import Callable, Coroutine
from itertools import repeat
from time import thread_time

from opentelemetry.baggage import set_baggage
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    set_span_in_context,
)

from benchmarks.measuring import Measured, acompared, added, compared
from hybridcache import AsyncCache, Cache, Memory, Policy

POLICY = Policy(fresh_for=3600, ttl=7200)


def measure() -> list[Measured]:
    """Measure both colours, and what of it is for metrics and for tracing."""
    unsampled = set_span_in_context(NonRecordingSpan(INVALID_SPAN_CONTEXT))
    return [
        _sync(),
        asyncio.run(_async()),
        _metrics(),
        _traced("an unsampled span", unsampled),
        _traced("baggage alone", set_baggage("tenant", "a")),
    ]


def _sync() -> Measured:
    with Cache(name="bench-memory", downstream=Memory()) as cache:

        @cache.cached(POLICY, key="item:{number}")
        def ours(number: int) -> str:
            return f"item {number}"

        @functools.lru_cache(maxsize=128)
        def reference(number: int) -> str:
            return f"item {number}"

        return compared(
            "memory hit, sync : functools.lru_cache",
            functools.partial(_timed, ours),
            functools.partial(_timed, reference),
            number=5_000,
            bar=3.5,
        )


def _metrics() -> Measured:
    with Cache(name="bench-metrics", downstream=Memory()) as cache:

        @cache.cached(POLICY, key="item:{number}")
        def ours(number: int) -> str:
            return f"item {number}"

        return added(
            "memory hit, sync, its metrics",
            functools.partial(_timed, ours),
            functools.partial(_timed, _uncounted(ours)),
            number=5_000,
            bar=60,
        )


def _traced(what: str, current: Context) -> Measured:
    with Cache(name="bench-traced", downstream=Memory()) as cache:

        @cache.cached(POLICY, key="item:{number}")
        def ours(number: int) -> str:
            return f"item {number}"

        def inside(number: int) -> float:
            token = attach(current)
            try:
                return _timed(ours, number)
            finally:
                detach(token)

        return added(
            f"memory hit, sync, inside {what}",
            inside,
            functools.partial(_timed, ours),
            number=5_000,
            bar=60,
        )


def _uncounted(function: Callable[[int], str]) -> Callable[[int], str]:
    """Return the same generated function without the line that counts a hit."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename)
    kept = [line for line in lines if "__hc_tally" not in line]
    assert len(kept) == len(lines) - 1
    names = dict(function.__globals__)
    exec(compile("".join(kept), "<uncounted>", "exec"), names)
    made: Callable[[int], str] = names["__hc_wrapper"]
    return made


def _timed(function: Callable[[int], str], number: int) -> float:
    begun = thread_time()
    for _ in repeat(None, number):
        function(7)
    return thread_time() - begun


async def _async() -> Measured:
    async with AsyncCache(name="bench-memory-async", downstream=Memory()) as cache:

        @cache.cached(POLICY, key="item:{number}")
        async def ours(number: int) -> str:
            return f"item {number}"

        async def reference(number: int) -> None:
            pass

        return await acompared(
            "memory hit, async : an empty coroutine",
            functools.partial(_atimed, ours),
            functools.partial(_atimed, reference),
            number=5_000,
            bar=3.0,
        )


async def _atimed(
    function: Callable[[int], Coroutine[object, object, object]], number: int
) -> float:
    begun = thread_time()
    for _ in repeat(None, number):
        await function(7)
    return thread_time() - begun
