"""Any script of answers, faults, deaths and invalidations ends as it must."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from hybridcache.core.errors import LoadFailedElsewhere, LoadTimeout
from hybridcache.core.outcome import (
    HitFresh,
    HitStale,
    Miss,
    Outcome,
    Peeked,
    Suppressed,
    UpstreamDown,
)
from hybridcache.core.policy import Policy
from hybridcache.engine.command import Flow
from hybridcache.engine.drive import adrive, drive
from hybridcache.engine.entry_requests import Invalidate
from hybridcache.engine.invalidate import invalidate
from hybridcache.engine.lookup import look_up, refresh
from hybridcache.engine.observed import observed
from hybridcache.engine.peek import peek
from tests.fakes import FakeAsyncPorts, FakePorts
from tests.parts import (
    Words,
    memory_tier,
    node_of,
)
from tests.world import (
    KEY,
    POLICY,
    Killed,
    LoaderError,
    World,
)

Ended = Outcome[str] | Peeked[str] | BaseException

POLICIES = [
    POLICY,
    POLICY.evolve(suppress="process"),
    POLICY.evolve(suppress="none"),
    POLICY.evolve(run_in="caller"),
    POLICY.evolve(stale_wait=1, max_stale=5, refresh_ahead=0.3),
    POLICY.evolve(stale_wait=1, error_ttl=2),
    POLICY.evolve(memory_ttl=4, share=True, jitter=0.3),
]
CALLS = ["look_up", "look_up", "look_up", "refresh", "peek", "bypass"]

scripts = st.lists(st.integers(0, 2**16), max_size=60)
calls = st.lists(st.sampled_from(CALLS), min_size=1, max_size=4)
policies = st.sampled_from(POLICIES)
redis_or_not = st.sampled_from([True, True, True, False])
memory_or_not = st.sampled_from([True, True, True, False])
shapes = st.builds(Words, immutable=st.booleans())


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world with any script, policy and tiers."""
    return _world(
        draw(scripts),
        draw(policies),
        draw(shapes),
        memory=draw(memory_or_not),
        redis=draw(redis_or_not),
    )


def _world(
    script: list[int],
    policy: Policy = POLICY,
    shape: Words | None = None,
    *,
    memory: bool = True,
    redis: bool = True,
) -> World:
    tier = memory_tier() if memory else None
    return World(
        iter(script),
        node_of(tier, redis=redis),
        policy=policy,
        shape=Words() if shape is None else shape,
    )


def _flow(world: World, call: str) -> Flow[Outcome[str]] | Flow[Peeked[str]]:
    query = world.query(bypass=call == "bypass")
    flows: dict[str, Callable[[], Flow[Outcome[str]] | Flow[Peeked[str]]]] = {
        "refresh": lambda: observed(
            world.context(), query, refresh(world.context(), query)
        ),
        "peek": lambda: peek(world.context(), query),
    }
    return flows.get(
        call,
        lambda: observed(world.context(), query, look_up(world.context(), query)),
    )()


def _ended(world: World, call: str) -> Ended:
    """Make one call, check how it ended, and return that."""
    began = world.order
    invalidated_at = world.invalidated_at
    try:
        ended = drive(_flow(world, call), FakePorts(world))
    except (Exception, Killed) as error:  # noqa: BLE001 (judged below)
        _check_error(world, error)
        return error
    _check_outcome(world, ended, began, invalidated_at)
    return ended


def _check_error(world: World, error: BaseException) -> None:
    if isinstance(error, LoaderError):
        assert any(error is one for one in world.errors)
    elif isinstance(error, TypeError):
        assert world.not_modified
    else:
        assert isinstance(error, LoadTimeout | LoadFailedElsewhere | Killed)


