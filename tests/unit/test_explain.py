"""`explain` in both colours: what it sees in this process, and that it only looks."""

import asyncio
import json

import attrs
import pytest
from prometheus_client import CollectorRegistry

from hybridcache import (
    AsyncCache,
    Cache,
    Closed,
    Foreign,
    InMemory,
    InRedis,
    Memory,
    Policy,
    ReentrantLoad,
    Refresh,
    WouldBlockLoop,
)
from hybridcache.testing import ScriptedUpstream
from tests.colours import Colour, Handle, held
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600, wait_for=5, error_ttl=40)


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


def test_a_function_and_a_method(colour: Colour, cache: Handle) -> None:
    """Decorated functions and methods explain the key of a call, their type too."""

    class Shop:
        @cache.cached(POLICY, key="shop:{number}")
        def item(self, number: int) -> int:
            return number

    @cache.cached(POLICY, key="items:{number}")
    def items(number: int) -> list[int]:
        return [number]

    shop = Shop()
    cache.call(items, 7)
    cache.call(shop.item, 7)
    told = cache.call(items.explain, 7)
    method = cache.call(shop.item.explain, number=7)
    cache.get("other", load, POLICY)

    assert ("items:7", "shop:{items:7}") == (told.key, told.name)
    assert ("serve", "memory") == (told.lookup.action, told.lookup.tier)
    assert "shop:7" == method.key
    assert isinstance(told.memory, InMemory)
    assert isinstance(told.redis, InRedis)
    assert told.memory.version == told.redis.version
    assert told == cache.call(items.using(max_stale=5).explain, 7)


