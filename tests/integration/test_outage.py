"""Redis hangs, dies, comes back empty, or was never there."""

import time
from typing import Any

import pytest

from hybridcache import Cache, HitFresh, Memory, Miss, Redis, Tier, UpstreamDown
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import Load

TIMEOUT = 0.25
# What a busy machine adds to a timeout, seconds.
MARGIN = 0.25


def test_hanging_redis(node: MakeNode, own_redis: RedisServer) -> None:
    """A hanging Redis costs its timeout until the breaker opens, then nothing."""
    one = node(own_redis.url, timeout=TIMEOUT).subscribed()
    assert isinstance(one.outcome("warm", Load()), Miss)

    own_redis.pause()
    for number in range(3):
        begun = time.perf_counter()
        outcome = one.outcome(f"slow {number}", Load(number))
        took = time.perf_counter() - begun

        assert isinstance(outcome, UpstreamDown)
        assert (number, Tier.LOADER) == (outcome.value, outcome.tier)
        assert "Timeout" in outcome.cause
        assert TIMEOUT + MARGIN > took
    assert "closed" != one.breaker
    quick = []
    for number in range(20):
        begun = time.perf_counter()
        outcome = one.outcome(f"quick {number}", Load(number))
        quick.append(time.perf_counter() - begun)

        assert isinstance(outcome, UpstreamDown)
        assert number == outcome.value
    assert 0.02 > sorted(quick)[10]
    own_redis.resume()


def test_redis_goes_on(node: MakeNode, own_redis: RedisServer) -> None:
    """A second after a hanging Redis goes on, lookups use it again."""
    one = node(own_redis.url, timeout=TIMEOUT).subscribed()
    own_redis.pause()
    for number in range(3):
        one.outcome(f"slow {number}", Load())
    eventually(lambda: not one.whole)

    own_redis.resume()
    took = eventually(lambda: isinstance(one.peek("absent", Load()), Miss))

    assert 1.0 + MARGIN > took
    eventually(lambda: one.whole)
    outcome = one.outcome("after", Load())
    assert isinstance(outcome, Miss)
    assert {Tier.MEMORY, Tier.REDIS} == outcome.stored
    # What was loaded without Redis is not Redis's: it is loaded again.
    assert isinstance(one.outcome("slow 0", Load()), Miss)


def test_redis_killed_in_mid_load(node: MakeNode, own_redis: RedisServer) -> None:
    """A Redis that dies during a load costs nobody the value, and raises nothing."""
    one = node(own_redis.url, timeout=TIMEOUT).subscribed()
    load = Load(7, held=True)
    running = [one.begin("k", load) for _ in range(5)]
    load.begun()
    one.joined("k", 5)

    own_redis.kill()
    load.release()
    outcomes = [future.result(10) for future in running]

    assert [7] * 5 == [outcome.value for outcome in outcomes]
    assert 1 == load.calls
    [miss] = [outcome for outcome in outcomes if isinstance(outcome, Miss)]
    assert {Tier.MEMORY} == miss.stored
    # While Redis is away memory serves as before.
    later = one.outcome("k", load)
    assert isinstance(later, HitFresh)
    assert (7, Tier.MEMORY) == (later.value, later.tier)


def test_redis_restarted_empty(node: MakeNode, own_redis: RedisServer) -> None:
    """After a restart without data memory is checked before use, and loads anew."""
    one = node(own_redis.url).subscribed()
    other = node(own_redis.url).subscribed()
    load = Load(1)
    assert isinstance(one.outcome("k", load), Miss)
    assert isinstance(other.outcome("k", load), HitFresh)

    epochs = one.epoch, other.epoch
    own_redis.restart()
    eventually(lambda: one.epoch > epochs[0] and other.epoch > epochs[1])
    eventually(lambda: one.whole and other.whole)
    load.value = 2

    outcome = one.outcome("k", load)
    assert isinstance(outcome, Miss)
    assert (2, frozenset(Tier) - {Tier.LOADER}) == (outcome.value, outcome.stored)
    found = other.outcome("k", load)
    assert isinstance(found, HitFresh)
    assert (2, Tier.REDIS) == (found.value, found.tier)


def test_suspect_entries_serve_while_redis_is_away(
    node: MakeNode, own_redis: RedisServer
) -> None:
    """While Redis is away memory serves what it held; then it asks once more."""
    one = node(own_redis.url).subscribed()
    load = Load(1)
    one.outcome("k", load)

    own_redis.kill()
    eventually(lambda: not one.whole)
    away = one.outcome("k", load)
    own_redis.start()
    eventually(lambda: one.whole)
    back = one.outcome("k", load)

    assert isinstance(away, HitFresh)
    assert Tier.MEMORY is away.tier
    assert isinstance(back, Miss)
    assert 2 == load.calls


def test_construction_needs_no_redis(node: MakeNode, own_redis: RedisServer) -> None:
    """A cache is made while Redis is down, serves, and finds Redis later."""
    own_redis.stop()
    one = node(own_redis.url)
    outcome = one.outcome("k", Load(3))
    assert isinstance(outcome, UpstreamDown)
    assert 3 == outcome.value

    own_redis.start()
    eventually(lambda: one.whole)

    assert isinstance(one.outcome("other", Load()), Miss)


@pytest.mark.parametrize(
    ("upstream", "error"),
    [
        ("http://localhost", ValueError),
        ("redis://localhost:port", ValueError),
        ("redis://localhost/0?no_such_option=1", ValueError),
        (7, TypeError),
    ],
)
def test_wrong_upstream(upstream: object, error: type[Exception]) -> None:
    """A wrong URL or option is told of when the cache is made."""
    with pytest.raises(error):
        Cache(name="x", upstream=upstream, downstream=Memory())


@pytest.mark.parametrize(
    "options", [{"timeout": 0}, {"timeout": -1}, {"timeout": float("nan")}]
)
def test_wrong_timeout(options: dict[str, Any]) -> None:
    """A timeout that is none is told of when the upstream is made."""
    with pytest.raises(ValueError, match="timeout"):
        Redis("redis://localhost", **options)
