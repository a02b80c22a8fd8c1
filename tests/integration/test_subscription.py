"""A subscription that is cut, and what memory does meanwhile."""

from functools import partial

import redis

from hybridcache import HitFresh, Miss, Tier, UpstreamAsked
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import Load


def test_cut(node: MakeNode, redis_url: str, client: "redis.Redis") -> None:
    """Cut off, a node checks its memory with Redis before use, then trusts it again."""
    one = node(redis_url).subscribed()
    one.outcome("k", Load(1))
    epoch = one.epoch

    client.client_kill_filter(_type="pubsub")
    eventually(lambda: one.epoch > epoch)
    one.events.clear()
    first = one.outcome("k", Load(2))
    checks = [event for event in one.events if isinstance(event, UpstreamAsked)]

    assert isinstance(first, HitFresh)
    assert (1, Tier.MEMORY) == (first.value, first.tier)
    assert ["read"] == [event.operation for event in checks]
    eventually(lambda: one.whole)
    one.outcome("k", Load(2))
    one.events.clear()
    assert isinstance(one.outcome("k", Load(2)), HitFresh)
    assert [] == [event for event in one.events if isinstance(event, UpstreamAsked)]


def test_what_was_missed_while_cut(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """An invalidation that passes while a node is cut off is not missed."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    for number in range(10):
        one.outcome("k", Load(number))
        assert number == other.outcome("k", Load(-1)).value
        epoch = other.epoch

        client.client_kill_filter(_type="pubsub")
        one.invalidate("k")
        eventually(partial(other.past, epoch))

        assert isinstance(other.outcome("k", Load(number + 100)), Miss)
        other.invalidate("k")
        eventually(lambda: one.whole and other.whole)
        eventually(lambda: not one.in_memory("k") and not other.in_memory("k"))


def test_clear_missed_while_cut(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """Nor is a clear."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    one.outcome("k", Load(1))
    other.outcome("k", Load(1))
    epoch = other.epoch

    client.client_kill_filter(_type="pubsub")
    one.clear()
    eventually(lambda: other.epoch > epoch)

    assert 2 == other.outcome("k", Load(2)).value


def test_waiters_do_not_need_it(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """A lost wake-up call costs a waiter the rest of the lease at most, and no load."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    load = Load(1, held=True)
    ours = one.begin("k", load)
    load.begun()
    theirs = other.begin("k", load)
    other.joined("k", 1)

    client.client_kill_filter(_type="pubsub")
    load.release()

    assert 1 == ours.result(10).value
    assert 1 == theirs.result(10).value
    assert 1 == load.calls
