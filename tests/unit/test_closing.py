"""The end of a cache."""

import asyncio
import math
import threading

import pytest

from hybridcache import AsyncCache, Closed, HitFresh, Memory, Miss, Policy
from hybridcache.engine.names import names_of
from hybridcache.faces.station import Station
from hybridcache.testing import RedisServer, ScriptedUpstream
from tests.colours import Colour, Counted, held
from tests.eventually import eventually
from tests.run import Run

POLICY = Policy(fresh_for=60, ttl=3600)


def ours() -> list[threading.Thread]:
    """Return the library's threads."""
    return [each for each in threading.enumerate() if "hybridcache" in each.name]


def test_a_closed_cache_refuses_every_call(colour: Colour) -> None:
    """Calls raise Closed, those with a loader are counted; a second close is fine."""
    cache, loader = colour.make_cache(name="shop", downstream=Memory()), Counted()

    @cache.cached(POLICY)
    def item(n: int) -> int:
        return n

    assert [7, 7, 7] == [cache.call(item, 7) for _ in range(3)]
    cache.close()
    cache.close()

    for call in (cache.get, cache.outcome, cache.refresh, cache.peek):
        with pytest.raises(Closed, match="shop"):
            call("k", loader.load, POLICY)
    assert 3 == cache.failed("closed")
    for calls in (item, item.outcome, item.refresh, item.peek, item.invalidate):
        with pytest.raises(Closed):
            cache.call(calls, 7)
    assert 3 == cache.failed("closed", f"{__name__}.{item.__qualname__}")
    with pytest.raises(Closed):
        cache.invalidate("k")
    with pytest.raises(Closed):
        cache.clear()
    assert 0 == loader.calls


@pytest.mark.parametrize("timeout", [10, 1e12, math.inf])
def test_close_lets_running_loads_end(colour: Colour, timeout: float) -> None:
    """A load that ends within the timeout serves its callers and is stored."""
    memory, loader = Memory(), held()
    cache = colour.make_cache(downstream=memory)
    call = cache.start("k", loader.load, POLICY)
    assert loader.begun.wait(5)
    closing = colour.start(cache.cache.close, timeout)
    eventually(lambda: cache.cache._state.closed)
    assert loader.gate is not None
    loader.gate.set()

    assert isinstance(call.result(5), Miss)
    closing.result(5)
    other = colour.make_cache(downstream=memory)
    assert isinstance(other.outcome("k", loader.load, POLICY), HitFresh)


def test_close_ends_what_takes_too_long(colour: Colour) -> None:
    """Past the timeout callers of a running load get Closed, counted."""
    cache, loader = colour.make_cache(downstream=Memory()), held()
    calls = [cache.start("k", loader.load, POLICY) for _ in range(2)]
    flights = cache.node.flights
    eventually(lambda: len(flights) and len(flights.flights()[0].latch._wakes) == 2)
    cache.close(0.01)

    for call in calls:
        with pytest.raises(Closed):
            call.result(5)
    assert 2 == cache.failed("closed")
    assert loader.gate is not None
    loader.gate.set()


def test_close_hands_a_load_over_to_another_cache(colour: Colour) -> None:
    """Of two caches on one memory, the one that stays open leads the load anew."""
    memory, loader, quick = Memory(), held(), Counted(calls=10)
    one, two = (colour.make_cache(downstream=memory) for _ in range(2))
    leader = one.start("k", loader.load, POLICY)
    assert loader.begun.wait(5)
    follower = two.start("k", quick.load, POLICY)
    flights = one.node.flights
    eventually(lambda: len(flights.flights()[0].latch._wakes) == 2)
    one.close(0.01)

    with pytest.raises(Closed):
        leader.result(5)
    assert 11 == follower.result(5).value
    assert loader.gate is not None
    loader.gate.set()
    eventually(lambda: not len(two.node.fills))
    assert 11 == two.get("k", quick.load, POLICY)


def test_close_gives_leases_back(colour: Colour) -> None:
    """The lease of a load that close cuts off is released: others need not wait."""
    redis = ScriptedUpstream()
    one, two = (
        colour.make_cache(
            name="shop", upstream=redis, downstream=Memory(), clock=redis.clock
        )
        for _ in range(2)
    )
    loader, quick = held(), Counted(calls=10)
    cut_off = one.start("k", loader.load, POLICY)
    assert loader.begun.wait(5)
    assert redis.model.call("GET", names_of("shop:", "k").lease) is not None
    one.close(0.01)

    assert redis.model.call("GET", names_of("shop:", "k").lease) is None
    assert 11 == two.get("k", quick.load, POLICY)
    with pytest.raises(Closed):
        cut_off.result(5)
    assert loader.gate is not None
    loader.gate.set()


