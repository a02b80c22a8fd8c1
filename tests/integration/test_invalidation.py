"""Invalidations and clears, as the other nodes see them."""

from functools import partial

import redis

from hybridcache import HitFresh, Miss, Tier
from tests.eventually import eventually
from tests.integration.conftest import MakeNode, MakeWorkers
from tests.integration.nodes import POLICY, Load
from tests.integration.worker import jobs


def test_other_nodes_follow(node: MakeNode, redis_url: str) -> None:
    """Other nodes drop an invalidated key from memory within milliseconds."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    took = []
    for number in range(100):
        key = f"k{number}"
        one.outcome(key, Load())
        other.outcome(key, Load())
        assert other.in_memory(key)

        one.invalidate(key)
        took.append(eventually(partial(other.lacks, key), every=0.001))

        assert not one.in_memory(key)
        assert isinstance(other.outcome(key, Load(2)), Miss)
    assert 0.1 > sorted(took)[-2]


def test_other_processes_follow(
    workers: MakeWorkers, redis_url: str, client: "redis.Redis"
) -> None:
    """An invalidation in one process is known in another."""
    one, other = workers(2, redis_url)
    client.rpush("gate:k", "open")
    assert ("miss", 1) == one.run(jobs.look_up, "k", POLICY)
    assert ("hit-fresh redis", 1) == other.run(jobs.look_up, "k", POLICY)
    assert ("hit-fresh memory", 1) == other.run(jobs.look_up, "k", POLICY)

    assert one.run(jobs.invalidate, "k")
    eventually(lambda: other.run(jobs.look_up, "k", POLICY)[1] == 2)
    assert ("hit-fresh redis", 2) == one.run(jobs.look_up, "k", POLICY)

    assert other.run(jobs.clear)
    eventually(lambda: one.run(jobs.look_up, "k", POLICY)[1] == 3)


def test_own_node_at_once(node: MakeNode, redis_url: str) -> None:
    """Once `invalidate` has returned, the same node serves nothing older."""
    one = node(redis_url)
    for number in range(50):
        assert number == one.outcome("k", Load(number)).value
        assert one.invalidate("k").reached_redis


def test_clear(node: MakeNode, redis_url: str, client: "redis.Redis") -> None:
    """`clear` ends every entry, on every node, and deletes nothing one by one."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    keys = [f"k{number}" for number in range(20)]
    for key in keys:
        one.outcome(key, Load(1))
        other.outcome(key, Load(1))
    before = client.dbsize()

    assert one.clear().reached_redis
    eventually(lambda: not any(other.in_memory(key) for key in keys))

    assert before == client.dbsize()
    for key in keys:
        first = other.outcome(key, Load(2))
        second = one.outcome(key, Load(3))
        assert isinstance(first, Miss)
        assert 2 == first.value
        assert isinstance(second, HitFresh)
        assert (2, Tier.REDIS) == (second.value, second.tier)


def test_clear_in_flight(node: MakeNode, redis_url: str) -> None:
    """A load that `clear` passed serves its waiters; nobody else is served by it."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    load = Load(1, held=True)
    running = one.begin("k", load)
    load.begun()

    nodes = [each.cache._state.wiring.ctx.node for each in (one, other)]
    before = nodes[0].marker
    other.clear()
    eventually(
        lambda: (
            nodes[0].marker == nodes[1].marker and nodes[0].marker not in {None, before}
        )
    )
    load.release()

    assert 1 == running.result(10).value
    assert not one.in_memory("k")
    for reader in (one, other):
        assert 2 == reader.outcome("k", Load(2)).value


def test_node_made_after_a_clear(node: MakeNode, redis_url: str) -> None:
    """A node that starts later does not resurrect what was cleared."""
    one = node(redis_url).subscribed()
    one.outcome("k", Load(1))
    one.clear()

    assert 2 == node(redis_url).outcome("k", Load(2)).value


def test_marker_lost(node: MakeNode, redis_url: str, client: "redis.Redis") -> None:
    """A marker that Redis lost invalidates and never resurrects."""
    one = node(redis_url).subscribed()
    one.outcome("k", Load(1))
    client.delete(one.cache._state.wiring.ctx.node.channel.marker)  # type: ignore[union-attr]  # it has Redis

    other = node(redis_url).subscribed()

    assert 2 == other.outcome("k", Load(2)).value


def test_two_prefixes(node: MakeNode, redis_url: str, prefix: str) -> None:
    """Prefixes never see each other, even if one begins with the other."""
    short = node(redis_url, prefix=prefix).subscribed()
    long = node(redis_url, prefix=f"{prefix}k:").subscribed()
    bare = node(redis_url, prefix=prefix.removesuffix(":")).subscribed()
    nodes = (short, long, bare)
    keys = ["k", "k:k", ":k", "{}", "}", "x:lease", "%7B"]
    for number, one in enumerate(nodes):
        for key in keys:
            made = one.outcome(key, Load(number))
            assert isinstance(made, Miss)

    short.invalidate("k")
    long.clear()

    for key in keys:
        assert 2 == bare.outcome(key, Load(9)).value
        assert 9 == long.outcome(key, Load(9)).value
        assert (9 if key == "k" else 0) == short.outcome(key, Load(9)).value


def test_two_prefixes_on_one_memory(
    node: MakeNode, redis_url: str, prefix: str
) -> None:
    """Nor do they on one memory, in flight or after a clear."""
    shared = node(redis_url, prefix=prefix)
    memory = shared.cache._state.wiring.station.node.tier
    assert memory is not None
    other = node(redis_url, prefix=f"{prefix}k:")
    held, free = Load(1, held=True), Load(2)
    running = shared.begin("k", held)
    held.begun()

    assert isinstance(other.outcome("k", free), Miss)
    other.clear()
    held.release()

    outcome = running.result(10)
    assert isinstance(outcome, Miss)
    assert {Tier.MEMORY, Tier.REDIS} == outcome.stored
    assert isinstance(shared.outcome("k", free), HitFresh)
