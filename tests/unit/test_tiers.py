"""Memory only, Redis only, both, neither."""

from hybridcache import HitFresh, Memory, Miss, Policy, Scope, Suppressed, Tier
from tests.colours import Colour, Counted, held
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600)


def test_memory_alone_serves_the_second_lookup(colour: Colour) -> None:
    """With memory alone a value is loaded once and memory serves it."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()

    assert Miss(1, load_seconds=0.0, stored=frozenset({Tier.MEMORY})) == cache.outcome(
        "k", loader.load, POLICY
    )
    colour.clock.advance(3)
    assert HitFresh(1, tier=Tier.MEMORY, age=3.0) == cache.outcome(
        "k", loader.load, POLICY
    )


def test_redis_alone_serves_the_second_lookup(
    colour: Colour, redis_url: str, prefix: str
) -> None:
    """With Redis alone a value is loaded once and Redis serves it."""
    cache, loader = colour.make_cache(prefix=prefix, upstream=redis_url), Counted()

    first = cache.outcome("k", loader.load, POLICY)
    second = cache.outcome("k", loader.load, POLICY)

    assert isinstance(first, Miss)
    assert frozenset({Tier.REDIS}) == first.stored
    assert isinstance(second, HitFresh)
    assert (1, Tier.REDIS) == (second.value, second.tier)
    assert 1 == loader.calls


def test_both_tiers_store_and_memory_serves_first(
    colour: Colour, redis_url: str, prefix: str
) -> None:
    """With both, both store; another memory is filled from Redis and then serves."""
    loader = Counted()
    one = colour.make_cache(prefix=prefix, upstream=redis_url, downstream=Memory())
    two = colour.make_cache(prefix=prefix, upstream=redis_url, downstream=Memory())
    eventually(lambda: not one.peek("x", loader.load, POLICY).value and one.node.whole)
    eventually(lambda: not two.peek("x", loader.load, POLICY).value and two.node.whole)

    first = one.outcome("k", loader.load, POLICY)

    assert frozenset({Tier.MEMORY, Tier.REDIS}) == first.stored
    assert Tier.MEMORY is one.outcome("k", loader.load, POLICY).tier
    assert Tier.REDIS is two.outcome("k", loader.load, POLICY).tier
    assert Tier.MEMORY is two.outcome("k", loader.load, POLICY).tier
    assert 1 == loader.calls


def test_without_tiers_every_call_loads(colour: Colour) -> None:
    """With neither tier nothing is kept."""
    cache, loader = colour.make_cache(), Counted()

    outcomes = [cache.outcome("k", loader.load, POLICY) for _ in range(2)]

    assert [1, 2] == [each.value for each in outcomes]
    assert all(isinstance(each, Miss) and not each.stored for each in outcomes)


def test_without_tiers_loads_are_suppressed(colour: Colour) -> None:
    """With neither tier those who come during a load share it."""
    cache, loader = colour.make_cache(), held()
    leader = cache.start("k", loader.load, POLICY)
    assert loader.begun.wait(5)
    follower = cache.start("k", loader.load, POLICY)
    flight = cache.node.flights.find("k", colour.clock())
    eventually(lambda: len(flight.latch._wakes) == 2)
    assert loader.gate is not None
    loader.gate.set()

    assert isinstance(leader.result(5), Miss)
    assert Suppressed(1, waited=0.0, scope=Scope.PROCESS) == follower.result(5)
    assert 1 == loader.calls


def test_peek_loads_nothing(colour: Colour) -> None:
    """A peek says what is there and never calls the loader."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()

    assert Miss(None, load_seconds=0.0, stored=frozenset()) == cache.peek(
        "k", loader.load, POLICY
    )
    assert 0 == loader.calls
    cache.get("k", loader.load, POLICY)
    assert HitFresh(1, tier=Tier.MEMORY, age=0.0) == cache.peek(
        "k", loader.load, POLICY
    )


def test_a_cached_none_is_a_hit(colour: Colour) -> None:
    """None is a value like any other."""
    cache = colour.make_cache(downstream=Memory())

    def load() -> None:
        return None

    cache.get("k", load, POLICY)

    assert HitFresh(None, tier=Tier.MEMORY, age=0.0) == cache.peek("k", load, POLICY)


def test_refresh_and_invalidate_replace_the_value(colour: Colour) -> None:
    """A refresh loads although a fresh value is there; so does the next after invalidate."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    cache.get("k", loader.load, POLICY)

    assert 2 == cache.refresh("k", loader.load, POLICY).value
    assert 2 == cache.get("k", loader.load, POLICY)
    cache.invalidate("k")
    assert 3 == cache.get("k", loader.load, POLICY)
    cache.clear()
    assert 4 == cache.get("k", loader.load, POLICY)


def test_prefixes_on_one_memory_stand_apart(colour: Colour) -> None:
    """Caches of other prefixes on one memory do not see each other's keys."""
    memory, loader = Memory(), Counted()
    one = colour.make_cache(name="one", downstream=memory)
    two = colour.make_cache(name="two", downstream=memory)

    assert 1 == one.get("k", loader.load, POLICY)
    assert 2 == two.get("k", loader.load, POLICY)
    one.clear()
    assert 2 == two.get("k", loader.load, POLICY)
