"""What a loader may return, and what it may ask."""

from typing import Any

import pytest

from hybridcache import (
    CurrentLoad,
    HitFresh,
    HitStale,
    Memory,
    Miss,
    NoStore,
    NotModified,
    Policy,
    Reply,
    Store,
    Suppressed,
    Tier,
    current_load,
)
from tests.colours import Colour, Counted, held
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600)


def test_no_store_serves_the_waiters_and_keeps_nothing(colour: Colour) -> None:
    """Caller and followers get a NoStore value; the next caller loads again."""
    cache, loader = colour.make_cache(downstream=Memory()), held()

    def load() -> NoStore[int]:
        return NoStore(loader.load())

    leader = cache.start("k", load, POLICY)
    assert loader.begun.wait(5)
    follower = cache.start("k", load, POLICY)
    flight = cache.node.flights.find("k", 0.0)
    eventually(lambda: len(flight.latch._wakes) == 2)
    assert loader.gate is not None
    loader.gate.set()

    assert Miss(1, load_seconds=0.0, stored=frozenset()) == leader.result(5)
    assert isinstance(follower.result(5), Suppressed)
    assert 2 == cache.get("k", load, POLICY)


def test_store_sets_lifetimes_of_its_own(colour: Colour) -> None:
    """A Store's fresh_for and ttl count instead of the policy's."""
    cache = colour.make_cache(downstream=Memory())

    def load() -> Store[int]:
        return Store(7, fresh_for=1, ttl=3)

    assert 7 == cache.get("k", load, POLICY)
    assert isinstance(cache.peek("k", load, POLICY), HitFresh)
    colour.clock.advance(1)
    assert isinstance(cache.peek("k", load, POLICY), HitStale)
    colour.clock.advance(2)
    assert isinstance(cache.peek("k", load, POLICY), Miss)


def test_a_store_without_life_is_not_kept(colour: Colour) -> None:
    """A ttl of 0 keeps nothing."""
    cache = colour.make_cache(downstream=Memory())

    def load() -> Store[int]:
        return Store(7, fresh_for=0, ttl=0)

    assert Miss(7, load_seconds=0.0, stored=frozenset()) == cache.outcome(
        "k", load, POLICY
    )


@pytest.mark.parametrize("tiers", ["memory", "redis"])
def test_not_modified_makes_the_old_value_fresh(
    colour: Colour, tiers: str, redis_url: str, prefix: str
) -> None:
    """A forced refresh that finds nothing new renews what is there."""
    options: dict[str, dict[str, Any]] = {
        "memory": {"downstream": Memory()},
        "redis": {"prefix": prefix, "upstream": redis_url},
    }
    cache = colour.make_cache(**options[tiers])
    replies: list[Reply[list[int]]] = [Store([1]), NotModified()]

    def load() -> Reply[list[int]]:
        return replies.pop(0)

    cache.get("k", load, POLICY)
    colour.clock.advance(50)

    assert [1] == cache.refresh("k", load, POLICY).value
    assert not replies
    hit = cache.outcome("k", load, POLICY)
    assert isinstance(hit, HitFresh)
    assert [1] == hit.value
    assert hit.age < 5


def test_not_modified_in_a_background_refresh(colour: Colour) -> None:
    """A stale value becomes fresh by NotModified()."""
    cache = colour.make_cache(downstream=Memory())
    replies: list[Reply[int]] = [Store(1), NotModified()]

    def load() -> Reply[int]:
        return replies.pop(0)

    cache.get("k", load, POLICY)
    colour.clock.advance(60)
    cache.get("k", load, POLICY)
    eventually(lambda: not cache.node.flights.flights())

    assert HitFresh(1, tier=Tier.MEMORY, age=0.0) == cache.outcome("k", load, POLICY)


def test_not_modified_without_a_value_is_a_type_error(colour: Colour) -> None:
    """NotModified() with nothing to renew says so."""
    cache = colour.make_cache(downstream=Memory())

    def load() -> Reply[int]:
        return NotModified()

    with pytest.raises(TypeError, match=r"'k' returned NotModified"):
        cache.get("k", load, POLICY)
    assert 1 == cache.failed("loader")


def test_a_loader_can_ask_what_it_is(colour: Colour) -> None:
    """current_load() tells key, previous value, deadline, and whether detached."""
    cache, seen = colour.make_cache(downstream=Memory()), []

    def load() -> int:
        seen.append(current_load())
        return len(seen)

    policy = POLICY.evolve(wait_for=2)
    begun = colour.clock()
    cache.get("k", load, policy)
    colour.clock.advance(60)
    cache.get("k", load, policy)
    eventually(lambda: len(seen) == 2)

    first, second = seen
    assert isinstance(first, CurrentLoad)
    assert isinstance(second, CurrentLoad)
    assert ("k", None, False) == (first.key, first.previous, first.detached)
    assert ("k", 1, True) == (second.key, second.previous, second.detached)
    assert begun < first.deadline <= begun + 6
    assert current_load() is None


def test_a_mixture_of_replies_works_at_run_time(colour: Colour) -> None:
    """A loader may return a bare value or a reply."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()

    def load() -> int | NoStore[int]:
        number = loader.load()
        return number if number > 1 else NoStore(number)

    assert [1, 2, 2] == [cache.get("k", load, POLICY) for _ in range(3)]
