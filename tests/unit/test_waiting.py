"""wait_for, abandon_after and run_in."""

import threading
from contextlib import nullcontext, suppress
from contextvars import ContextVar

import pytest

from hybridcache import Cache, HitFresh, LoadTimeout, Memory, Miss, Policy
from hybridcache.testing import ManualClock
from tests.amid import Stopped, stop_start
from tests.colours import Colour, Counted, colour_of, held
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600)
QUICK = POLICY.evolve(wait_for=0.05)
WHO: ContextVar[str] = ContextVar("who", default="nobody")


def test_a_caller_waits_no_longer_than_wait_for(colour: Colour) -> None:
    """Leader and follower time out; the late value is stored, the key loaded once."""
    cache, loader = colour.make_cache(downstream=Memory()), held()
    calls = [cache.start("k", loader.load, QUICK) for _ in range(2)]
    for call in calls:
        with pytest.raises(LoadTimeout, match=r"wait_for=0\.05"):
            call.result(5)
    with pytest.raises(TimeoutError):
        cache.get("k", loader.load, QUICK)
    assert 3 == cache.failed("timeout")

    assert loader.gate is not None
    loader.gate.set()
    eventually(lambda: not cache.node.flights.flights())

    assert 1 == cache.get("k", loader.load, QUICK)
    assert 1 == loader.calls


@pytest.mark.parametrize("bypassed", [False, True])
def test_a_timeout_says_what_becomes_of_the_load(
    colour: Colour, bypassed: bool
) -> None:
    """A LoadTimeout promises a later value only where one may be kept."""
    cache, loader = colour.make_cache(downstream=Memory()), held()
    load = colour.loader(loader.load)

    def caller() -> object:
        with cache.cache.bypass() if bypassed else nullcontext():
            return cache.cache.get_or_load("k", load, QUICK)

    async def async_caller() -> object:
        with cache.cache.bypass() if bypassed else nullcontext():
            return await cache.cache.get_or_load("k", load, QUICK)

    says = "nothing is kept of it" if bypassed else "will be there for later calls"
    with pytest.raises(LoadTimeout, match=f"its load goes on.*{says}.*wait_for"):
        colour.do(async_caller if colour.is_async else caller)
    assert loader.gate is not None
    loader.gate.set()


def test_after_abandon_after_the_key_is_free(colour: Colour) -> None:
    """A load past abandon_after no longer owns its key, and stores nothing."""
    cache, loader = colour.make_cache(downstream=Memory()), held()
    policy = POLICY.evolve(wait_for=20, abandon_after=30)
    slow = cache.start("k", loader.load, policy)
    assert loader.begun.wait(5)
    flight = cache.node.flights.find("k", 0.0)
    # Only who waits already has all of its wait_for left.
    eventually(lambda: flight.latch._wakes)
    colour.clock.advance(30)

    quick = Counted(calls=10)
    assert 11 == cache.get("k", quick.load, policy)
    assert loader.gate is not None
    loader.gate.set()
    assert Miss(1, load_seconds=30.0, stored=frozenset()) == slow.result(5)
    assert 11 == cache.get("k", quick.load, policy)


def test_a_worker_runs_the_loader_with_the_callers_context(colour: Colour) -> None:
    """By default a loader runs in another thread and sees the caller's variables."""
    cache = colour.make_cache(downstream=Memory())
    seen: list[object] = []

    def load() -> int:
        seen.extend((threading.current_thread(), WHO.get()))
        return 1

    def caller() -> object:
        WHO.set("me")
        return cache.cache.get_or_load("k", load, POLICY), threading.current_thread()

    async def async_caller() -> object:
        WHO.set("me")
        value = await cache.cache.get_or_load("k", load, POLICY)
        return value, threading.current_thread()

    value, thread = colour.do(async_caller if colour.is_async else caller)

    assert (1, "me") == (value, seen[1])
    assert thread is not seen[0]


def test_run_in_caller_stays_on_the_callers_thread(colour: Colour) -> None:
    """With run_in caller a sync loader runs on the leader's own thread."""
    cache, policy = (
        colour.make_cache(downstream=Memory()),
        POLICY.evolve(run_in="caller"),
    )
    seen: list[object] = []

    def load() -> int:
        seen.append(threading.current_thread())
        return 1

    def caller() -> object:
        return cache.cache.get_or_load("k", load, policy), threading.current_thread()

    async def async_caller() -> object:
        value = await cache.cache.get_or_load("k", load, policy)
        return value, threading.current_thread()

    value, thread = colour.do(async_caller if colour.is_async else caller)

    assert 1 == value
    assert [thread] == seen


