"""Callers of one key at the same moment ask Redis together, and no longer than right."""

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import CancelledError

import pytest

from hybridcache import HitFresh, Memory, Miss, Suppressed, Tier
from hybridcache.engine.events import UpstreamAsked
from hybridcache.engine.readings import Answer, Reading
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import Load, LoopThread, Node, in_thread


def reads(node: Node) -> int:
    """Count the reads of Redis that this node made."""
    return sum(
        isinstance(event, UpstreamAsked) and event.operation == "read"
        for event in node.events
    )


def reading(node: Node) -> Reading[Answer] | None:
    """Return the read of `k` that is under way."""
    readings = node.cache._state.wiring.ctx.node.readings._readings
    return next(iter(readings.get("k", ())), None)


def wait_for_readers(node: Node, followers: int) -> None:
    """Wait until a read of `k` is under way and so many wait for what it learns."""

    def ready() -> bool:
        read = reading(node)
        if read is None or read.latch is None:
            return read is not None and followers == 0
        return len(read.latch._wakes) == followers

    eventually(ready, within=15)


@contextlib.contextmanager
def paused(server: RedisServer) -> Iterator[None]:
    """Let Redis answer nothing meanwhile."""
    server.pause()
    try:
        yield
    finally:
        server.resume()


def test_a_cold_key_is_read_once(node: MakeNode, own_redis: RedisServer) -> None:
    """50 callers at once on a cold key of one process make one read and one load."""
    one, load = node(own_redis.url, timeout=10).subscribed(), Load()
    with paused(own_redis):
        calls = [one.begin("k", load) for _ in range(50)]
        wait_for_readers(one, 49)

    outcomes = [call.result(15) for call in calls]

    assert 1 == reads(one)
    assert 1 == load.calls
    assert 1 == sum(isinstance(each, Miss) for each in outcomes)
    assert {1} == {each.value for each in outcomes}


def test_hits_are_read_once(node: MakeNode, own_redis: RedisServer) -> None:
    """Callers at once on what another process stored make one read; all are hits."""
    node(own_redis.url).subscribed().outcome("k", Load(7))
    one, load = node(own_redis.url, timeout=10).subscribed(), Load()
    with paused(own_redis):
        calls = [one.begin("k", load) for _ in range(20)]
        wait_for_readers(one, 19)

    for call in calls:
        outcome = call.result(15)
        assert isinstance(outcome, HitFresh)
        assert (7, Tier.REDIS) == (outcome.value, outcome.tier)
    assert 1 == reads(one)
    assert 0 == load.calls


def test_a_read_is_shared_and_its_value_is_not(
    node: MakeNode, own_redis: RedisServer
) -> None:
    """Callers who share a read of a list are each given a list of their own."""

    def load() -> list[int]:
        return [1]

    node(own_redis.url).subscribed().outcome("k", load)
    one = node(own_redis.url, timeout=10).subscribed()
    with paused(own_redis):
        calls = [one.begin("k", load) for _ in range(5)]
        wait_for_readers(one, 4)

    for call in calls:
        value = call.result(15).value
        assert [1] == value
        value.append(2)
    assert 1 == reads(one)


def test_a_cold_load_is_joined_unread(node: MakeNode, own_redis: RedisServer) -> None:
    """Who comes while the process loads a cold key joins without reading Redis."""
    one, load = node(own_redis.url).subscribed(), Load(held=True)
    leader = one.begin("k", load)
    load.begun()
    follower = one.begin("k", load)
    one.joined("k", 2)
    load.release()

    assert isinstance(leader.result(15), Miss)
    assert isinstance(follower.result(15), Suppressed)
    assert 1 == reads(one)


def test_an_invalidation_ends_the_joining(
    node: MakeNode, own_redis: RedisServer
) -> None:
    """Who comes after an invalidation neither joins the old load nor gets its value."""
    one = node(own_redis.url).subscribed()
    old, new = Load(1, held=True), Load(2)
    early = one.begin("k", old)
    old.begun()
    assert one.invalidate("k").reached_redis

    late = one.outcome("k", new)
    old.release()

    assert isinstance(late, Miss)
    assert 2 == late.value
    assert 1 == early.result(15).value
    assert 2 == reads(one)
    assert 2 == one.outcome("k", Load(3)).value


def test_an_invalidation_ends_the_sharing_of_a_read(
    node: MakeNode, own_redis: RedisServer
) -> None:
    """Who comes after an invalidation reads anew; a read begun before is not shared."""
    node(own_redis.url).subscribed().outcome("k", Load(7))
    one = node(own_redis.url, timeout=10).subscribed()
    with paused(own_redis):
        early = one.begin("k", Load())
        wait_for_readers(one, 0)
        before = reading(one)
        one.cache._state.wiring.ctx.node.invalidated("k")
        assert reading(one) is None
        late = one.begin("k", Load())
        wait_for_readers(one, 0)
        assert reading(one) is not before

    assert {7} == {early.result(15).value, late.result(15).value}
    assert 2 == reads(one)


def test_a_blind_node_reads_for_each(node: MakeNode, own_redis: RedisServer) -> None:
    """Without its subscription a node looks into Redis before it joins a cold load."""
    one, load = node(own_redis.url).subscribed(), Load(held=True)
    leader = one.begin("k", load)
    load.begun()
    machines = one.cache._state.wiring.ctx.node
    with machines.lock:
        machines.whole = False
    follower = one.begin("k", load)
    one.joined("k", 2)
    load.release()

    assert 1 == leader.result(15).value == follower.result(15).value
    assert 2 == reads(one)


def test_a_cancelled_reader_is_replaced(
    own_redis: RedisServer, prefix: str, loop: LoopThread
) -> None:
    """Who waits for a read whose caller is cancelled reads itself."""
    other = awaiting(own_redis, prefix, loop)
    other.outcome("k", Load(7))
    other.close()
    one = awaiting(own_redis, prefix, loop)
    with paused(own_redis):
        early = one.begin("k", Load())
        wait_for_readers(one, 0)
        late = one.begin("k", Load())
        wait_for_readers(one, 1)
        early.cancel()
        wait_for_readers(one, 0)

    assert 7 == late.result(15).value
    with pytest.raises(CancelledError):
        early.result(15)
    one.close()


def awaiting(own_redis: RedisServer, prefix: str, loop: LoopThread) -> Node:
    """Make an asyncio node."""
    return Node("async", own_redis.url, prefix, loop, timeout=10).subscribed()


def test_the_colours_do_not_share_a_read(
    own_redis: RedisServer, prefix: str, loop: LoopThread
) -> None:
    """A sync lookup on a loop's thread does not wait for the read of a task there."""
    memory = Memory()
    tasks = Node("async", own_redis.url, prefix, loop, memory=memory, timeout=5)
    threads = Node("sync", own_redis.url, prefix, loop, memory=memory, timeout=5)
    tasks.subscribed()
    threads.outcome("k", Load(7))
    threads.forget("k")

    def resume_when_both_read() -> None:
        readings = threads.cache._state.wiring.ctx.node.readings._readings
        with contextlib.ExitStack() as resumed:
            resumed.callback(own_redis.resume)
            eventually(lambda: len(readings.get("k", ())) == 2)

    async def both() -> tuple[int, int]:
        early = asyncio.wrap_future(tasks.begin("k", Load()))
        await asyncio.to_thread(wait_for_readers, tasks, 0)
        resumed = in_thread(resume_when_both_read)
        late = threads.outcome("k", Load())
        await asyncio.wrap_future(resumed)
        return (await early).value, late.value

    own_redis.pause()
    assert (7, 7) == loop.run(both())
    tasks.close()
    threads.close()
