"""Fresh, stale, expired, and what is done about it, on a manual clock."""

import random

import pytest

from hybridcache import (
    HitFresh,
    HitStale,
    Memory,
    Miss,
    Policy,
    Refresh,
    Scope,
    Suppressed,
    Tier,
)
from hybridcache.testing import ManualClock
from tests.colours import Colour, Counted, Handle, held
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600, retry_after=5)


def landed(cache: Handle) -> None:
    """Wait until no load is under way."""
    eventually(lambda: not cache.node.flights.flights())


def test_a_value_is_fresh_then_stale_then_gone(colour: Colour) -> None:
    """Below fresh_for it is fresh, below ttl stale, at ttl it is loaded anew."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    cache.get("k", loader.load, POLICY)

    colour.clock.advance(59)
    fresh = cache.outcome("k", loader.load, POLICY)
    assert HitFresh(1, tier=Tier.MEMORY, age=59.0) == fresh
    colour.clock.advance(1)
    assert HitStale(
        1, tier=Tier.MEMORY, age=60.0, refresh=Refresh.STARTED
    ) == cache.outcome("k", loader.load, POLICY)
    landed(cache)
    assert HitFresh(2, tier=Tier.MEMORY, age=0.0) == cache.outcome(
        "k", loader.load, POLICY
    )
    colour.clock.advance(3600)
    assert isinstance(cache.outcome("k", loader.load, POLICY), Miss)


def test_one_refresh_runs_for_many_stale_hits(colour: Colour) -> None:
    """While a refresh runs, stale hits are served at once and start none."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    cache.get("k", loader.load, POLICY)
    colour.clock.advance(60)
    slow = held()

    outcomes = [cache.outcome("k", slow.load, POLICY) for _ in range(5)]

    assert [Refresh.STARTED] + 4 * [Refresh.UNDER_WAY] == [o.refresh for o in outcomes]
    assert slow.gate is not None
    slow.gate.set()
    landed(cache)
    assert 1 == slow.calls


def test_a_failed_refresh_is_held_off(colour: Colour) -> None:
    """After a failed refresh the stale value stays and no other starts too soon."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    cache.get("k", loader.load, POLICY)
    colour.clock.advance(60)
    broken = Counted(fails=RuntimeError("no"))
    cache.outcome("k", broken.load, POLICY)
    landed(cache)

    colour.clock.advance(4)
    assert Refresh.HELD_OFF is cache.outcome("k", broken.load, POLICY).refresh
    assert Refresh.HELD_OFF is cache.peek("k", broken.load, POLICY).refresh
    assert 1 == broken.calls
    colour.clock.advance(1)
    assert Refresh.STARTED is cache.outcome("k", broken.load, POLICY).refresh
    landed(cache)
    assert 2 == broken.calls


@pytest.mark.parametrize(("draw", "fresh"), [(0.0, 100), (0.5, 75)])
def test_jitter_takes_a_share_off(
    colour: Colour, monkeypatch: pytest.MonkeyPatch, draw: float, fresh: int
) -> None:
    """The writer takes up to `jitter` of fresh_for off, once."""
    monkeypatch.setattr(random, "random", lambda: draw)
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    policy = Policy(fresh_for=100, ttl=200, jitter=0.5)
    cache.get("k", loader.load, policy)

    colour.clock.advance(fresh - 1)
    assert isinstance(cache.peek("k", loader.load, policy), HitFresh)
    colour.clock.advance(1)
    assert isinstance(cache.peek("k", loader.load, policy), HitStale)


def test_memory_ttl_ends_a_life_in_memory(colour: Colour) -> None:
    """After memory_ttl memory no longer has it, whatever ttl says."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    policy = POLICY.evolve(memory_ttl=10)
    cache.get("k", loader.load, policy)

    colour.clock.advance(9)
    assert 1 == cache.get("k", loader.load, policy)
    colour.clock.advance(1)
    assert 2 == cache.get("k", loader.load, policy)


def test_after_memory_ttl_redis_serves(
    colour: Colour, redis_url: str, prefix: str
) -> None:
    """What memory lets go early is still in Redis."""
    cache = colour.make_cache(prefix=prefix, upstream=redis_url, downstream=Memory())
    loader, policy = Counted(), POLICY.evolve(memory_ttl=10)
    cache.get("k", loader.load, policy)
    colour.clock.advance(10)

    assert Tier.REDIS is cache.outcome("k", loader.load, policy).tier


def test_max_ttl_of_a_memory_bounds_every_entry(colour: Colour) -> None:
    """No entry lives longer in a Memory than its max_ttl."""
    cache, loader = colour.make_cache(downstream=Memory(max_ttl=10)), Counted()
    cache.get("k", loader.load, POLICY)

    colour.clock.advance(10)
    assert 2 == cache.get("k", loader.load, POLICY)


