"""What a registry shows of lookups that need Redis, to the last count."""

import redis
from prometheus_client import CollectorRegistry

from hybridcache import (
    Cache,
    Event,
    LookedUp,
    Memory,
    Observer,
    Policy,
    UpstreamAsked,
)
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import POLICY, Load, Node, awaited
from tests.scraped import Shown, lookups, scraped


def _timed(node: Node, histogram: str) -> Shown:
    """Return the counts of a histogram; the buckets and the sum must agree."""
    counts = node.shown(f"{histogram}_count")
    buckets = node.shown(f"{histogram}_bucket")
    infinite = {
        labels[1:]: value for labels, value in buckets.items() if labels[0] == "+Inf"
    }
    assert counts == infinite
    assert counts.keys() >= node.shown(f"{histogram}_sum").keys()
    return counts


def test_a_value_of_another_node_is_measured(node: MakeNode, redis_url: str) -> None:
    """A load is timed where it ran; a hit in Redis has seconds and an age."""
    one, other = (node(redis_url).subscribed() for _ in range(2))
    load = Load(7)
    for _ in range(3):
        one.outcome("k", load)
    for _ in range(2):
        other.outcome("k", load)

    assert {("", "miss", "loader"): 1, ("", "hit-fresh", "memory"): 2} == one.shown(
        "lookups_total"
    )
    asked = {("read", "ok"): 1, ("acquire", "ok"): 1, ("write", "ok"): 1}
    assert asked == _timed(one, "upstream_seconds")
    assert {("stored",): 1} == _timed(one, "load_seconds")
    assert {("miss",): 1} == _timed(one, "lookup_seconds")
    stored = {("stored", "redis"): 1, ("stored", "memory"): 1}
    assert stored == one.shown("stores_total")
    assert {} == _timed(one, "served_age_seconds")

    served = {("", "hit-fresh", "redis"): 1, ("", "hit-fresh", "memory"): 1}
    assert served == other.shown("lookups_total")
    assert {("read", "ok"): 1} == _timed(other, "upstream_seconds")
    assert {} == _timed(other, "load_seconds")
    assert {("hit-fresh",): 1} == _timed(other, "lookup_seconds")
    assert {("hit-fresh",): 1} == _timed(other, "served_age_seconds")
    assert {} == other.shown("stores_total")


