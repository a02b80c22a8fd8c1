"""A Redis by script: every fault, in both colours, and no real time."""

import contextlib
import math
import re
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from hybridcache import Memory, Policy, Redis, Tier
from hybridcache.testing import ManualClock, ScriptedUpstream
from tests.colours import WITHIN, Colour, Handle, colour_of, held
from tests.eventually import eventually

POLICY = Policy(wait_for=5, fresh_for=60, ttl=3600)


@pytest.fixture(name="upstream")
def _upstream(colour: Colour) -> ScriptedUpstream:
    """A scripted upstream on the colour's clock."""
    return ScriptedUpstream(colour.clock)


@pytest.fixture(name="cache")
def _cache(colour: Colour, upstream: ScriptedUpstream) -> Handle:
    """One process's cache."""
    return process(colour, upstream)


def process(colour: Colour, upstream: ScriptedUpstream) -> Handle:
    """Make the cache of one more process."""
    return colour.make_cache(name="shop", upstream=upstream, downstream=Memory())


def load() -> int:
    """Return what the slow thing would."""
    return 1


def tags(cache: Handle, *keys: str) -> list[str]:
    """Look up *keys* and return what happened."""
    return [cache.outcome(key, load, POLICY).tag for key in keys]


def test_processes_share_it(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """Caches on one scripted upstream share entries and hear of invalidations."""
    other = process(colour, upstream)
    seen = [*tags(cache, "k"), *tags(other, "k")]
    cache.invalidate("k")

    assert ["miss", "hit-fresh"] == seen
    assert ["miss"] == tags(other, "k")
    assert ["hit-fresh"] == tags(cache, "k")
    assert ["shop:{k}", "shop:{}:marker"] == upstream.model.names()


def test_entries_age_by_the_clock(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """The instants in the entries are the manual clock's."""
    tags(cache, "k", "l")
    colour.clock.advance(59)
    assert ["hit-fresh"] == tags(process(colour, upstream), "k")
    colour.clock.advance(2)
    assert ["hit-stale"] == tags(process(colour, upstream), "k")
    # Another key: the stale one is refreshed in the background, who knows when.
    colour.clock.advance(3600)
    assert ["miss"] == tags(process(colour, upstream), "l")


def test_a_cache_may_be_put_on_it_with_its_clock(
    colour: Colour, upstream: ScriptedUpstream
) -> None:
    """Under override() a cache made with the real clock runs on the manual one."""
    cache = colour.make_cache(name="shop", clock=time.monotonic)
    with cache.cache.override(
        upstream=upstream, downstream=Memory(), clock=upstream.clock
    ):
        tags(cache, "k")
        colour.clock.advance(61)
        assert ["hit-stale"] == tags(cache, "k")
    assert ["miss"] == tags(cache, "k")


def test_a_hang_costs_the_timeout_and_no_real_time(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A request that hangs moves the clock by its timeout; nobody waits."""
    tags(cache, "before")
    upstream.hang(10)
    began, real = colour.clock(), time.monotonic()
    found = tags(cache, "k1")
    took = colour.clock() - began
    found += tags(cache, "k2", "k3", "k4", "before")
    colour.clock.advance(11)

    assert ["upstream-down"] * 4 + ["hit-fresh"] == found
    assert took == pytest.approx(upstream.timeout)
    assert time.monotonic() - real < 5
    assert ["miss"] == tags(cache, "k5")


def test_a_hang_that_ends_in_time_is_a_slow_answer(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """What a hang ends in time for is answered then."""
    upstream.hang(0.1)
    began = colour.clock()

    assert ["miss"] == tags(cache, "k")
    assert 0.1 == pytest.approx(colour.clock() - began)


def test_refused_and_healed(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """Refused connections cost nothing, and a second after the end all is well."""
    tags(cache, "before")
    upstream.refuse()
    began = colour.clock()
    assert ["upstream-down"] * 5 == tags(cache, *"abcde")
    assert began == colour.clock()
    assert not cache.node.whole

    upstream.heal()
    colour.clock.advance(1)
    assert cache.node.whole
    assert ["miss", "hit-fresh"] == tags(cache, "f", "before")


def test_slow_answers(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """An answer in time is an answer; a late one took effect and is none."""
    upstream.answer_slowly(0.2)
    assert ["miss"] == tags(cache, "k")
    upstream.answer_slowly(0.3)
    assert ["upstream-down"] == tags(cache, "l")


def test_a_lost_reply_took_effect(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """The request whose reply is lost was carried out."""
    upstream.lose_next_reply()
    cache.invalidate("k")
    assert ["invalidate"] == upstream.asked
    assert ["miss"] == tags(cache, "k")
    upstream.lose_next_reply()
    cache.clear()

    assert ["miss"] == tags(process(colour, upstream), "k")


def test_refused_writes(upstream: ScriptedUpstream, cache: Handle) -> None:
    """A server that refuses writes leaves values in memory alone."""
    tags(cache, "before")
    upstream.refuse_writes("READONLY You can't write against a read only replica.")

    assert ["miss", "hit-fresh"] == tags(cache, "k", "k")
    assert "shop:{k}" not in upstream.model.names()


@pytest.mark.parametrize("keep", [True, False])
def test_a_restart(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle, *, keep: bool
) -> None:
    """A restarted server knows no script, and the data only where it was saved."""
    tags(cache, "k")
    upstream.restart(keep_data=keep)
    colour.clock.advance(1)

    assert ["hit-fresh" if keep else "miss"] == tags(process(colour, upstream), "k")
    assert ["miss"] == tags(cache, "l")


def test_an_entry_of_the_future_is_not_served(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """Where Redis's clock went back, an entry whose age nobody knows is loaded anew."""
    tags(cache, "k")
    upstream.step_clock(-3600)
    colour.clock.advance(3000)

    other = process(colour, upstream)
    assert ["miss", "hit-fresh"] == tags(other, "k", "k")
    assert ["hit-fresh"] == tags(process(colour, upstream), "k")


def test_a_little_of_the_future_is_now(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A failover to a server whose clock is a little behind costs no load."""
    tags(cache, "k")
    upstream.step_clock(-0.5)

    assert ["hit-fresh"] == tags(process(colour, upstream), "k")


def test_memory_takes_what_was_written_after_the_clock_went_back(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A load is kept though Redis lost the entry, and its clock is behind that."""
    policy = POLICY.evolve(stale_wait=5)
    cache.outcome("k", load, policy)
    upstream.step_clock(-3600)
    upstream.model.evict("shop:{k}")
    colour.clock.advance(61)

    assert Tier.MEMORY in cache.outcome("k", load, policy).stored
    assert Tier.MEMORY is cache.outcome("k", load, policy).tier


@pytest.mark.parametrize("offset", [math.inf, math.nan])
def test_a_clock_cannot_step_for_ever(offset: float) -> None:
    """How far a clock steps is a finite number of seconds."""
    with pytest.raises(ValueError, match="offset must be finite seconds"):
        ScriptedUpstream().step_clock(offset)


def test_memory_stays_trusted_while_time_is_moved(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """However far the clock is moved, the subscription is whole all the way."""
    slow = POLICY.evolve(fresh_for=9000, ttl=10_000)
    cache.outcome("k", load, slow)
    asked = len(upstream.asked)
    colour.clock.advance(600)

    assert cache.node.whole
    assert "hit-fresh" == cache.outcome("k", load, slow).tag
    assert asked == len(upstream.asked)


def test_two_are_two(colour: Colour) -> None:
    """One memory on two scripted upstreams keeps them apart."""
    memory = Memory()
    clock = ManualClock()
    for _ in range(2):
        one = ScriptedUpstream(clock, timeout=0.1, failures=1)
        assert "ScriptedUpstream(RedisModel(0 names))" == repr(one)
        cache = colour.make_cache(
            name="shop", upstream=one, downstream=memory, clock=clock
        )
        assert ["miss"] == tags(cache, "k")


class Meeting:
    """An alarm that holds each thread's request until two are there, if two can be."""

    def __init__(self, at: float) -> None:
        self._at = at
        self._barrier = threading.Barrier(2)
        self._rung: set[int] = set()

    def next_at(self) -> float:
        """Return when it rings for this thread: once."""
        return math.inf if threading.get_ident() in self._rung else self._at

    def ring(self) -> None:
        """Wait for the other; alone in here, not for long."""
        self._rung.add(threading.get_ident())
        with contextlib.suppress(threading.BrokenBarrierError):
            self._barrier.wait(0.2)


def test_two_on_one_clock_do_not_lock_each_other_out(colour: Colour) -> None:
    """Requests that hang at once, at two upstreams on one clock, both time out."""
    clock = colour.clock
    with colour_of(colour.name) as other:
        caches: list[Handle] = []
        for one in (colour, other):
            redis = ScriptedUpstream(clock, timeout=5)
            cache = one.make_cache(
                name="shop", upstream=redis, downstream=Memory(), clock=clock
            )
            assert ["miss"] == tags(cache, "before")
            redis.hang()
            caches.append(cache)
        clock.attach(Meeting(clock() + 0.01))
        # Both hangs lie in either lookup's time, for they are on one clock.
        patient = POLICY.evolve(wait_for=60)
        lookups = [cache.start("k", load, patient) for cache in caches]

        assert ["upstream-down"] * 2 == [one.result(WITHIN).tag for one in lookups]


def test_a_closed_cache_is_forgotten(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A scripted upstream keeps nothing of a cache that was closed."""
    other = process(colour, upstream)
    tags(cache, "k")
    tags(other, "k")
    other.close()
    assert [cache.node] == [keeper.keeper.node for keeper in upstream._keepers]
    cache.close()
    assert [] == upstream._keepers


def test_many_leases_are_given_back_within_a_second(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """However many loads failed during a fault, their leases are gone soon after it."""
    loader = held()
    loader.fails = OSError()
    assert loader.gate is not None
    lookups = [cache.start(f"k{n}", loader.load, POLICY) for n in range(30)]
    eventually(lambda: 30 == len(cache.node.leases))
    upstream.refuse()
    loader.gate.set()
    assert [OSError] * 30 == [type(one.exception(WITHIN)) for one in lookups]
    eventually(lambda: not len(cache.node.flights))
    assert 31 == len(upstream.model.names())

    upstream.heal()
    colour.clock.advance(1)
    assert ["shop:{}:marker"] == upstream.model.names()


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": -1},
        {"timeout": 0},
        {"timeout": 61},
        {"timeout": math.nan},
        {"timeout": "1"},
        {"failures": 0},
        {"failures": True},
        {"max_value_bytes": -5},
        {"max_value_bytes": 2**40},
    ],
)
def test_an_option_that_redis_refuses_is_refused(options: dict[str, Any]) -> None:
    """A wrong option is refused as `Redis` refuses it, in the same words."""
    with pytest.raises((TypeError, ValueError)) as theirs:
        Redis("redis://localhost", **options)

    with pytest.raises(theirs.type, match=re.escape(str(theirs.value))):
        ScriptedUpstream(**options)


@pytest.mark.parametrize(
    ("fault", "measure", "error"),
    [
        ("hang", -3, ValueError),
        ("hang", math.nan, ValueError),
        ("hang", "3", TypeError),
        ("refuse", -0.1, ValueError),
        ("answer_slowly", timedelta(seconds=-1), ValueError),
        ("lose_next_reply", -1, ValueError),
        ("lose_next_reply", 0, ValueError),
        ("lose_next_reply", 1.5, TypeError),
        ("lose_next_reply", True, TypeError),
        ("refuse_writes", "", ValueError),
    ],
)
def test_a_fault_that_cannot_be_is_refused(
    upstream: ScriptedUpstream,
    cache: Handle,
    fault: str,
    measure: Any,
    error: type[Exception],
) -> None:
    """A fault with a measure that makes no sense is refused and does not occur."""
    with pytest.raises(error, match=f"not {re.escape(repr(measure))}"):
        getattr(upstream, fault)(measure)

    assert ["miss", "hit-fresh"] == tags(cache, "k", "k")
    assert cache.node.whole


def test_closed_caches_leave_the_clock(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """The clock rings for no cache that was closed."""
    tags(cache, "k")
    cache.close()
    assert [] == colour.clock._alarms