def test_max_stale_refuses_what_is_too_stale(colour: Colour) -> None:
    """A value stale for max_stale is not served; a view decides for itself."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    cache.get("k", loader.load, POLICY)
    colour.clock.advance(65)

    assert isinstance(cache.peek("k", loader.load, POLICY), HitStale)
    strict = cache.outcome("k", loader.load, POLICY.evolve(max_stale=5))
    assert (Miss, 2) == (type(strict), strict.value)


def test_refresh_ahead_starts_early(colour: Colour) -> None:
    """Past refresh_ahead a hit is still fresh and starts the refresh."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    policy = POLICY.evolve(refresh_ahead=0.5)
    cache.get("k", loader.load, policy)

    colour.clock.advance(29)
    cache.outcome("k", loader.load, policy)
    landed(cache)
    assert 1 == loader.calls
    colour.clock.advance(1)
    hit = cache.outcome("k", loader.load, policy)
    assert HitFresh(1, tier=Tier.MEMORY, age=30.0) == hit
    landed(cache)
    assert HitFresh(2, tier=Tier.MEMORY, age=0.0) == cache.outcome(
        "k", loader.load, policy
    )


def test_stale_wait_makes_the_starter_a_miss(colour: Colour) -> None:
    """With stale_wait the refresh's starter gets Miss, the others Suppressed."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    policy = POLICY.evolve(stale_wait=9)
    cache.get("k", loader.load, policy)
    colour.clock.advance(60)
    slow = held()
    slow.calls = 1

    starter = cache.start("k", slow.load, policy)
    assert slow.begun.wait(5)
    other = cache.start("k", slow.load, policy)
    flight = cache.node.flights.find("k", colour.clock())
    eventually(lambda: len(flight.latch._wakes) == 2)
    assert slow.gate is not None
    slow.gate.set()

    assert Miss(2, load_seconds=0.0, stored=frozenset({Tier.MEMORY})) == starter.result(
        5
    )
    assert Suppressed(2, waited=0.0, scope=Scope.PROCESS) == other.result(5)


def test_stale_wait_ends_with_the_stale_value(colour: Colour) -> None:
    """A refresh that takes longer than stale_wait, or fails, leaves a stale hit."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    policy = POLICY.evolve(stale_wait=0.02)
    cache.get("k", loader.load, policy)
    colour.clock.advance(60)
    slow = held()

    assert Refresh.STARTED is cache.outcome("k", slow.load, policy).refresh
    assert slow.gate is not None
    slow.gate.set()
    landed(cache)
    colour.clock.advance(60)
    broken = Counted(fails=RuntimeError("no"))
    patient = policy.evolve(stale_wait=9)
    assert Refresh.HELD_OFF is cache.outcome("k", broken.load, patient).refresh


def test_error_ttl_holds_a_failure(colour: Colour) -> None:
    """Within error_ttl the failure is raised again without a call of the loader."""
    cache = colour.make_cache(downstream=Memory())
    broken, policy = Counted(fails=ValueError("no")), POLICY.evolve(error_ttl=5)
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            cache.get("k", broken.load, policy)
    assert 1 == broken.calls

    colour.clock.advance(5)
    with pytest.raises(ValueError, match="no"):
        cache.get("k", broken.load, policy)
    assert 2 == broken.calls


def test_a_held_failure_is_not_read_in_a_bypass(colour: Colour) -> None:
    """Inside bypass() a failure that holds the key is not raised: the call loads."""
    cache = colour.make_cache(downstream=Memory())
    broken, policy = Counted(fails=ValueError("no")), POLICY.evolve(error_ttl=5)
    with pytest.raises(ValueError, match="no"):
        cache.get("k", broken.load, policy)

    broken.fails = None
    with cache.cache.bypass():
        assert 2 == cache.get("k", broken.load, policy)


def test_suppress_none_lets_loads_stand_beside_each_other(colour: Colour) -> None:
    """With suppress none every caller loads for itself; with process one does."""
    cache, loader = colour.make_cache(downstream=Memory()), held()
    policy = POLICY.evolve(suppress="none")
    both = [cache.start("k", loader.load, policy) for _ in range(2)]
    eventually(lambda: loader.calls == 2)
    assert loader.gate is not None
    loader.gate.set()

    assert [Miss, Miss] == [type(each.result(5)) for each in both]


@pytest.mark.parametrize("step", [-1, float("nan"), float("inf")])
def test_a_manual_clock_does_not_go_back(step: float) -> None:
    """A clock that a test moves goes forward only."""
    clock = ManualClock(5.0)

    with pytest.raises(ValueError, match="advances"):
        clock.advance(step)
    assert 5.0 == clock()