def test_a_wait_for_another_node_has_its_scope(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """Who waits for another process's load counts once, as cluster."""
    one, other = (node(redis_url).subscribed() for _ in range(2))
    load = Load(7, held=True)
    ours = one.begin("k", load)
    load.begun()
    theirs = other.begin("k", load)
    eventually(lambda: awaited(client, one.names("k")))
    load.release()
    ours.result(10)
    theirs.result(10)

    assert {("cluster",): 1} == _timed(other, "wait_seconds")
    assert {("suppressed",): 1} == _timed(other, "lookup_seconds")
    assert {("", "suppressed", "redis"): 1} == other.shown("lookups_total")
    assert {} == _timed(one, "wait_seconds")


def test_foreign_bytes_and_invalidations_are_counted(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """An entry that is none counts by its reason, an invalidation by its origin."""
    one = node(redis_url).subscribed()
    client.set(one.names("k").entry, b"short")
    one.outcome("k", Load())
    one.invalidate("k")
    one.clear()

    assert {("truncated",): 1} == one.shown("undecodable_total")
    assert {("local",): 2} == one.shown("invalidations_total")
    assert {("explicit",): 1} == one.shown("evictions_total")


def test_a_refresh_that_finds_the_work_done_is_adopted(
    node: MakeNode, redis_url: str
) -> None:
    """A stale hit has an age; its refresh takes over what another node has made."""
    stale = Policy(fresh_for=0.001, ttl=3600)
    one, other = (node(redis_url).subscribed() for _ in range(2))
    one.outcome("k", Load(1), stale)
    eventually(lambda: _peeked(one) == "hit-stale")
    other.refresh("k", Load(2), POLICY)
    one.outcome("k", Load(3), stale)
    eventually(lambda: one.shown("refreshes_total"))

    assert {("adopted",): 1} == one.shown("refreshes_total")
    assert {("hit-stale",): 1} == _timed(one, "served_age_seconds")
    assert {("miss",): 1} == _timed(one, "lookup_seconds")
    assert 2 == lookups(one.registry, "node")


def _peeked(node: Node) -> str:
    return node.peek("k", Load(), Policy(fresh_for=0.001, ttl=3600)).tag


def test_the_gauges_tell_of_an_outage(node: MakeNode, own_redis: RedisServer) -> None:
    """Breaker, subscription and backlog show that Redis is gone, and that it is back."""
    one = node(own_redis.url, timeout=0.25).subscribed()
    policy = Policy(fresh_for=60, ttl=3600, wait_for=5)
    one.outcome("k", Load(), policy)
    assert {("closed",): 1} == one.shown("breaker_state")
    assert {(): 1} == one.shown("upstream_up")
    assert {} == one.shown("blind")
    assert {(): 1} == one.shown("memory_entries")

    load = Load(held=True)
    held = one.begin("held", load, policy)
    load.begun()
    own_redis.kill()
    load.release()
    held.result(10)
    # Its write was never answered, so the lease may still be there.
    assert {(): 1} == one.shown("recovery_backlog")
    for number in range(4):
        one.outcome(f"down {number}", Load(), policy)
    eventually(lambda: one.shown("breaker_state").keys() <= {("open",), ("half_open",)})
    eventually(lambda: one.shown("blind"))

    assert {} == one.shown("upstream_up")
    down = {
        labels: value
        for labels, value in _timed(one, "upstream_seconds").items()
        if labels[1] == "down"
    }
    assert 3 == sum(down.values())
    lost = {(result, tier) for result, tier in one.shown("stores_total")}
    assert {("down", "redis"), ("stored", "redis"), ("stored", "memory")} == lost

    own_redis.restart()
    eventually(lambda: one.shown("breaker_state") == {("closed",): 1}, within=10)
    eventually(lambda: not one.shown("blind"), within=10)
    eventually(lambda: not one.shown("recovery_backlog"), within=10)
    assert {(): 1} == one.shown("upstream_up")


def test_a_cache_without_memory_has_no_gauges_of_it(
    node: MakeNode, redis_url: str
) -> None:
    """What is not there is not shown as empty."""
    one = node(redis_url)
    with Cache(name="bare", upstream=redis_url, registry=one.registry):
        gauges = {
            metric.name
            for metric in one.registry.collect()
            if metric.type == "gauge"
            and any(sample.labels["cache"] == "bare" for sample in metric.samples)
        }

    assert {
        "hybridcache_flights",
        "hybridcache_breaker_state",
        "hybridcache_blind",
        "hybridcache_recovery_backlog",
        "hybridcache_upstream_up",
    } == gauges


def test_two_caches_of_one_name_share_their_metrics(
    redis_url: str, prefix: str, node: MakeNode
) -> None:
    """Counts of two caches of one name add up, and so do their entries."""
    one = node(redis_url)
    registry = one.registry

    def make(prefix: str) -> Cache:
        return Cache(
            name="twin",
            prefix=prefix,
            upstream=redis_url,
            downstream=Memory(),
            registry=registry,
        )

    with make(f"{prefix}a:") as first, make(f"{prefix}b:") as second:
        for cache in (first, first, second):
            cache.get_or_load("k", Load(), POLICY)

        assert 3 == lookups(registry, "twin")
        entries = registry.get_sample_value(
            "hybridcache_memory_entries", {"cache": "twin"}
        )
        assert 2 == entries


def test_an_observer_changes_no_count(redis_url: str, prefix: str) -> None:
    """Requests, lookups and ages are measured the same whether somebody listens."""
    events: list[Event] = []
    counts = [
        _script(redis_url, f"{prefix}{number}:", observer)
        for number, observer in enumerate((None, events.append))
    ]

    assert counts[0] == counts[1]
    assert 3 == counts[0]["hybridcache_lookup_seconds_count", ("hit-fresh",)]
    assert 1 == counts[0]["hybridcache_served_age_seconds_count", ("hit-stale",)]
    assert {LookedUp, UpstreamAsked} < {type(event) for event in events}


def _script(
    url: str, prefix: str, observer: Observer | None
) -> dict[tuple[str, tuple[str, ...]], float]:
    registry = CollectorRegistry()
    with Cache(
        name="told", prefix=prefix, upstream=url, observer=observer, registry=registry
    ) as cache:
        for _ in range(4):
            cache.get_or_load("k", Load(), POLICY)
        stale = Policy(fresh_for=0.001, ttl=3600)
        cache.get_or_load("s", Load(), stale)
        eventually(lambda: cache.peek("s", Load(), stale).tag == "hit-stale")
        cache.get_or_load("s", Load(), stale)
        eventually(lambda: scraped(registry, "hybridcache_refreshes_total", "told"))
        cache.invalidate("k")
    names = [
        *("lookups_total", "lookup_seconds_count", "served_age_seconds_count"),
        *("load_seconds_count", "stores_total", "invalidations_total"),
    ]
    return {
        (f"hybridcache_{name}", labels): value
        for name in names
        for labels, value in scraped(registry, f"hybridcache_{name}", "told").items()
    }
