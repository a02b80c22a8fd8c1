"""A stale key is refreshed once in the whole cluster."""

import redis

from hybridcache import HitFresh, HitStale, Miss, Policy, Refresh, RefreshEnded, Tier
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import Load, Node

STALE = Policy(fresh_for=0, ttl=3600, wait_for=10, retry_after=60)
"""Whatever is stored is stale at once."""


def refreshes(node: Node) -> list[str]:
    """Say how the refreshes of *node* ended."""
    return [one.result for one in node.events if isinstance(one, RefreshEnded)]


def test_one_refresh_for_the_cluster(node: MakeNode, redis_url: str) -> None:
    """Many stale hits on two nodes start one load."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    one.outcome("k", Load(1), STALE)
    other.outcome("k", Load(1), STALE)
    eventually(lambda: len(refreshes(other)) == 1)
    one.invalidate("k")
    eventually(lambda: not other.in_memory("k"))
    one.outcome("k", Load(1), STALE)
    load = Load(2, held=True)

    first = one.outcome("k", load, STALE)
    load.begun()
    rest = [reader.outcome("k", load, STALE) for reader in (other, one) * 10]

    assert isinstance(first, HitStale)
    assert (1, Refresh.STARTED) == (first.value, first.refresh)
    for outcome in rest:
        assert isinstance(outcome, HitStale)
        assert 1 == outcome.value
    assert 1 == load.calls
    load.release()
    eventually(lambda: refreshes(one)[-1:] == ["loaded"])


def test_adopts_what_another_refreshed(node: MakeNode, redis_url: str) -> None:
    """A refresh that finds a fresh entry in Redis takes it and loads nothing."""
    brief = Policy(fresh_for=0.2, ttl=3600, wait_for=10)
    long = brief.evolve(fresh_for=60)
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    one.outcome("k", Load(1), brief)
    other.outcome("k", Load(1), brief)

    one.refresh("k", Load(2), long)
    unwanted = Load(3)
    eventually(lambda: other.outcome("k", unwanted, brief).value == 2)

    assert 0 == unwanted.calls
    assert refreshes(other)[-1:] == ["adopted"]
    found = other.outcome("k", unwanted, brief)
    assert isinstance(found, HitFresh)
    assert Tier.MEMORY is found.tier


def test_a_refresh_outlives_who_was_at_it(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """Who waited for a load that died loads, and is not given what was there before."""
    policy = Policy(fresh_for=60, ttl=3600, wait_for=10)
    one = node(redis_url).subscribed()
    one.outcome("k", Load(1), policy)
    client.set(one.names("k").lease, b"of a dead holder", px=300)

    outcome = one.refresh("k", Load(2), policy)

    assert isinstance(outcome, Miss)
    assert (2, frozenset({Tier.REDIS, Tier.MEMORY})) == (outcome.value, outcome.stored)
    assert 2 == one.outcome("k", Load(3), policy).value


def test_held_off_in_the_cluster(node: MakeNode, redis_url: str) -> None:
    """After a failed refresh no node starts another within `retry_after`."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    one.outcome("k", Load(1), STALE)
    failing = Load(error=OSError("disk"))

    one.outcome("k", failing, STALE)
    eventually(lambda: refreshes(one) == ["failed"])
    other.outcome("k", failing, STALE)
    eventually(lambda: refreshes(other) == ["elsewhere"])
    outcomes = [reader.outcome("k", failing, STALE) for reader in (one, other) * 5]

    assert 1 == failing.calls
    for outcome in outcomes:
        assert isinstance(outcome, HitStale)
        assert (1, Refresh.HELD_OFF) == (outcome.value, outcome.refresh)


def test_tried_again(node: MakeNode, redis_url: str) -> None:
    """Once `retry_after` is over a refresh is tried again, and the value renewed."""
    policy = STALE.evolve(retry_after=0.3)
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    one.outcome("k", Load(1), policy)
    failing = Load(error=OSError("disk"))
    one.outcome("k", failing, policy)
    eventually(lambda: refreshes(one) == ["failed"])

    eventually(lambda: other.outcome("k", Load(2), policy).value == 2)

    assert 1 == failing.calls


def test_forced(node: MakeNode, redis_url: str) -> None:
    """`refresh` loads though the entry is fresh; the others see the new value."""
    policy = Policy(fresh_for=60, ttl=3600)
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    one.outcome("k", Load(1), policy)

    assert "miss" == one.refresh("k", Load(2), policy).tag
    assert 2 == one.outcome("k", Load(3), policy).value
    assert 2 == other.outcome("k", Load(3), policy).value
