"""A Redis Cluster of three primaries: keys on all of them, a slot that moves."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest
import redis
from redis.crc import key_slot

from hybridcache import AsyncCache, Cache, HitFresh, Memory, Miss, Policy, Tier
from hybridcache.cli import main
from hybridcache.core.keys import redis_name
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=600, wait_for=5)
SLOTS = 16384


def _is_formed(server: RedisServer) -> bool:
    with server.client() as client:
        info = client.execute_command("CLUSTER INFO")
    return (info["cluster_state"], info["cluster_known_nodes"]) == ("ok", "3")


@pytest.fixture(name="cluster", scope="module")
def _cluster() -> Iterator[list[RedisServer]]:
    """Three primaries that share the slots."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(RedisServer("--cluster-enabled", "yes"))
            for _ in range(3)
        ]
        for number, server in enumerate(servers):
            first, end = number * SLOTS // 3, (number + 1) * SLOTS // 3
            with server.client() as client:
                client.execute_command("CLUSTER ADDSLOTS", *range(first, end))
                for other in servers[:number]:
                    client.execute_command("CLUSTER MEET", "127.0.0.1", other.port)
        eventually(lambda: all(_is_formed(server) for server in servers), within=30)
        yield servers


@pytest.fixture(name="client")
def _client(cluster: list[RedisServer]) -> Iterator[redis.RedisCluster]:
    """The client that a user would hand over."""
    client = redis.RedisCluster(host="127.0.0.1", port=cluster[0].port)
    yield client
    client.close()


def test_keys_live_on_every_primary(
    client: redis.RedisCluster, cluster: list[RedisServer], prefix: str
) -> None:
    """Keys of every slot are stored, found by another node, and invalidated."""
    keys = [f"key:{number}" for number in range(60)]
    with (
        Cache(prefix=prefix, upstream=client, downstream=Memory()) as one,
        Cache(prefix=prefix, upstream=client) as other,
    ):
        for key in keys:
            assert "miss" == one.outcome(key, lambda: "value", POLICY).tag

        found = [other.outcome(key, lambda: "another", POLICY) for key in keys]

        assert {"value"} == {outcome.value for outcome in found}
        assert {"hit-fresh"} == {outcome.tag for outcome in found}
        counts = []
        for server in cluster:
            with server.client() as direct:
                counts.append(len(direct.keys(f"{prefix}{{key:*")))
        assert len(keys) == sum(counts)
        assert min(counts) > 0
        for key in keys:
            assert other.invalidate(key).reached_redis
        eventually(
            lambda: all(one.peek(key, lambda: "", POLICY).tag == "miss" for key in keys)
        )
        assert one.clear().reached_redis


def test_asyncio_reaches_every_primary(client: redis.RedisCluster, prefix: str) -> None:
    """The asyncio colour follows the slots too."""

    async def main() -> Sequence[str]:
        async with AsyncCache(prefix=prefix, upstream=client) as cache:
            first = [
                (await cache.outcome(f"k{n}", lambda: "v", POLICY)).tag
                for n in range(20)
            ]
            second = [
                (await cache.outcome(f"k{n}", lambda: "v", POLICY)).tag
                for n in range(20)
            ]
            return first + second

    assert ["miss"] * 20 + ["hit-fresh"] * 20 == asyncio.run(main())


def test_the_command_finds_the_key_from_any_node(
    client: redis.RedisCluster,
    cluster: list[RedisServer],
    prefix: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`hybridcache explain` is given the URL of any node, and asks who has the key."""
    with Cache(prefix=prefix, upstream=client) as cache:
        cache.get_or_load("k", lambda: "value", POLICY)
        told = cache.explain("k")
    codes = [
        main(["explain", server.url, "k", "--prefix", prefix]) for server in cluster
    ]
    out, err = capsys.readouterr()

    assert ("serve", "redis") == (told.lookup.action, told.lookup.tier)
    assert ([0, 0, 0], "") == (codes, err)
    assert 3 == out.count("serves what Redis holds")


def test_a_slot_that_moves_is_followed(
    client: redis.RedisCluster, cluster: list[RedisServer], prefix: str
) -> None:
    """While a slot moves lookups do without it; once it has moved they follow."""
    key = "moving"
    slot = key_slot(redis_name(prefix, key).encode())
    source = slot * 3 // SLOTS
    if slot >= (source + 1) * SLOTS // 3:
        source += 1
    target = (source + 1) % 3
    with ExitStack() as stack:
        cache = stack.enter_context(Cache(prefix=prefix, upstream=client))
        give = stack.enter_context(cluster[source].client())
        take = stack.enter_context(cluster[target].client())
        ids = [server.execute_command("CLUSTER MYID") for server in (give, take)]
        source_id, target_id = [
            one.decode() if isinstance(one, bytes) else one for one in ids
        ]
        take.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", source_id)
        give.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", target_id)

        during = cache.outcome(key, lambda: "value", POLICY)
        for server in (take, give):
            server.execute_command("CLUSTER SETSLOT", slot, "NODE", target_id)
        after = cache.outcome(key, lambda: "value", POLICY)
        again = cache.outcome(key, lambda: "other", POLICY)

        # Redis runs no script on a slot that moves: nothing could be stored there.
        assert isinstance(during, Miss)
        assert frozenset() == during.stored
        assert isinstance(after, Miss)
        assert frozenset({Tier.REDIS}) == after.stored
        assert isinstance(again, HitFresh)
        assert "value" == again.value
