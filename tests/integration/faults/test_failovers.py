"""A primary dies and a replica takes over: under sentinels, and in a cluster."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from hybridcache import AsyncCache, Cache, Memory, Redis
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.faults.crowd import Crowd
from tests.integration.faults.fleets import (
    SERVICE,
    Cluster,
    asked,
    client_of,
    cluster_of_three,
    command,
    follow,
    sentinels_of,
)
from tests.integration.faults.timing import MARGIN, Waits
from tests.integration.nodes import POLICY, Colour, LoopThread, Node

TIMEOUT = 0.25


class Handed(Node):
    """A node whose upstream is a client that a user handed over."""

    def __init__(
        self,
        colour: Colour,
        client: object,
        prefix: str,
        loop: LoopThread,
        timeout: float = TIMEOUT,
    ) -> None:
        super().__init__(colour, None, prefix, loop)
        kind = Cache if colour == "sync" else AsyncCache
        self.cache = kind(
            prefix=prefix,
            upstream=Redis(client, timeout=timeout),
            downstream=Memory(),
            observer=self.events.append,
        )


def test_sentinel_failover(
    colour: Colour, prefix: str, loop: LoopThread, waits: Waits
) -> None:
    """With kill -9 of the primary: a timeout a caller, and the new one within a second."""
    with RedisServer() as primary, RedisServer() as replica:
        follow(replica, primary)
        with sentinels_of(primary) as ports:
            one = Handed(colour, client_of(ports), prefix, loop)
            one.subscribed()
            with Crowd(one, waits=waits, pause=0.005) as crowd:
                assert 1.0 + MARGIN > crowd.served_by_redis()
                primary.kill()
                eventually(lambda: _primary_of(ports[0]) == replica.port, within=30)
                assert 1.0 + 2 * MARGIN > crowd.served_by_redis()
                tags = crowd.stopped()
            eventually(lambda: one.whole)
            one.close()

    assert tags["upstream-down"] > 0
    assert tags["miss"] > 0
    # A miss may meet the failure in each of its three requests.
    waits.within(3 * TIMEOUT)


def _primary_of(sentinel: int) -> int:
    said: Any = asked(
        sentinel, lambda one: one.sentinel_get_master_addr_by_name(SERVICE)
    )
    return 0 if said is None else int(said[1])


def test_sentinels_serve_one_event_loop_after_another(
    prefix: str, loop: LoopThread
) -> None:
    """A cache of many `asyncio.run` asks the sentinels in each, and leaves nothing."""
    with RedisServer() as primary, RedisServer() as replica:
        follow(replica, primary)
        with sentinels_of(primary) as ports:
            one = Handed("async", client_of(ports), prefix, loop, timeout=5)
            assert isinstance(one.cache, AsyncCache)
            tags = [
                asyncio.run(_look_up(one.cache, f"k{number}")) for number in range(3)
            ]
            one.close()

    assert ["miss"] * 3 == tags


async def _look_up(cache: AsyncCache, key: str) -> str:
    return (await cache.outcome(key, lambda: 1, POLICY)).tag


@pytest.fixture(name="cluster", scope="module")
def _cluster() -> Iterator[Cluster]:
    """Three primaries and a replica; both colours' tests kill the first in turn."""
    with cluster_of_three() as cluster:
        yield cluster


def test_cluster_resharded_under_load(
    cluster: Cluster, colour: Colour, prefix: str, loop: LoopThread, waits: Waits
) -> None:
    """A hundred slots move with their keys: no error, and no outage."""
    with cluster.client() as client:
        one = Handed(colour, client, prefix, loop, timeout=2).subscribed()
    source, target = cluster.primaries[1:]
    first = cluster.first_slot(1) + (0 if colour == "sync" else 200)
    with Crowd(one, waits=waits) as crowd:
        for slot in range(first, first + 100):
            cluster.move(slot, source, target)
        crowd.more(50)
        tags = crowd.stopped()
    one.close()

    assert set() == crowd.causes()
    assert {"miss", "hit-fresh"} == set(tags)
    waits.within(3 * TIMEOUT)


def test_cluster_failover_under_load(
    cluster: Cluster, colour: Colour, prefix: str, loop: LoopThread, waits: Waits
) -> None:
    """With kill -9 of a primary its replica takes over, and is used in a second."""
    old, new = cluster.primaries[0], cluster.replica
    if cluster.is_primary(new):
        old, new = new, old
    with cluster.client() as client:
        one = Handed(colour, client, prefix, loop).subscribed()
    try:
        with Crowd(one, waits=waits, pause=0.005) as crowd, new.client() as direct:
            old.kill()
            eventually(lambda: _serves(direct), within=30)
            took = eventually(lambda: direct.keys(f"{prefix}{{crowd*"), within=20)
            crowd.stopped()
        assert 1.0 + 2 * MARGIN > took
        eventually(lambda: one.whole)
    finally:
        one.close()
        old.start()
        follow_in_cluster(old)
    waits.within(3 * TIMEOUT)


def _serves(client: "redis.Redis") -> bool:
    """Whether the server is a primary of a cluster that serves."""
    role = client.info("replication")["role"]
    state = command(client, "CLUSTER INFO")["cluster_state"]
    return bool(role == "master" and state == "ok")


def follow_in_cluster(server: RedisServer) -> None:
    """Wait until a server that was restarted has become a replica again."""
    with server.client() as client:
        eventually(
            lambda: client.info("replication").get("master_link_status") == "up",
            within=30,
        )
