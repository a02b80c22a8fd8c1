"""Bugs that a review found, each as the fact that it broke; memory alone."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from hybridcache import AsyncCache, Cache, HitFresh, Memory, Miss, Policy
from hybridcache.testing import ManualClock
from tests.colours import Colour, held
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600, wait_for=5)

FORKING = """
import os, threading, warnings
from prometheus_client import CollectorRegistry
from hybridcache import Cache, Memory

warnings.simplefilter("ignore")
memory, stop = Memory(), threading.Event()

def make():
    number = 0
    while not stop.is_set():
        number += 1
        name = f"n{number % 8}"
        Cache(name=name, downstream=memory, registry=CollectorRegistry()).close()

threads = [threading.Thread(target=make, daemon=True) for _ in range(2)]
for thread in threads:
    thread.start()
for _ in range(100):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
stop.set()
for thread in threads:
    thread.join(10)
print("through" if not any(thread.is_alive() for thread in threads) else "stuck")
"""


@pytest.mark.parametrize("key", [None, "u:{n}"])
def test_closures_of_one_factory_do_not_share_keys(
    colour: Colour, key: str | None
) -> None:
    """A second closure of one factory, with derived keys or one template, is refused."""
    cache = colour.make_cache(downstream=Memory())

    def make(factor: int) -> Callable[[int], int]:
        def times(n: int) -> int:
            return n * factor

        decorated: Callable[[int], int] = cache.cached(POLICY, key=key)(times)
        return decorated

    two = make(2)
    with pytest.raises(ValueError, match="its own key="):
        make(3)
    assert 10 == cache.call(two, 5)


def test_lambdas_do_not_share_keys() -> None:
    """A second lambda in one place is refused."""
    cache = Cache(downstream=Memory(), registry=CollectorRegistry())
    first: Callable[[int], int] = lambda n: n + 1  # noqa: E731 (what is tested)
    second: Callable[[int], int] = lambda n: n * 100  # noqa: E731 (what is tested)
    calls = cache.cached(POLICY)(first)

    with pytest.raises(ValueError, match="its own key="):
        cache.cached(POLICY)(second)
    assert 6 == calls(5)


def test_making_caches_while_forking_does_not_deadlock() -> None:
    """Threads make caches while the process forks 100 times, and all come through."""
    ended = subprocess.run(
        [sys.executable, "-c", FORKING],
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ("through", 0) == (ended.stdout.strip(), ended.returncode)


def test_views_leave_nothing_behind() -> None:
    """A thousand using() views grow neither the indexes nor a record's places."""
    cache = Cache(downstream=Memory(), registry=CollectorRegistry())

    @cache.cached(POLICY)
    def item(n: int) -> int:
        return n

    for _ in range(3):
        item(7)
    node = cache._state.wiring.ctx.node
    assert node.tier is not None
    (kept,) = node.tier.records(node.namespace)
    before = len(node._indexes), len(kept.places)

    for _ in range(1000):
        view = item.using(max_stale=5)
        assert [7, 7] == [view(7), view(7)]

    assert before == (len(node._indexes), len(kept.places))


def test_followers_of_a_closed_loop_are_handed_over() -> None:
    """A thread that waits for a load on a loop now closed soon leads a load itself."""
    memory, clock = Memory(), ManualClock()
    one = AsyncCache(downstream=memory, registry=CollectorRegistry(), clock=clock)
    two = Cache(downstream=memory, registry=CollectorRegistry(), clock=clock)
    flights = two._state.wiring.ctx.node.flights
    waits: list[asyncio.Event] = []

    async def never() -> int:
        waits.append(asyncio.Event())
        await waits[0].wait()
        return 1

    def own() -> int:
        return 2

    loop = asyncio.new_event_loop()
    leader = loop.create_task(one.outcome("k", never, POLICY))
    leader._log_destroy_pending = False  # type: ignore[attr-defined] # as is meant
    while not waits:
        loop.run_until_complete(asyncio.sleep(0))
    took: list[object] = []
    follower = threading.Thread(
        target=lambda: took.append(two.outcome("k", own, POLICY.evolve(wait_for=30)))
    )
    follower.start()
    eventually(lambda: len(flights.flights()[0].latch._wakes) == 2)
    loop.close()

    assert 3 > eventually(lambda: took)
    follower.join(5)
    (outcome,) = took
    assert isinstance(outcome, Miss)
    assert 2 == outcome.value
    del leader, loop
    gc.collect()


