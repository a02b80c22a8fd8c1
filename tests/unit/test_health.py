"""`health` in both colours: what the process knows, and the verdict for a probe."""

import json
from typing import Any

import attrs
import pytest

from hybridcache import Health, Memory, MemoryHealth, Policy, UpstreamHealth
from hybridcache.testing import ScriptedUpstream
from tests.colours import Colour, Handle, held
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600, wait_for=5, abandon_after=10)
UP = UpstreamHealth(
    up=True, cause="", breaker="closed", failures=0, refusal="", blind=False, backlog=0
)
WELL = Health(
    cache="shop",
    closed=False,
    loads=0,
    abandoned=0,
    max_abandoned=32,
    upstream=UP,
    memory=MemoryHealth(entries=0, bytes=0, max_entries=10, max_bytes=None),
)


def well(**changes: Any) -> Health:
    """Return how a cache is whose Redis is not well."""
    return attrs.evolve(WELL, upstream=attrs.evolve(UP, **changes))


def test_verdict() -> None:
    """A closed cache and too many loads that hang are not healthy; nothing else is."""
    closed = attrs.evolve(WELL, closed=True)
    piled_up = attrs.evolve(WELL, abandoned=32)
    some = attrs.evolve(WELL, abandoned=31)

    assert (True, (), ()) == (WELL.healthy, WELL.reasons, WELL.degraded)
    assert (False, ("the cache is closed",)) == (closed.healthy, closed.reasons)
    assert (False, ()) == (piled_up.healthy, piled_up.degraded)
    assert "32 loads hang past abandon_after" in piled_up.reasons[0]
    assert (True, ("31 loads hang past abandon_after",)) == (
        some.healthy,
        some.degraded,
    )


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (well(up=False, cause="refused"), "Redis is down: refused"),
        (well(refusal="OOM"), "Redis refuses writes: OOM"),
        (well(blind=True), "the subscription is not whole: memory is checked before"),
        (well(backlog=2), "2 leases are still to be released in Redis"),
    ],
)
def test_degraded(one: Health, told: str) -> None:
    """What is wrong with Redis degrades a cache, and it stays healthy."""
    assert (True, ()) == (one.healthy, one.reasons)
    assert 1 == len(one.degraded)
    assert one.degraded[0].startswith(told)


def test_page() -> None:
    """A page has at most 80 columns and all that is wrong."""
    one = attrs.evolve(well(up=False, cause="x" * 200), abandoned=40)
    page = str(one)

    assert 80 >= max(map(len, page.splitlines()))
    assert "not healthy, degraded" in page
    assert "0 of 10 entries, 0 bytes of any size" in page


def test_a_used_cache(colour: Colour) -> None:
    """A cache tells what its memory holds; the record is fit for JSON."""
    memory = Memory(max_items=5, max_bytes=10_000)
    cache = colour.make_cache(
        name="shop", upstream=ScriptedUpstream(colour.clock), downstream=memory
    )
    fresh = cache.cache.health()
    cache.get("k", int, POLICY)
    told: Health = cache.cache.health()

    assert fresh.upstream == UP
    assert told.upstream == UP
    assert (1, 5, 10_000) == (
        told.memory.entries if told.memory else None,
        told.memory.max_entries if told.memory else None,
        told.memory.max_bytes if told.memory else None,
    )
    assert json.loads(json.dumps(attrs.asdict(told)))["healthy"] is True


def test_abandoned_loads(colour: Colour) -> None:
    """Loads that outlive abandon_after are counted, off the table too, till they end."""
    cache = colour.make_cache(name="shop", downstream=Memory())
    counted = held()
    assert counted.gate is not None
    for key in ("abandoned", "invalidated", "standing"):
        cache.start(key, counted.load, POLICY)
    eventually(lambda: counted.calls == 3)
    running = cache.cache.health()
    colour.clock.advance(11)
    # Another caller lets go of the one, an invalidation of the other.
    replaced = held()
    assert replaced.gate is not None
    again = cache.start("abandoned", replaced.load, POLICY)
    assert replaced.begun.wait(5)
    cache.invalidate("invalidated")
    told = cache.cache.health(max_abandoned=3)
    counted.gate.set()
    eventually(lambda: cache.cache.health().abandoned == 0)
    replaced.gate.set()
    again.result(5)

    assert (3, 0) == (running.loads, running.abandoned)
    assert (3, False) == (told.abandoned, told.healthy)


def test_a_backlog(colour: Colour) -> None:
    """A lease that could not be given back is owed, until Redis is told."""
    upstream = ScriptedUpstream(colour.clock)
    cache = colour.make_cache(name="shop", upstream=upstream, downstream=Memory())
    counted = held()
    assert counted.gate is not None
    running = cache.start("k", counted.load, POLICY)
    assert counted.begun.wait(5)
    upstream.refuse()
    counted.gate.set()
    running.result(5)
    owed = cache.cache.health()
    upstream.heal()
    colour.clock.advance(1)

    assert 1 == owed.upstream.backlog
    assert owed.healthy
    assert 0 == cache.cache.health().upstream.backlog


def test_redis_down_and_refusing(colour: Colour) -> None:
    """A Redis that is down, or refuses writes, is told with the cause."""
    upstream = ScriptedUpstream(colour.clock)
    cache = colour.make_cache(name="shop", upstream=upstream, downstream=Memory())
    upstream.refuse_writes()
    _fail(cache, "write")
    refusing = cache.cache.health().upstream
    upstream.heal()
    upstream.refuse()
    _fail(cache, "down")
    down = cache.cache.health()

    assert refusing.up
    assert refusing.refusal.startswith("OOM")
    assert ("open", False) == (down.upstream.breaker, down.upstream.up)
    assert "refused by script" in down.upstream.cause
    assert down.healthy


def _fail(cache: Handle, name: str) -> None:
    for number in range(3):
        cache.get(f"{name} {number}", int, POLICY)


def test_closed(colour: Colour) -> None:
    """A closed cache still tells how it is: not healthy."""
    cache = colour.make_cache(name="shop", downstream=Memory())
    cache.close()
    told = cache.cache.health()

    assert (True, False) == (told.closed, told.healthy)
    assert told.upstream is None


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "3"])
def test_wrong_bound(colour: Colour, wrong: object) -> None:
    """A bound that is no positive whole number is refused."""
    cache = colour.make_cache(name="shop").cache

    with pytest.raises((TypeError, ValueError), match="max_abandoned must be"):
        cache.health(max_abandoned=wrong)


def test_one_failure(colour: Colour) -> None:
    """Redis is not up from the first failed request until it answers again."""
    upstream = ScriptedUpstream(colour.clock)
    cache = colour.make_cache(name="shop", upstream=upstream, downstream=Memory())
    upstream.lose_next_reply()
    cache.get("k", int, POLICY)
    failed = cache.cache.health().upstream
    cache.get("other", int, POLICY)

    assert (False, "closed", 1) == (failed.up, failed.breaker, failed.failures)
    assert "TimeoutError" in failed.cause
    assert cache.cache.health().upstream.up
