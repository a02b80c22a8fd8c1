"""One load for all who ask at the same time, whoever leads and whatever becomes of it."""

import asyncio
import traceback
from concurrent.futures import CancelledError, Future

import pytest

from hybridcache import Memory, Miss, Policy, Suppressed
from tests.colours import Colour, Counted, Handle, colour_of, held
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600)


def joined(cache: Handle, waiters: int, key: str = "k") -> None:
    """Wait until so many callers wait for the flight of *key*."""

    def ready() -> bool:
        flight = cache.node.flights.find(key, 0.0)
        return flight is not None and len(flight.latch._wakes) == waiters

    eventually(ready)


def let_go(loader: Counted) -> None:
    """Let a held loader go on."""
    assert loader.gate is not None
    loader.gate.set()


def test_many_callers_share_one_load(colour: Colour) -> None:
    """Of many callers one is the leader; the loader is called once."""
    cache, loader = colour.make_cache(downstream=Memory()), held()
    calls = [cache.start("k", loader.load, POLICY) for _ in range(20)]
    joined(cache, 20)
    let_go(loader)

    outcomes = [call.result(5) for call in calls]

    assert 1 == sum(isinstance(each, Miss) for each in outcomes)
    assert 19 == sum(isinstance(each, Suppressed) for each in outcomes)
    assert 1 == loader.calls


@pytest.mark.parametrize("first", [0, 1])
def test_threads_and_tasks_share_one_load(first: int) -> None:
    """A sync and an async cache on one memory share flights and entries."""
    memory, loader = Memory(), held()
    with colour_of("sync") as sync, colour_of("async") as other:
        other.clock = sync.clock
        caches = [each.make_cache(downstream=memory) for each in (sync, other)]
        leader = caches[first].start("k", loader.load, POLICY)
        joined(caches[0], 1)
        follower = caches[1 - first].start("k", loader.load, POLICY)
        joined(caches[0], 2)
        let_go(loader)

        assert isinstance(leader.result(5), Miss)
        assert isinstance(follower.result(5), Suppressed)
        assert 1 == caches[1 - first].get("k", loader.load, POLICY)


def test_two_loops_share_one_load() -> None:
    """Two event loops in two threads share flights on one memory."""
    memory, loader = Memory(), held()
    with colour_of("async") as one, colour_of("async") as two:
        two.clock = one.clock
        here, there = (each.make_cache(downstream=memory) for each in (one, two))
        leader = here.start("k", loader.load, POLICY)
        joined(here, 1)
        follower = there.start("k", loader.load, POLICY)
        joined(here, 2)
        let_go(loader)

        assert isinstance(leader.result(5), Miss)
        assert isinstance(follower.result(5), Suppressed)


def cancel(call: "Future[object]") -> None:
    """Cancel the task behind *call*."""
    call.task.cancel()  # type: ignore[attr-defined]


def test_followers_outlive_a_cancelled_leader() -> None:
    """The load of a cancelled leader goes on for its followers and is stored."""
    loader = held()
    with colour_of("async") as colour:
        cache = colour.make_cache(downstream=Memory())
        leader = cache.start("k", loader.load, POLICY)
        joined(cache, 1)
        follower = cache.start("k", loader.load, POLICY)
        joined(cache, 2)
        cancel(leader)
        with pytest.raises((asyncio.CancelledError, CancelledError)):
            leader.result(5)
        let_go(loader)

        assert isinstance(follower.result(5), Suppressed)
        assert 1 == loader.calls


def test_a_load_without_callers_is_stored() -> None:
    """A load whose only caller was cancelled ends and is kept."""
    loader = held()
    with colour_of("async") as colour:
        cache = colour.make_cache(downstream=Memory())
        leader = cache.start("k", loader.load, POLICY)
        joined(cache, 1)
        cancel(leader)
        joined(cache, 0)
        let_go(loader)
        eventually(lambda: not cache.node.flights.flights())

        assert 1 == cache.get("k", loader.load, POLICY)
        assert 1 == loader.calls


def test_an_error_reaches_all_from_one_call(colour: Colour) -> None:
    """The leader and every follower see the loader's own exception."""
    cache, loader = colour.make_cache(downstream=Memory()), held()
    loader.fails = KeyError("mine")
    calls = [cache.start("k", loader.load, POLICY) for _ in range(5)]
    joined(cache, 5)
    let_go(loader)

    errors = [call.exception(5) for call in calls]

    assert all(error is loader.fails for error in errors)
    assert 1 == loader.calls


def test_a_held_errors_traceback_does_not_grow(colour: Colour) -> None:
    """Raised again and again, an error has the loader's frames once."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    loader.fails, policy = KeyError("mine"), POLICY.evolve(error_ttl=60)
    lengths = []
    for _ in range(4):
        with pytest.raises(KeyError) as caught:
            cache.get("k", loader.load, policy)
        frames = traceback.extract_tb(caught.value.__traceback__)
        lengths.append(len(frames))
        assert 1 == sum(frame.filename == __file__ for frame in frames[-1:]) or (
            "load" == frames[-1].name
        )

    assert 1 == loader.calls
    assert 1 == len(set(lengths[1:]))


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()]
)
def test_no_exception_of_a_loader_hangs_followers(
    colour: Colour, error: BaseException
) -> None:
    """Whatever a loader raises, everyone who waits hears of it."""
    cache, loader = colour.make_cache(downstream=Memory()), held()
    loader.fails = error
    calls = [cache.start("k", loader.load, POLICY) for _ in range(3)]
    joined(cache, 3)
    let_go(loader)

    for call in calls:
        with pytest.raises((type(error), CancelledError)):
            call.result(5)
    loader.fails = None
    assert 2 == cache.get("k", loader.load, POLICY)


def test_stop_iteration_becomes_a_runtime_error(colour: Colour) -> None:
    """A StopIteration cannot leave a generator: callers get a RuntimeError from it."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    loader.fails = StopIteration()

    with pytest.raises(RuntimeError, match="StopIteration"):
        cache.get("k", loader.load, POLICY)
    assert 1 == cache.failed("loader")


def test_an_invalidation_detaches_a_load(colour: Colour) -> None:
    """A load begun before an invalidation serves its waiters and stores nothing."""
    cache, loader = colour.make_cache(downstream=Memory()), held()
    early = cache.start("k", loader.load, POLICY)
    joined(cache, 1)
    cache.invalidate("k")
    quick = Counted(calls=10)

    assert 11 == cache.get("k", quick.load, POLICY)
    let_go(loader)
    assert Miss(1, load_seconds=0.0, stored=frozenset()) == early.result(5)
    assert 11 == cache.get("k", quick.load, POLICY)
