"""What happens to a node is told to each of its caches, as an event."""

import asyncio
import logging
import threading
from typing import Any

import pytest
import redis
from prometheus_client import CollectorRegistry

from hybridcache import (
    AsyncCache,
    BlindnessChanged,
    BreakerMoved,
    Cache,
    Event,
    InvalidationDone,
    LoadAbandoned,
    LoadTimeout,
    Memory,
    Policy,
    RefreshEnded,
)
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import POLICY, Load, Node


def told(node: Node, kind: type[Event]) -> list[Event]:
    """Return what the node was told of a kind."""
    return [event for event in node.events if isinstance(event, kind)]


def states(node: Node) -> list[bool]:
    """Return whether the node was blind, each time that this changed."""
    return [event.blind for event in told(node, BlindnessChanged)]  # type: ignore[union-attr] # of that kind


def test_an_outage_is_told_once(
    node: MakeNode, own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis gone and back: breaker and subscription each say so once, log and events."""
    one = node(own_redis.url, timeout=0.25).subscribed()
    with caplog.at_level(logging.INFO, "hybridcache"):
        own_redis.stop()
        for turn in range(20):
            one.outcome(f"k{turn}", Load())
        eventually(lambda: one.breaker != "closed" and not one.whole)
        own_redis.start()
        eventually(lambda: one.breaker == "closed" and one.whole, within=15)
        eventually(lambda: states(one) == [False, True, False])

    assert [True, False] == [event.open for event in told(one, BreakerMoved)]  # type: ignore[union-attr] # of that kind
    texts = [record.getMessage() for record in caplog.records]
    for text in ("does without Redis", "uses Redis again", "lost its", "has its"):
        assert 1 == sum(text in one_text for one_text in texts)
    assert 8 >= len(texts)


def test_another_nodes_invalidation_is_told(node: MakeNode, redis_url: str) -> None:
    """A node counts what it was told by others apart from what it did itself."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    other.invalidate("k")
    eventually(lambda: told(one, InvalidationDone))
    one.clear()

    def origins(of: Node) -> list[str]:
        return [event.origin for event in told(of, InvalidationDone)]  # type: ignore[union-attr] # of that kind

    eventually(lambda: origins(one) == ["remote", "local"])
    eventually(lambda: origins(other) == ["local", "remote"])
    assert {("local",): 1, ("remote",): 1} == one.shown("invalidations_total")


def test_all_caches_on_a_node_are_told(node: MakeNode, redis_url: str) -> None:
    """Caches that share a node all hear, and count once; a closed one hears no more."""
    memory = Memory()
    one = node(redis_url, memory=memory).subscribed()
    two, closed = node(redis_url, memory=memory), node(redis_url, memory=memory)
    far = node(redis_url).subscribed()
    closed.close()
    far.invalidate("k")
    eventually(lambda: told(one, InvalidationDone) and told(two, InvalidationDone))

    assert [] == told(closed, InvalidationDone)
    assert 1 == len(told(one, InvalidationDone)) == len(told(two, InvalidationDone))


def test_an_abandoned_load_is_told(node: MakeNode) -> None:
    """A load past its time is told when the next caller finds its key free."""
    policy = Policy(fresh_for=60, ttl=60, wait_for=0.02, abandon_after=0.05)
    one, load = node(None), Load(held=True)
    with pytest.raises(LoadTimeout):
        one.outcome("k", load, policy)
    eventually(lambda: _past(one))
    second = one.begin("k", Load(2), POLICY)

    assert 2 == second.result(15).value
    eventually(lambda: 1 == len(told(one, LoadAbandoned)))
    assert {(): 1} == one.shown("abandoned_loads_total")
    load.release()


def _past(node: Node) -> bool:
    flights = node.cache._state.wiring.ctx.node.flights.flights()
    now = node.cache._state.clock()
    return all(flight.abandon_at <= now for flight in flights)


def test_a_failed_refresh_names_its_error(node: MakeNode) -> None:
    """Nobody is raised a refresh's error, so its event bears the type."""
    policy = Policy(fresh_for=0.01, ttl=3600, retry_after=60)
    one = node(None)
    one.outcome("k", Load(), policy)
    broken = Load(error=ValueError("secret"))
    eventually(lambda: one.outcome("k", broken, policy).tag == "hit-stale")
    eventually(lambda: told(one, RefreshEnded))

    (event,) = told(one, RefreshEnded)
    assert RefreshEnded("node", "failed", "", "ValueError") == event


def test_caches_of_one_name_count_once(redis_url: str, prefix: str) -> None:
    """A sync and an async cache of one name on one memory count one message once."""
    registry, memory = CollectorRegistry(), Memory()
    heard: list[Event] = []
    options: Any = {"name": "shop", "prefix": prefix, "registry": registry}
    one = Cache(upstream=redis_url, downstream=memory, observer=heard.append, **options)
    other = AsyncCache(upstream=redis_url, downstream=memory, **options)
    dropped = Cache(upstream=redis_url, downstream=memory, **options)
    del dropped
    with one.override(upstream=redis_url, downstream=memory):
        station = one._state.wiring.station
        station.ensure_keeper()
        eventually(lambda: station.node.whole)
        with Cache(prefix=prefix, upstream=redis_url) as far:
            far.invalidate("k")
        eventually(lambda: InvalidationDone("shop", "remote") in heard)

    counted = registry.get_sample_value(
        "hybridcache_invalidations_total", {"cache": "shop", "origin": "remote"}
    )
    assert 1 == counted
    one.close()
    asyncio.run(other.close())


def test_an_observer_that_hangs_holds_up_no_keeper(
    node: MakeNode, redis_url: str, prefix: str
) -> None:
    """The keeper runs no user's code: it renews and listens while an observer hangs."""
    held, inside = threading.Event(), threading.Event()

    def observer(event: Event) -> None:
        if event == InvalidationDone("shop", "remote"):
            inside.set()
            held.wait(30)

    slow = Cache(name="shop", prefix=prefix, upstream=redis_url, observer=observer)
    machines = slow._state.wiring.ctx.node
    slow._state.wiring.station.ensure_keeper()
    eventually(lambda: machines.whole)
    other = node(redis_url).subscribed()
    other.invalidate("k")
    assert inside.wait(10)
    epoch = machines.epoch
    # What other nodes say is heard meanwhile, for longer than an echo may be late.
    begun = slow._state.clock()
    eventually(lambda: slow._state.clock() > begun + 2.5, within=10)

    assert (True, epoch) == (machines.whole, machines.epoch)
    held.set()
    slow.close()


def test_closing_inside_an_override_leaves_both_stations(
    redis_url: str, prefix: str
) -> None:
    """A cache that is closed inside an override leaves its own keeper behind, too."""
    cache = Cache(prefix=prefix, upstream=redis_url)
    own = cache._state.wiring.station
    own.ensure_keeper()
    with cache.override(downstream=Memory()):
        cache.close()

    assert own.closed
    assert 0 == own.users


def test_a_redis_that_answers_its_keeper_is_up(
    node: MakeNode, own_redis: RedisServer
) -> None:
    """One request that was lost does not leave an idle process saying that it is down."""
    one = node(own_redis.url, timeout=0.25)
    assert {} == {**one.shown("blind")}
    one.subscribed()
    own_redis.pause()
    one.outcome("k", Load())
    assert {} == one.shown("upstream_up")
    own_redis.resume()

    eventually(lambda: one.shown("upstream_up") == {(): 1}, within=10)


def test_a_refused_lease_is_not_owed(node: MakeNode, own_redis: RedisServer) -> None:
    """Redis that refuses a lease has granted none: there is nothing to give back."""
    one = node(own_redis.url).subscribed()
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory", 1)
        one.outcome("k", Load())

    assert 0 == one.cache._state.wiring.ctx.node.leases.owed