def test_close_waits_for_a_redis_that_hangs_once(colour: Colour) -> None:
    """However many leases are to be released, close waits one timeout for Redis."""
    redis = ScriptedUpstream(failures=100)
    cache = colour.make_cache(
        name="shop", upstream=redis, downstream=Memory(), clock=redis.clock
    )
    loaders = [held() for _ in range(3)]
    calls = [
        cache.start(str(number), loader.load, POLICY)
        for number, loader in enumerate(loaders)
    ]
    assert all(loader.begun.wait(5) for loader in loaders)
    redis.hang()
    before = redis.clock()
    cache.close(0.01)

    # Which requests that are: tests/unit/test_keeper.py, at the end of its rounds.
    assert redis.clock() - before <= redis.timeout
    for call, loader in zip(calls, loaders, strict=True):
        with pytest.raises(Closed):
            call.result(5)
        assert loader.gate is not None
        loader.gate.set()


def test_close_ends_threads(colour: Colour, redis_url: str, prefix: str) -> None:
    """After close no keeper and no idle worker is left, and no task."""
    before = set(ours())
    cache = colour.make_cache(prefix=prefix, upstream=redis_url, downstream=Memory())
    cache.get("k", Counted().load, POLICY)
    colour.clock.advance(60)
    cache.get("k", Counted().load, POLICY)
    assert set(ours()) - before

    cache.close()

    eventually(lambda: not set(ours()) - before)
    if colour.is_async:
        assert not colour.do(_tasks)


def test_an_interrupted_close_ends_the_cache(
    colour: Colour, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted while it lets loads end, close cuts them off and disconnects."""
    cache = colour.make_cache(name="shop", upstream=own_redis.url, downstream=Memory())
    loader = held()
    cut_off = cache.start("k", loader.load, POLICY)
    assert loader.begun.wait(5)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Condition, "wait_for", _interrupted)
        patch.setattr(asyncio, "wait", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            cache.close()

    with pytest.raises(Closed):
        cut_off.result(5)
    assert loader.gate is not None
    loader.gate.set()
    with own_redis.client() as client:
        eventually(lambda: len(client.client_list()) == 1)


def test_a_cancelled_close_ends_the_cache(
    run: Run, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelled while its stations end, close ends all of them and disconnects."""
    end, both, gate = Station.end, threading.Barrier(3), threading.Event()

    def held_end(station: Station) -> None:
        both.wait(5)
        assert gate.wait(5)
        end(station)

    async def cancelled() -> None:
        cache = AsyncCache(name="shop", upstream=own_redis.url, downstream=Memory())
        await cache.get_or_load("k", Counted().load, POLICY)
        with cache.override(upstream=own_redis.url, downstream=Memory()):
            await cache.get_or_load("k", Counted().load, POLICY)
            closing = asyncio.create_task(cache.close())
            await asyncio.to_thread(both.wait, 5)
            closing.cancel()
            gate.set()
            with pytest.raises(asyncio.CancelledError):
                await closing

    monkeypatch.setattr(Station, "end", held_end)
    run(cancelled())

    with own_redis.client() as client:
        eventually(lambda: len(client.client_list()) == 1)


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


async def _tasks() -> list[str]:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return [each.get_name() for each in tasks if "hybridcache" in each.get_name()]


def test_a_context_manager_closes(colour: Colour) -> None:
    """At the end of a with block the cache is closed."""
    cache = colour.make_cache(name="shop", downstream=Memory())

    def block() -> int:
        with cache.cache as inside:
            value: int = inside.get_or_load("k", lambda: 1, POLICY)
            return value

    async def async_block() -> int:
        async with cache.cache as inside:
            value: int = await inside.get_or_load("k", lambda: 1, POLICY)
            return value

    assert 1 == colour.do(async_block if colour.is_async else block)
    with pytest.raises(Closed):
        cache.get("k", Counted().load, POLICY)
    assert "closed" in repr(cache.cache)


def test_closing_one_cache_leaves_the_other_on_its_memory(colour: Colour) -> None:
    """Caches on one memory end each for itself."""
    memory, loader = Memory(), Counted()
    one, two = (colour.make_cache(downstream=memory) for _ in range(2))
    one.get("k", loader.load, POLICY)
    one.close()

    assert isinstance(two.outcome("k", loader.load, POLICY), HitFresh)
