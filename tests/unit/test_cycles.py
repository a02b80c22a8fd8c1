"""The library never waits on itself: ReentrantLoad and WouldBlockLoop."""

import asyncio
from typing import Any

import pytest

from hybridcache import (
    AsyncCache,
    Cache,
    HitStale,
    Memory,
    Miss,
    Policy,
    ReentrantLoad,
    Refresh,
    Tier,
    WouldBlockLoop,
)
from tests.colours import Colour, colour_of

POLICY = Policy(fresh_for=60, ttl=3600, wait_for=5)
RUN_IN = pytest.mark.parametrize("run_in", ["worker", "caller"])


def loads(cache: Any, colour: Colour, policy: Policy, asks: dict[str, str]) -> Any:
    """Return a maker of loaders, each of which asks for the next key."""

    def load_of(key: str) -> Any:
        def load() -> int:
            then = asks.get(key)
            return 1 if then is None else cache.get_or_load(then, load_of(then), policy)

        async def aload() -> int:
            then = asks.get(key)
            if then is None:
                return 1
            value: int = await cache.get_or_load(then, load_of(then), policy)
            return value

        return aload if colour.is_async else load

    return load_of


@RUN_IN
@pytest.mark.parametrize(
    "asks", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "a"}]
)
def test_a_cycle_of_loads_is_refused(
    colour: Colour, asks: dict[str, str], run_in: Any
) -> None:
    """A load that asks for what waits for it raises ReentrantLoad at once."""
    cache = colour.make_cache(downstream=Memory())
    policy = POLICY.evolve(run_in=run_in)
    load_of = loads(cache.cache, colour, policy, asks)

    with pytest.raises(ReentrantLoad, match="__wrapped__"):
        cache.get("a", load_of("a"), policy)
    # Who closed the cycle was refused; the others' loaders raised what that was told.
    assert (1, len(asks)) == (cache.failed("reentrant"), cache.failed("loader"))


def test_a_refresh_is_given_its_own_stale_value(colour: Colour) -> None:
    """A refresh that looks up its own key gets the stale value, stale_wait or not."""
    cache = colour.make_cache(downstream=Memory())
    policy = POLICY.evolve(stale_wait=5)
    seen: list[object] = []

    def first() -> int:
        return 1

    def load() -> int:
        seen.append(cache.cache.outcome("k", first, policy))
        return 2

    async def aload() -> int:
        seen.append(await cache.cache.outcome("k", first, policy))
        return 2

    cache.get("k", first, policy)
    colour.clock.advance(60)
    outcome = cache.outcome("k", aload if colour.is_async else load, policy)

    assert [HitStale(1, tier=Tier.MEMORY, age=60.0, refresh=Refresh.UNDER_WAY)] == seen
    assert Miss(2, load_seconds=0.0, stored=frozenset({Tier.MEMORY})) == outcome


@RUN_IN
def test_nested_loads_are_fine(colour: Colour, run_in: Any) -> None:
    """A load may ask for other keys."""
    cache = colour.make_cache(downstream=Memory())
    policy = POLICY.evolve(run_in=run_in)
    load_of = loads(cache.cache, colour, policy, {"a": "b", "b": "c"})

    assert 1 == cache.get("a", load_of("a"), policy)
    assert 3 == cache.count("miss", "loader")


def test_deep_nesting_does_not_run_out_of_workers(colour: Colour) -> None:
    """Workers are never a bounded pool: a hundred nested loads end."""
    cache = colour.make_cache(downstream=Memory())
    asks = {str(number): str(number + 1) for number in range(100)}
    load_of = loads(cache.cache, colour, POLICY, asks)

    assert 1 == cache.get("0", load_of("0"), POLICY)


def test_a_sync_lookup_on_the_carrying_loop_is_refused() -> None:
    """A sync lookup on the thread whose loop runs the load would wait for ever."""
    memory = Memory()
    with colour_of("async") as colour:
        awaiting: AsyncCache = colour.make_cache(downstream=memory).cache
        blocking = Cache(downstream=memory, clock=colour.clock)

        async def scene() -> int:
            begun, gate = asyncio.Event(), asyncio.Event()

            async def load() -> int:
                begun.set()
                await gate.wait()
                return 1

            def never() -> int:
                return 2

            leader = asyncio.ensure_future(awaiting.get_or_load("k", load, POLICY))
            await begun.wait()
            with pytest.raises(WouldBlockLoop, match="to_thread"):
                blocking.get_or_load("k", never, POLICY)
            gate.set()
            return await leader

        assert 1 == colour.do(scene)
        blocking.close()
