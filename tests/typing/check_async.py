"""What an async cache's functions promise: the same, to be awaited."""

from collections.abc import Coroutine, Sequence
from typing import Any, assert_type

from hybridcache import (
    AsyncCache,
    AsyncCached,
    Cache,
    Explanation,
    Health,
    Invalidated,
    Memory,
    Outcome,
    Peeked,
    Policy,
)

memory = Memory(max_items=1000)
cache = AsyncCache(name="shop", downstream=memory)
policy = Policy(fresh_for=60, ttl=3600)


@cache.cached(policy, key="names:{id}")
async def names(id: int) -> list[str]:
    return [str(id)]


async def calls_are_coroutines() -> None:
    coroutine: Coroutine[Any, Any, list[str]] = names(7)
    assert_type(await coroutine, list[str])
    assert_type(await names(7), list[str])
    assert_type(await names.outcome(7), Outcome[list[str]])
    assert_type(await names.peek(7), Peeked[list[str]])
    assert_type(await names.explain(7), Explanation)
    assert_type(await cache.explain("names:7"), Explanation)
    assert_type(cache.health(), Health)
    assert_type(await names.refresh(7), Outcome[list[str]])
    assert_type(await names.invalidate(7), Invalidated)
    assert_type(await names.using(max_stale=5)(7), list[str])

    await names("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await names.outcome()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await names.using(ttl="5")(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def a_forgotten_await_is_an_error() -> None:
    names(7)  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    names.invalidate(7)  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    cache.clear()  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    length: int = len(names(7))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(length, int)


async def takes_wider(function: AsyncCached[[int], Sequence[object]]) -> None:
    assert_type(await function.outcome(7), Outcome[Sequence[object]])


async def it_can_be_handed_on() -> None:
    await takes_wider(names)


def a_sync_function_is_refused() -> None:
    @cache.cached(policy)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType, reportUntypedFunctionDecorator]
    def _(id: int) -> int:
        return id


async def the_cache_itself() -> None:
    assert_type(await cache.invalidate("k"), Invalidated)
    assert_type(await cache.clear(), Invalidated)
    with cache.bypass():
        await names(7)
    with cache.override(upstream=None, downstream=Memory()):
        await names(7)
    async with cache as entered:
        assert_type(entered, AsyncCache)


def the_sync_cache_itself() -> None:
    with Cache(name="shop", downstream=memory) as entered:
        assert_type(entered, Cache)
        assert_type(entered.invalidate("k"), Invalidated)
        assert_type(entered.clear(), Invalidated)
