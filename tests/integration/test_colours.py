"""Threads and event loops on one memory; callers that are cancelled."""

import asyncio
from concurrent.futures import Future

import pytest

from hybridcache import HitFresh, Memory, Miss, Outcome, Scope, Suppressed, Tier
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import POLICY, Load, LoopThread, Node


@pytest.mark.parametrize("with_redis", [True, False])
@pytest.mark.parametrize("leader", [0, 1, 2])
def test_one_memory(
    prefix: str, redis_url: str, loop: LoopThread, with_redis: bool, leader: int
) -> None:
    """Threads and two event loops on one memory make one load, whoever leads."""
    second = LoopThread()
    memory = Memory()
    url = redis_url if with_redis else None
    nodes = [
        Node("sync", url, prefix, loop, memory=memory),
        Node("async", url, prefix, loop, memory=memory),
        Node("async", url, prefix, second, memory=memory),
    ]
    load = Load(5, held=True)

    running: list[Future[Outcome[int]]] = [nodes[leader].begin("k", load)]
    load.begun()
    running += [one.begin("k", load) for one in nodes * 10]
    nodes[0].joined("k", 31)
    load.release()
    first, *rest = [future.result(10) for future in running]

    assert 1 == load.calls
    assert isinstance(first, Miss)
    for outcome in rest:
        assert isinstance(outcome, Suppressed)
        assert (5, Scope.PROCESS) == (outcome.value, outcome.scope)
    for one in nodes:
        found = one.outcome("k", load)
        assert isinstance(found, HitFresh)
        assert Tier.MEMORY is found.tier
    for one in nodes:
        one.close()
    second.close()


def test_error_reaches_all(prefix: str, redis_url: str, loop: LoopThread) -> None:
    """A loader's error is raised, the same, to threads and tasks that wait for it."""
    memory = Memory()
    nodes = [
        Node("sync", redis_url, prefix, loop, memory=memory),
        Node("async", redis_url, prefix, loop, memory=memory),
    ]
    error = ValueError("bad")
    load = Load(held=True, error=error)
    running = [one.begin("k", load) for one in nodes * 3]
    nodes[0].joined("k", 6)
    load.release()

    assert [error] * 6 == [future.exception(10) for future in running]
    assert 1 == load.calls
    for one in nodes:
        one.close()


def test_cancelled_leader(prefix: str, redis_url: str, loop: LoopThread) -> None:
    """A leader that is cancelled ends no load: its followers get the value."""
    one = Node("async", redis_url, prefix, loop)
    load = Load(3, held=True)
    leader = one.begin("k", load)
    load.begun()
    followers = [one.begin("k", load) for _ in range(5)]
    one.joined("k", 6)

    leader.cancel()
    load.release()
    outcomes = [future.result(10) for future in followers]

    assert leader.cancelled()
    assert 1 == load.calls
    for outcome in outcomes:
        assert isinstance(outcome, Suppressed)
        assert 3 == outcome.value
    assert isinstance(one.outcome("k", load), HitFresh)
    one.close()


def test_all_cancelled(prefix: str, redis_url: str, loop: LoopThread) -> None:
    """A load that nobody waits for any more ends and is stored all the same."""
    one = Node("async", redis_url, prefix, loop)
    calls = 0
    gate = asyncio.Event()

    async def load() -> int:
        nonlocal calls
        calls += 1
        await gate.wait()
        return calls

    running = [one.begin("k", load) for _ in range(5)]
    one.joined("k", 5)
    eventually(lambda: calls == 1)
    for future in running:
        future.cancel()
    loop.loop.call_soon_threadsafe(gate.set)

    eventually(lambda: one.in_memory("k"))
    assert isinstance(one.outcome("k", load), HitFresh)
    assert 1 == calls
    one.close()


def test_loop_that_ends(prefix: str, redis_url: str, loop: LoopThread) -> None:
    """A load whose event loop ends is handed over to who waits in a thread."""
    memory = Memory()
    threads = Node("sync", redis_url, prefix, loop, memory=memory).subscribed()

    async def scenario() -> "Future[Outcome[int]]":
        cache = Node("async", redis_url, prefix, loop, memory=memory).cache

        async def load() -> int:
            await asyncio.Event().wait()
            return 1

        def later() -> int:
            return 2

        lookup = asyncio.ensure_future(cache.outcome("k", load, POLICY))  # type: ignore[arg-type]  # an AsyncCache
        await asyncio.to_thread(threads.joined, "k", 1)
        follower = threads.begin("k", later)
        await asyncio.to_thread(threads.joined, "k", 2)
        lookup.cancel()
        return follower

    outcome = asyncio.run(scenario()).result(10)

    assert isinstance(outcome, Miss)
    assert 2 == outcome.value
    threads.close()


def test_both_cross_processes(node: MakeNode, redis_url: str) -> None:
    """An entry that one colour stored serves the other colour on another node."""
    one = node(redis_url, colour="sync")
    other = node(redis_url, colour="async")

    assert isinstance(one.outcome("a", Load(1)), Miss)
    assert isinstance(other.outcome("b", Load(2)), Miss)

    for reader, key in ((other, "a"), (one, "b")):
        found = reader.outcome(key, Load(3))
        assert isinstance(found, HitFresh)
        assert Tier.REDIS is found.tier