def test_a_refresh_uses_a_worker_even_with_run_in_caller() -> None:
    """No caller's thread is held by a background refresh."""
    policy, seen = POLICY.evolve(run_in="caller"), []

    def load() -> int:
        seen.append(threading.current_thread())
        return 1

    with colour_of("sync") as colour:
        cache = colour.make_cache(downstream=Memory()).cache
        cache.get_or_load("k", load, policy)
        colour.clock.advance(60)
        cache.get_or_load("k", load, policy)
        eventually(lambda: len(seen) == 2)

    here = threading.current_thread()
    assert [True, False] == [each is here for each in seen]


def test_a_sync_loader_of_an_async_cache_leaves_the_loop_free() -> None:
    """An AsyncCache runs a sync loader in a worker thread."""
    loader = held()
    with colour_of("async") as colour:
        cache = colour.make_cache(downstream=Memory())
        slow = colour.start(cache.cache.get_or_load, "k", loader.load, POLICY)
        assert loader.begun.wait(5)
        assert 1 == cache.get("other", Counted().load, POLICY)
        assert loader.gate is not None
        loader.gate.set()
        assert 1 == slow.result(5)


def test_what_ends_a_caller_s_thread_is_its_own() -> None:
    """A follower loads where the leader's thread was ended, and no error is held."""
    policy = POLICY.evolve(run_in="caller", error_ttl=60)
    with colour_of("sync") as sync:
        cache, loader = sync.make_cache(downstream=Memory()), held()

        def stopped() -> int:
            loader.load()
            raise Stopped

        def load() -> int:
            return 2

        leader = cache.start("k", stopped, policy)
        eventually(lambda: loader.calls == 1)
        follower = cache.start("k", load, policy)
        eventually(lambda: len(cache.node.flights.find("k", 0.0).latch._wakes) == 1)
        assert loader.gate is not None
        loader.gate.set()

        assert isinstance(leader.exception(5), Stopped)
        assert 2 == follower.result(5).value
        assert isinstance(cache.outcome("k", load, policy), HitFresh)


def test_what_asks_a_process_to_end_is_not_held(colour: Colour) -> None:
    """`error_ttl` holds failures; later callers are not told to exit."""
    cache, policy = colour.make_cache(downstream=Memory()), POLICY.evolve(error_ttl=60)

    def stopped() -> int:
        raise Stopped

    with pytest.raises(Stopped):
        cache.get("k", stopped, policy)
    assert 1 == cache.get("k", lambda: 1, policy)


@pytest.mark.parametrize("reading", range(1, 14))
@pytest.mark.parametrize("stale", [False, True])
def test_a_signal_between_flight_and_load_leaves_no_flight(
    reading: int, stale: bool
) -> None:
    """Wherever the clock's reader is interrupted, the next caller is served at once."""
    readings, clock = 0, ManualClock()

    def interrupted() -> float:
        nonlocal readings
        # Signals come to the main thread.
        readings += threading.current_thread() is threading.main_thread()
        if readings == reading:
            readings += 1
            raise Stopped
        return clock()

    cache = Cache(name="shop", downstream=Memory(), clock=interrupted)
    policy = POLICY.evolve(wait_for=0.2, run_in="caller")
    if stale:
        readings = reading
        cache.get_or_load("k", lambda: 0, policy)
        clock.advance(61)
        readings = 0
    with suppress(Stopped):
        cache.get_or_load("k", lambda: 1, policy)

    readings = reading
    node = cache._state.wiring.ctx.node
    eventually(lambda: not node.flights.flights())
    cache.close()


@pytest.mark.parametrize("begun", [False, True])
def test_a_signal_as_the_load_s_thread_starts(
    begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load that runs all the same keeps its key; one that does not frees it."""
    with colour_of("sync") as sync:
        cache, loader = sync.make_cache(downstream=Memory()), held()
        stop_start(monkeypatch, "hybridcache-worker", begun=begun)
        with pytest.raises(Stopped):
            cache.get("k", loader.load, POLICY)
        assert begun == bool(cache.node.flights.flights())

        cache.invalidate("k")
        assert loader.gate is not None
        loader.gate.set()
        if begun:
            eventually(loader.ended.is_set)
            eventually(lambda: not len(cache.node.fills))
        assert isinstance(cache.outcome("k", loader.load, POLICY), Miss)