def _check_outcome(
    world: World,
    ended: Outcome[str] | Peeked[str],
    began: int,
    invalidated_at: int,
) -> None:
    assert isinstance(ended, HitFresh | HitStale | Miss | Suppressed | UpstreamDown)
    if isinstance(ended, HitFresh | HitStale):
        # A value may have been stored with a life of its own (15 of 20 seconds).
        assert 0.0 <= ended.age < POLICY.ttl
        assert not (isinstance(ended, HitFresh) and ended.age >= POLICY.fresh_for)
    if world.not_modified:
        # An old value was found to be current: all of the rest is about new ones.
        return
    assert ended.value not in ("redis-expired", "cleared", "?")
    made_at = world.begun.get(str(ended.value), began + 1)
    assert not (made_at < invalidated_at <= began)


def _check_settled(world: World) -> None:
    """Check that nothing is left over once all has ended."""
    node = world.node
    assert (0, 0, 0, 0, 0, 0) == (
        len(node.flights),
        len(node.checks),
        len(node.readings),
        len(node.fills),
        len(node.leases),
        len(node.watches),
    )
    assert all(latch.answer is not None for latch in world.latches)
    given_back = {one.token for one in node.leases.to_release(float("-inf"))}
    assert world.granted - world.closed <= given_back


def _finish(world: World) -> None:
    """Run what still runs in the background."""
    while world.pending:
        with suppress(Killed):
            drive(world.pending.pop(0), FakePorts(world))


@given(worlds(), calls)
def test_any_script(world: World, made: list[str]) -> None:
    """Every call has one end of its own, and every flight, fill and lease another."""
    for call in made:
        _ended(world, call)
        world.now += world.draw([0.0, 1.0, 11.0, 25.0])
    _finish(world)

    _check_settled(world)


@given(worlds(), calls)
def test_lost_writes(world: World, made: list[str]) -> None:
    """A load whose write came too late is in no tier."""
    for call in made:
        _ended(world, call)
    _finish(world)

    kept = None if world.node.tier is None else world.node.tier.peek(("ns", KEY), 0.0)
    if kept is not None and not world.not_modified:
        value = str(kept.form.open()).encode()
        assert not any(rest.endswith(value) for rest in world.lost)


@given(scripts, calls, policies, shapes, redis_or_not)
def test_colours(
    script: list[int],
    made: list[str],
    policy: Policy,
    shape: Words,
    redis: bool,
) -> None:
    """Threads and tasks come to equal ends by equal scripts."""

    async def awaited(world: World, call: str) -> Ended:
        try:
            return await adrive(_flow(world, call), FakeAsyncPorts(world))
        except (Exception, Killed) as error:  # noqa: BLE001 (compared)
            return error

    one = _world(script, policy, shape, redis=redis)
    other = _world(script, policy, shape, redis=redis)
    for call in made:
        expected = _ended(one, call)
        actual = asyncio.run(awaited(other, call))
        if isinstance(expected, BaseException):
            assert repr(expected) == repr(actual)
        else:
            assert expected == actual
    assert one.events == other.events
    assert one.asked == other.asked


@given(scripts, policies)
def test_without_redis(script: list[int], policy: Policy) -> None:
    """Nothing is asked of a Redis that is not there."""
    world = _world(script, policy, redis=False)
    for call in CALLS:
        _ended(world, call)
    _finish(world)

    assert [] == world.asked


@given(worlds())
def test_bypass(world: World) -> None:
    """A call that bypasses the cache reads and writes nothing."""
    _ended(world, "bypass")

    assert [] == world.asked
    assert world.node.tier is None or world.node.tier.items == 0


@given(worlds())
def test_peek(world: World) -> None:
    """A peek calls no loader and takes no lease."""
    _ended(world, "peek")

    assert {} == world.begun
    assert set() == world.granted


@given(worlds(), calls)
def test_invalidation(world: World, made: list[str]) -> None:
    """After an invalidation nothing older is served, whatever Redis said to it."""
    for call in made:
        _ended(world, call)
        with suppress(Killed):
            drive(invalidate(world.context(), KEY), FakePorts(world))
        world.order += 1
        world.invalidated_at = world.order
        _ended(world, call)
    _finish(world)

    _check_settled(world)
    assert any(isinstance(one, Invalidate) for one in world.asked) or (
        world.node.channel is None or world.node.gate.breaker.generation > 0
    )
