"""What happens to a node is told to each of its caches, as an event."""

import logging

import pytest
import redis

from hybridcache import (
    BlindnessChanged,
    BreakerMoved,
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

    assert [True, False] == [event.open for event in told(one, BreakerMoved)]  # type: ignore[union-attr] # of that kind
    blind = [event.blind for event in told(one, BlindnessChanged)]  # type: ignore[union-attr] # of that kind
    assert [False, True, False] == blind
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


def test_all_caches_on_a_node_are_told(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """Two caches that share a node hear the same; a closed one hears no more."""
    memory = Memory()
    one = node(redis_url, memory=memory).subscribed()
    two = node(redis_url, memory=memory)
    three = node(redis_url).subscribed()
    two.close()
    before = len(two.events)
    three.invalidate("k")
    eventually(lambda: told(one, InvalidationDone))

    assert before == len(two.events)
    assert 1 <= len(client.pubsub_channels())


def test_an_abandoned_load_is_told(node: MakeNode) -> None:
    """A load past its time is told when the next caller finds its key free."""
    policy = Policy(fresh_for=60, ttl=60, wait_for=0.02, abandon_after=0.05)
    one, load = node(None), Load(held=True)
    with pytest.raises(LoadTimeout):
        one.outcome("k", load, policy)
    eventually(lambda: _past(one))
    second = one.begin("k", Load(2), POLICY)

    assert 2 == second.result(15).value
    assert 1 == len(told(one, LoadAbandoned))
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
