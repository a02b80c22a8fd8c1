"""A Redis by script: every fault, in both colours, and no real time."""

import time

import pytest

from hybridcache import Memory, Policy
from hybridcache.testing import ManualClock, ScriptedUpstream
from tests.colours import Colour, Handle

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


def test_closed_caches_leave_the_clock(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """The clock rings for no cache that was closed."""
    tags(cache, "k")
    cache.close()
    assert [] == colour.clock._alarms
