"""Bugs that a review found, each as the fact that it broke; on a real Redis."""

import asyncio
import contextlib
import gc
import threading
from collections.abc import Coroutine

import redis

from hybridcache import AsyncCache, Cache, Memory, Miss
from hybridcache.adapters.upstream.awaiting import AwaitingUpstream
from hybridcache.adapters.upstream.blocking import BlockingUpstream
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import POLICY, Load, LoopThread, Node, in_thread


def test_lost_connections_are_not_counted_up(
    redis_url: str, prefix: str, client: "redis.Redis"
) -> None:
    """A sync tier serves after hundreds of connections were made and lost."""
    with Cache(prefix=prefix, upstream=redis_url, downstream=Memory()) as cache:
        link = cache._state.wiring.station.link
        assert link is not None
        assert isinstance(link.blocking, BlockingUpstream)
        before = client.info("stats")["total_connections_received"]
        for number in range(250):
            assert isinstance(cache.outcome(f"k{number}", Load(), POLICY), Miss)
            link.blocking.close()
        made = client.info("stats")["total_connections_received"] - before
    assert 250 <= made


def test_a_reopened_cache_trusts_nothing_from_before(
    node: MakeNode, redis_url: str
) -> None:
    """What another node invalidated while the cache was closed is not served."""
    memory = Memory()
    first, other = node(redis_url, memory=memory).subscribed(), node(redis_url)
    assert 1 == first.outcome("k", Load(1)).value
    assert first.in_memory("k")
    first.close()
    assert other.invalidate("k").reached_redis
    assert 2 == other.outcome("k", Load(2)).value

    again = node(redis_url, memory=memory).subscribed()

    assert 2 == again.outcome("k", Load(3)).value


def test_an_invalidation_that_did_not_reach_redis(
    node: MakeNode, own_redis: RedisServer
) -> None:
    """The load in flight stores nothing, so that a later lookup loads anew."""
    one = node(own_redis.url, timeout=0.2).subscribed()
    old, new = Load(1, held=True), Load(2)
    call = one.begin("k", old)
    old.begun()
    own_redis.pause()
    try:
        assert not one.invalidate("k").reached_redis
    finally:
        own_redis.resume()
    old.release()

    assert 1 == call.result(10).value
    assert 2 == one.outcome("k", new).value
    assert 1 == new.calls
    with own_redis.client() as client:
        held = client.get(one.names("k").entry)
    # Another node is not served the old value either.
    assert held is None or 1 != node(own_redis.url).outcome("k", Load(3)).value


def test_a_cancelled_invalidate_is_carried_out(
    own_redis: RedisServer, prefix: str, loop: LoopThread
) -> None:
    """Cancelled while Redis is slow, an async invalidate still deletes the entry."""
    node = Node("async", own_redis.url, prefix, loop, timeout=10).subscribed()
    assert isinstance(node.cache, AsyncCache)
    node.outcome("k", Load())
    with own_redis.client() as client:
        assert client.exists(node.names("k").entry)
        own_redis.pause()
        try:
            loop.run(_cancelled(node.cache.invalidate("k")))
        finally:
            own_redis.resume()

        eventually(lambda: not client.exists(node.names("k").entry))
    # Here it is dropped once the reply has come, with no caller left to see it.
    eventually(lambda: node.lacks("k"))
    node.close()


async def _cancelled(call: Coroutine[object, None, object]) -> None:
    """Begin *call* and cancel it where it first waits."""
    task = asyncio.create_task(call)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def test_clears_at_the_same_moment_agree(
    node: MakeNode, redis_url: str, prefix: str, client: "redis.Redis"
) -> None:
    """Two nodes that clear at once, again and again, end with Redis's marker."""
    nodes = [node(redis_url).subscribed(), node(redis_url).subscribed()]
    machines = [one.cache._state.wiring.ctx.node for one in nodes]

    def agree() -> bool:
        stored = client.get(f"{prefix}{{}}:marker")
        return stored is not None and all(one.marker == stored for one in machines)

    for _ in range(60):
        for call in [in_thread(one.clear) for one in nodes]:
            assert call.result(10).reached_redis
        eventually(agree, every=0.001)


def test_garbage_for_a_failure_is_none(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """A held failure that cannot be read holds nobody: the lookup is a Miss."""
    one = node(redis_url)
    client.set(one.names("k").failure, b"garbage")

    assert isinstance(one.outcome("k", Load()), Miss)


def test_a_cancelled_close_ends_the_keeper(redis_url: str, prefix: str) -> None:
    """Cancelled while it waits for a load, close() still ends the keeper's thread."""
    before = set(threading.enumerate())

    def keepers() -> list[threading.Thread]:
        news = set(threading.enumerate()) - before
        return [each for each in news if "keeper" in each.name]

    async def cancel_close() -> None:
        cache = AsyncCache(prefix=prefix, upstream=redis_url, downstream=Memory())
        begun, gate = asyncio.Event(), asyncio.Event()

        async def load() -> int:
            begun.set()
            await gate.wait()
            return 1

        call = asyncio.create_task(cache.outcome("k", load, POLICY))
        await begun.wait()
        assert keepers()
        await _cancelled(cache.close(10.0))
        gate.set()
        await asyncio.wait([call], timeout=10)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    asyncio.run(cancel_close())

    eventually(lambda: not keepers())


def test_dead_loops_are_let_go(redis_url: str, prefix: str) -> None:
    """One cache in many asyncio.run calls keeps the connections of the last loops."""
    cache = AsyncCache(prefix=prefix, upstream=redis_url, downstream=Memory())
    link = cache._state.wiring.station.link
    assert link is not None
    assert isinstance(link.awaiting, AwaitingUpstream)
    for number in range(20):
        asyncio.run(_look_up(cache, number))

    assert 2 >= len(link.awaiting._lines)
    gc.collect()
    assert 2 >= len(cache._state.tasks._tasks)
    asyncio.run(cache.close())


async def _look_up(cache: AsyncCache, number: int) -> None:
    assert isinstance(await cache.outcome(f"k{number}", Load(), POLICY), Miss)
