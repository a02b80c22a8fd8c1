"""Every lookup is counted once and observed once."""

import asyncio
import logging

import pytest
from prometheus_client import CollectorRegistry

from hybridcache import (
    AsyncCache,
    Event,
    LoadEnded,
    LoadTimeout,
    LookedUp,
    LookupFailed,
    Memory,
    Policy,
    Reason,
    RefreshEnded,
    Tier,
)
from tests.colours import Colour, Counted, held
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600)


def test_a_scripted_run_is_counted_exactly(colour: Colour) -> None:
    """hybridcache_lookups_total says what happened, hits by arguments included."""
    cache = colour.make_cache(name="shop", downstream=Memory())
    fails: list[OSError] = []

    @cache.cached(POLICY, key="i:{n}")
    def item(n: int) -> int:
        if fails:
            raise fails[0]
        return n

    name = f"{__name__}.{item.__qualname__}"
    for n in (1, 1, 1, 1, 2):
        cache.call(item, n)
    cache.call(item.outcome, 1)
    cache.call(item.peek, 1)
    cache.call(item.peek, 9)
    cache.call(item.refresh, 1)
    colour.clock.advance(60)
    cache.call(item, 1)
    eventually(lambda: not cache.node.flights.flights())
    fails.append(OSError("no"))
    for _ in range(2):
        with pytest.raises(OSError, match="no"):
            cache.call(item, 3)

    assert 3 == cache.count("miss", "loader", name)
    assert 4 == cache.count("hit-fresh", "memory", name)
    assert 1 == cache.count("hit-stale", "memory", name)
    assert 2 == cache.failed("loader", name)
    assert 0 == cache.count("suppressed", "loader", name)


def test_suppressed_lookups_and_timeouts_are_counted(colour: Colour) -> None:
    """Followers count as suppressed, those who wait too long as timeout."""
    cache, loader = colour.make_cache(downstream=Memory()), held()
    calls = [cache.start("k", loader.load, POLICY) for _ in range(4)]
    flights = cache.node.flights
    eventually(lambda: len(flights) and len(flights.flights()[0].latch._wakes) == 4)
    with pytest.raises(TimeoutError):
        cache.get("k", loader.load, POLICY.evolve(wait_for=0.01))
    assert loader.gate is not None
    loader.gate.set()
    for call in calls:
        call.result(5)

    assert 1 == cache.count("miss", "loader")
    assert 3 == cache.count("suppressed", "loader")
    assert 1 == cache.failed("timeout")


def test_redis_hits_are_counted(colour: Colour, redis_url: str, prefix: str) -> None:
    """A hit from Redis has its own tier label."""
    cache = colour.make_cache(prefix=prefix, upstream=redis_url)
    loader = Counted()
    for _ in range(3):
        cache.get("k", loader.load, POLICY)

    assert 1 == cache.count("miss", "loader")
    assert 2 == cache.count("hit-fresh", "redis")


def test_one_event_tells_of_each_lookup(colour: Colour) -> None:
    """An observer hears of every lookup once, memory hits included."""
    cache = colour.make_cache(name="shop", downstream=Memory(), events=True)

    @cache.cached(POLICY, key="i:{n}")
    def item(n: int) -> int:
        if n < 0:
            raise KeyError(n)
        return n

    name = f"{__name__}.{item.__qualname__}"
    for _ in range(4):
        cache.call(item, 1)
    with pytest.raises(KeyError):
        cache.call(item, -1)
    colour.clock.advance(60)
    cache.call(item, 1)
    eventually(lambda: not cache.node.flights.flights())
    assert cache.events is not None
    eventually(lambda: any(isinstance(e, RefreshEnded) for e in cache.events or ()))

    looked = [each for each in cache.events if isinstance(each, LookedUp)]
    told = [(each.outcome, each.tier, each.age) for each in looked]
    hit = ("hit-fresh", Tier.MEMORY, 0.0)
    stale = ("hit-stale", Tier.MEMORY, 60.0)
    assert [("miss", Tier.LOADER, None), hit, hit, hit, stale] == told
    assert {("shop", name)} == {(each.cache, each.function) for each in looked}
    assert LookupFailed("shop", name, Reason.LOADER) in cache.events
    ended = [each.result for each in cache.events if isinstance(each, LoadEnded)]
    assert ["stored", "error", "stored"] == ended


def test_a_raising_observer_breaks_nothing(
    colour: Colour, caplog: pytest.LogCaptureFixture
) -> None:
    """What an observer raises is logged once and lookups go on."""

    def observer(event: Event) -> None:
        raise RuntimeError(event)

    cache = colour.make_cache(downstream=Memory(), observer=observer)
    loader = Counted()
    with caplog.at_level(logging.ERROR, "hybridcache"):
        assert [1, 1, 1] == [cache.get("k", loader.load, POLICY) for _ in range(3)]

    assert 1 == sum("observer" in text for text in caplog.messages)
    assert 2 == cache.count("hit-fresh", "memory")


def test_whatever_a_loader_raises_is_counted_as_its_own(colour: Colour) -> None:
    """Also what is no Exception, and the error of a lookup that the loader made."""
    cache = colour.make_cache(name="shop", downstream=Memory())

    def leave() -> int:
        raise SystemExit(3)

    def late() -> int:
        msg = "an inner lookup's"
        raise LoadTimeout(msg)

    for load, error in ((leave, SystemExit), (late, LoadTimeout)):
        with pytest.raises(error):
            cache.start("k", load, POLICY).result(15)

    assert 2 == cache.failed("loader")
    assert 0 == cache.failed("timeout") + cache.failed("cancelled")


def test_a_cancelled_caller_is_counted() -> None:
    """A call whose task is cancelled has no outcome, and is counted as cancelled."""
    registry = CollectorRegistry()

    async def load() -> int:
        await asyncio.Event().wait()
        return 1

    async def calls() -> None:
        async with AsyncCache(name="shop", registry=registry) as cache:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await cache.get_or_load("k", load, POLICY)
            await cache.close(timeout=0.01)

    asyncio.run(calls())
    labels = {"cache": "shop", "function": "", "reason": "cancelled"}
    name = "hybridcache_lookup_failures_total"
    assert 1 == registry.get_sample_value(name, labels)