def test_held_failures_are_bounded(colour: Colour) -> None:
    """Failures whose error_ttl is over do not pile up, without any keeper."""
    cache = colour.make_cache(downstream=Memory())
    failing = held()
    assert failing.gate is not None
    failing.gate.set()
    failing.fails = OSError("down")

    for number in range(20):
        with pytest.raises(OSError, match="down"):
            cache.get(f"k{number}", failing.load, POLICY.evolve(error_ttl=1))
        colour.clock.advance(1)

    assert 1 == len(cache.node.holds._failures)


def test_a_held_failure_is_let_go_by_another_keys_miss(colour: Colour) -> None:
    """A failure whose error_ttl is over goes at the next miss, without any keeper."""
    cache = colour.make_cache(downstream=Memory())
    failing, other = held(), held()
    for each in (failing, other):
        assert each.gate is not None
        each.gate.set()
    failing.fails = OSError("down")
    with pytest.raises(OSError, match="down"):
        cache.get("k", failing.load, POLICY.evolve(error_ttl=0.1))
    colour.clock.advance(1)

    cache.get("other", other.load, POLICY)

    assert {} == cache.node.holds._failures


def test_a_closed_loop_is_collected() -> None:
    """A loop closed over a load goes once a load has begun on another loop."""
    cache = AsyncCache(downstream=Memory(), registry=CollectorRegistry())
    begun: list[None] = []

    async def never() -> int:
        begun.append(None)
        await asyncio.get_running_loop().create_future()
        return 1

    async def own() -> int:
        return 2

    def closed_over_a_load() -> "weakref.ref[asyncio.AbstractEventLoop]":
        loop = asyncio.new_event_loop()
        leader = loop.create_task(cache.outcome("k", never, POLICY))
        while not begun:
            loop.run_until_complete(asyncio.sleep(0))
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined] # as is meant
        loop.close()
        assert not leader.done()
        return weakref.ref(loop)

    loop = closed_over_a_load()
    assert isinstance(asyncio.run(cache.outcome("k", own, POLICY)), Miss)
    gc.collect()

    assert loop() is None
    asyncio.run(cache.close())


@pytest.mark.parametrize("key", [None, "x:{kept}"])
def test_a_parameter_may_be_called_kept(colour: Colour, key: str | None) -> None:
    """A parameter named kept is the function's own, also after its record expired."""
    cache, seen = colour.make_cache(downstream=Memory()), []

    @cache.cached(POLICY, key=key)
    def item(kept: int) -> int:
        seen.append(kept)
        return kept * 10

    for calls in (1, 2):
        assert [10] * 3 == [cache.call(item, 1) for _ in range(3)]
        assert [1] * calls == seen
        colour.clock.advance(7200)


def test_an_override_that_cannot_be_wired_changes_nothing(colour: Colour) -> None:
    """After override() refused its tiers the cache serves as before."""
    cache, loader = colour.make_cache(name="shop", downstream=Memory()), held()
    assert loader.gate is not None
    loader.gate.set()
    cache.get("k", loader.load, POLICY)
    state = cache.cache._state
    wiring = state.wiring

    for bad in ({"upstream": "http://127.0.0.1"}, {"downstream": "no Memory"}):
        with pytest.raises((ValueError, TypeError, AttributeError)):
            cache.cache.override(**bad).__enter__()

    assert (True, True) == (state.wiring is wiring, state.indexable)
    assert isinstance(cache.outcome("k", loader.load, POLICY), HitFresh)