def test_another_declared_type(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A function finds an entry of another type unreadable; the cache cannot tell."""
    cache.get("items:7", load, POLICY)

    @cache.cached(POLICY, key="items:{number}")
    def items(number: int) -> list[int]:
        return [number]

    told = cache.call(items.explain, 7)
    plain = colour.do(cache.cache.explain, "items:7")

    assert "load" == told.lookup.action
    assert isinstance(told.redis, Foreign)
    assert "shape" == told.redis.reason
    assert told.memory is not None
    assert told.memory.other_type
    assert "serve" == plain.lookup.action


def test_a_running_load(colour: Colour, cache: Handle) -> None:
    """The load of this process is told with its age, its waiters and its lease."""
    counted = held()
    assert counted.gate is not None
    first = cache.start("k", counted.load, POLICY)
    assert counted.begun.wait(5)
    second = cache.start("k", counted.load, POLICY)
    flight = cache.node.flights.find("k", 0.0)
    eventually(lambda: flight.latch.waiting == 2)
    colour.clock.advance(2)
    told = colour.do(cache.cache.explain, "k")
    counted.gate.set()
    first.result(5)
    second.result(5)

    assert "join" == told.lookup.action
    assert told.load is not None
    assert (2.0, 2, False, True) == (
        told.load.seconds,
        told.load.callers,
        told.load.background,
        told.load.loads,
    )
    assert 13.0 == told.load.abandoned_in
    assert told.lease is not None
    assert told.lease.here
    assert colour.do(cache.cache.explain, "k").load is None


def test_a_lease_elsewhere(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A load of another process is told by its lease; whoever comes would wait."""
    other = process(colour, upstream)
    counted = held()
    assert counted.gate is not None
    running = other.start("k", counted.load, POLICY)
    assert counted.begun.wait(5)
    told = colour.do(cache.cache.explain, "k")
    takes = colour.do(cache.cache.explain, "k", POLICY.evolve(suppress="process"))
    counted.gate.set()
    running.result(5)

    assert ("wait", None) == (told.lookup.action, told.load)
    assert told.lease is not None
    assert not told.lease.here
    assert not told.lease.awaited
    assert told.lease.left is not None
    assert 3.0 >= told.lease.left > 0.0
    assert "load" == takes.lookup.action


def test_a_failure_that_holds_the_key(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A loader's failure is told with its type and text, here and elsewhere."""

    def fail() -> int:
        msg = "no stock today"
        raise LookupError(msg)

    with pytest.raises(LookupError):
        cache.get("k", fail, POLICY)
    here = colour.do(cache.cache.explain, "k").holds
    elsewhere = colour.do(process(colour, upstream).cache.explain, "k")

    assert ["process", "redis"] == [hold.where for hold in here]
    assert {"LookupError: no stock today"} == {hold.error for hold in here}
    assert {40.0} == {hold.left for hold in here}
    assert ["redis"] == [hold.where for hold in elsewhere.holds]
    assert "fail" == elsewhere.lookup.action


def test_a_failure_from_before_a_clear(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A failure that Redis has on record from before a clear() holds nobody."""

    def fail() -> int:
        raise LookupError

    with pytest.raises(LookupError):
        cache.get("k", fail, POLICY)
    cache.clear()
    told = colour.do(process(colour, upstream).cache.explain, "k")

    assert "shop:{k}:failure" in upstream.model.names()
    assert ("load", ()) == (told.lookup.action, told.holds)
    assert 1 == process(colour, upstream).get("k", load, POLICY)


def test_a_refresh_that_failed_elsewhere(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """What Redis alone knows holds the refresh off, not the lookup that starts it."""
    stale = Policy(fresh_for=1, ttl=3600, retry_after=30)
    other = process(colour, upstream)
    for one in (cache, other):
        one.get("k", load, stale)
    colour.clock.advance(2)
    failing = held()
    failing.fails = LookupError("no")
    assert failing.gate is not None
    failing.gate.set()
    other.outcome("k", failing.load, stale)
    eventually(lambda: not other.node.flights.flights())
    told = colour.do(cache.cache.explain, "k", stale)

    assert "serve-and-refresh" == told.lookup.action
    assert "the refresh is held off: one failed, Redis says" == told.lookup.reasons[-1]
    assert "serve-held-off" == colour.do(other.cache.explain, "k", stale).lookup.action


def test_a_refresh_under_way(colour: Colour, cache: Handle) -> None:
    """While a load of the key runs here, a stale hit starts no refresh beside it."""
    stale = Policy(fresh_for=1, ttl=3600)
    cache.get("k", load, stale)
    colour.clock.advance(2)
    counted = held()
    assert counted.gate is not None
    cache.outcome("k", counted.load, stale)
    assert counted.begun.wait(5)
    told = colour.do(cache.cache.explain, "k", stale)
    came = cache.outcome("k", load, stale)
    counted.gate.set()

    assert ("serve-held-off", "memory") == (told.lookup.action, told.lookup.tier)
    assert "a refresh is under way here" == told.lookup.reasons[-1]
    assert Refresh.UNDER_WAY == came.refresh


def test_stale_wait(colour: Colour, cache: Handle) -> None:
    """Where a stale hit waits for its refresh first, that is told, and how long."""
    patient = Policy(fresh_for=1, ttl=3600, stale_wait=2)
    cache.get("k", load, patient)
    fresh = colour.do(cache.cache.explain, "k", patient)
    colour.clock.advance(2)
    told = colour.do(cache.cache.explain, "k", patient)
    came = cache.outcome("k", load, patient)

    assert ("serve", "serve-after-wait") == (fresh.lookup.action, told.lookup.action)
    assert (
        "memory holds a stale entry",
        "the refresh takes the lease and calls the loader",
        "it waits up to 2 s for that first (stale_wait)",
    ) == told.lookup.reasons
    assert "waits for a refresh, then serves that or what memory holds" == str(
        told.lookup
    )
    assert "miss" == came.tag


def test_a_redis_that_refuses_writes(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """While Redis refuses writes no lease is asked for, whoever holds one."""
    stale = Policy(fresh_for=1, ttl=3600)
    cache.get("stale", load, stale)
    colour.clock.advance(2)
    upstream.model.call("SET", "shop:{k}:lease", "t" * 16, "PX", 60_000)
    before = colour.do(cache.cache.explain, "k")
    upstream.refuse_writes()
    for number in range(3):
        cache.get(f"other {number}", load, POLICY)
    told = colour.do(cache.cache.explain, "k")
    refresh = colour.do(cache.cache.explain, "stale", stale)
    asked = upstream.asked.count("acquire")
    came = cache.outcome("k", load, POLICY)

    why = (
        "Redis refuses writes: no lease is asked for (OOM command not allowed when used"
        " memory > 'maxmemory'.)"
    )
    assert ("wait", "load") == (before.lookup.action, told.lookup.action)
    assert why == told.lookup.reasons[-1]
    assert f"the refresh calls the loader, for {why}" == refresh.lookup.reasons[-1]
    assert ("miss", asked) == (came.tag, upstream.asked.count("acquire"))


@pytest.mark.parametrize("term", [(), ("PX", 1)])
def test_a_lease_that_is_granted_anew(
    colour: Colour,
    upstream: ScriptedUpstream,
    cache: Handle,
    term: tuple[str | int, ...],
) -> None:
    """A lease without an end, and one at its end, keep nobody waiting."""
    upstream.model.call("SET", "shop:{k}:lease", "t" * 16, *term)
    colour.clock.advance(0.001)
    told = colour.do(cache.cache.explain, "k")
    came = cache.outcome("k", load, POLICY)

    assert told.lease is not None
    assert (0.0 if term else None) == told.lease.left
    assert "load" == told.lookup.action
    assert "taken over, for it has no time left or no end" in told.lookup.reasons[-1]
    assert "miss" == came.tag


@pytest.mark.parametrize("policy", [POLICY, POLICY.evolve(suppress="process")])
def test_inside_the_loader(colour: Colour, cache: Handle, policy: Policy) -> None:
    """To the load's own code its key is told to raise, as a lookup there does."""
    told: list[str] = []
    raised: list[BaseException | None] = []

    def inside() -> int:
        told.append(colour.do(cache.cache.explain, "k", policy).lookup.action)
        told.append(colour.do(cache.cache.explain, "other", policy).lookup.action)
        raised.append(cache.start("k", load, policy).exception(5))
        return 1

    cache.get("k", inside, policy)

    assert ["reentrant", "load"] == told
    assert [ReentrantLoad] == [type(error) for error in raised]


def test_inside_a_load_that_was_let_go(colour: Colour, cache: Handle) -> None:
    """A load that a clear let go of still has the lease: its code would wait for it."""
    told: list[str] = []

    def inside() -> int:
        with cache.node.lock:
            cache.node.flights.detach_all()
        told.append(colour.do(cache.cache.explain, "k", POLICY).lookup.action)
        return 1

    cache.get("k", inside, POLICY)

    assert ["reentrant"] == told


def test_on_the_loop_that_carries_the_load() -> None:
    """A sync cache on the very loop that runs the load is told to raise, and raises."""
    memory = Memory()
    threads = Cache(name="shop", downstream=memory, registry=CollectorRegistry())

    async def run() -> tuple[str, str]:
        tasks = AsyncCache(name="shop", downstream=memory, registry=CollectorRegistry())
        begun, go = asyncio.Event(), asyncio.Event()

        async def slow() -> int:
            begun.set()
            await go.wait()
            return 1

        running = asyncio.create_task(tasks.get_or_load("k", slow, POLICY))
        await begun.wait()
        told = threads.explain("k").lookup.action
        with pytest.raises(WouldBlockLoop):
            threads.get_or_load("k", load, POLICY)
        elsewhere = await asyncio.to_thread(threads.explain, "k")
        go.set()
        await running
        await tasks.close()
        return told, elsewhere.lookup.action

    with threads:
        assert ("would-block", "join") == asyncio.run(run())


def test_a_refresh_that_was_made_without_redis(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """What holds the next refresh off may also be one that Redis did not hear of."""
    stale = Policy(fresh_for=0, ttl=3600, retry_after=30)
    cache.get("k", load, stale)
    upstream.refuse()
    cache.outcome("k", load, stale)
    eventually(lambda: not cache.node.flights.flights())
    told = colour.do(cache.cache.explain, "k", stale)

    assert "serve-held-off" == told.lookup.action
    assert "memory holds a stale entry" in told.lookup.reasons[0]
    assert "the last refresh failed or was made without Redis" in told.lookup.reasons[0]
    (hold,) = told.holds
    assert str(hold).startswith(
        "no refresh starts after one that failed or was made without Redis, in this"
    )


def test_a_suspect_entry(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """What is suspect is told to be served only as long as Redis still holds it."""
    cache.get("k", load, POLICY)
    cache.node.distrust()
    stands = colour.do(cache.cache.explain, "k")
    upstream.model.evict("shop:{k}")
    gone = colour.do(cache.cache.explain, "k")
    upstream.refuse()
    alone = colour.do(cache.cache.explain, "k")

    assert ["serve", "load", "serve"] == [
        told.lookup.action for told in (stands, gone, alone)
    ]
    assert {False} == {told.memory.trusted for told in (stands, gone, alone)}
    assert (
        "what memory holds is suspect, and Redis holds it no more"
        == (gone.lookup.reasons[0])
    )
    assert (
        "memory holds a fresh entry (suspect, and Redis cannot be asked)"
        == (alone.lookup.reasons[0])
    )


def test_a_load_past_its_time(colour: Colour) -> None:
    """A load past abandon_after cannot be joined; it is not for a look to let it go."""
    cache = colour.make_cache(name="no keeper", downstream=Memory())
    counted = held()
    assert counted.gate is not None
    running = cache.start("k", counted.load, POLICY)
    assert counted.begun.wait(5)
    colour.clock.advance(16)
    told = colour.do(cache.cache.explain, "k")

    assert told.load is None
    assert (0, 1) == (cache.node.flights.abandoned, len(cache.node.flights))
    counted.gate.set()
    # Out of time, the caller may get a LoadTimeout; it ends all the same.
    running.exception(5)


def test_it_starts_and_makes_nothing(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A cache that nobody has used yet makes no marker and starts no keeper for it."""
    told = colour.do(cache.cache.explain, "k")

    assert told.blind
    assert "load" == told.lookup.action
    assert ["inspect"] == upstream.asked
    assert [] == upstream.model.names()


def test_a_hanging_redis(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A Redis that hangs costs one timeout and is named; it does not count as failed."""
    cache.get("k", load, POLICY)
    upstream.hang()
    began = colour.clock()
    told = [colour.do(cache.cache.explain, "k") for _ in range(5)]

    assert 5 * upstream.timeout == colour.clock() - began
    assert {"TimeoutError: timed out by script"} == {one.down for one in told}
    assert {"serve"} == {one.lookup.action for one in told}
    assert colour.do(cache.cache.health).upstream.up


def test_an_open_breaker(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """While the breaker is open nothing is asked, as a lookup would not."""
    cache.get("k", load, POLICY)
    upstream.refuse()
    for number in range(3):
        cache.get(f"other {number}", load, POLICY)
    asked = len(upstream.asked)
    told = colour.do(cache.cache.explain, "absent")

    assert told.down.startswith("breaker open: ConnectionRefusedError")
    assert ("load", None) == (told.lookup.action, told.redis)
    assert asked == len(upstream.asked)


def test_bypass(colour: Colour, cache: Handle) -> None:
    """Where lookups of the context read nothing, that is what is told."""
    cache.get("k", load, POLICY)
    with cache.cache.bypass():
        told = colour.do(cache.cache.explain, "k")
    after = colour.do(cache.cache.explain, "k")

    assert "load" == told.lookup.action
    assert ("bypass() is on in this context: no tier is asked",) == told.lookup.reasons
    assert "serve" == after.lookup.action


def test_without_tiers(colour: Colour) -> None:
    """A cache without tiers says that it has none."""
    told = colour.do(colour.make_cache(name="bare").cache.explain, "k")
    page = str(told)

    assert ("load", False, False) == (
        told.lookup.action,
        told.has_memory,
        told.has_redis,
    )
    assert "the cache has no memory tier" in page
    assert "the cache has no Redis" in page


def test_what_is_refused(colour: Colour, cache: Handle) -> None:
    """A key that can be none and a policy that is none are refused, a closed cache too."""
    with pytest.raises(ValueError, match="must not be empty"):
        colour.do(cache.cache.explain, "")
    with pytest.raises(TypeError, match="a Policy is needed"):
        colour.do(cache.cache.explain, "k", 60)
    cache.close()
    with pytest.raises(Closed):
        colour.do(cache.cache.explain, "k")


def test_the_page_and_the_plain_data(
    colour: Colour, upstream: ScriptedUpstream, cache: Handle
) -> None:
    """A page has at most 80 columns and never the value, nor has the plain data."""

    def secret() -> str:
        return "s3cr3t value"

    cache.get("k", secret, POLICY)
    told = colour.do(cache.cache.explain, "k", POLICY)
    data = json.dumps(attrs.asdict(told))
    lines = str(told).splitlines()

    assert 80 >= max(map(len, lines))
    assert 9 <= len(lines) <= 15
    assert "s3cr3t" not in str(told) + repr(told) + data
    assert "fresh" == json.loads(data)["memory"]["state"]
