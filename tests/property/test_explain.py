"""`explain` foretells what the next lookup does, whatever went before, and no more.

Two processes on one scripted Redis; what happens to them is drawn. After each step
one is asked to explain, nothing has changed by that, and then it looks up.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import attrs
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from hybridcache import (
    Cache,
    Event,
    Explanation,
    HitFresh,
    HitStale,
    LoadFailedElsewhere,
    Memory,
    Outcome,
    Policy,
    Refresh,
    UpstreamDown,
)
from hybridcache.engine.node import Node
from hybridcache.testing import ScriptedUpstream
from tests.eventually import eventually

KEY: Final = "k"
POLICIES: Final = (
    Policy(fresh_for=10, ttl=100, retry_after=30),
    Policy(fresh_for=10, ttl=100, refresh_ahead=0.5, max_stale=20),
    Policy(fresh_for=10, ttl=100, error_ttl=40, memory_ttl=15),
    Policy(fresh_for=0, ttl=5, suppress="process"),
    Policy(fresh_for=10, ttl=100, error_ttl=40, suppress="none"),
)


class LoaderError(Exception):
    """The loader's own."""


@attrs.define
class Process:
    """One process: a cache with a memory, and whether its loader fails."""

    cache: Cache
    events: list[Event]
    registry: CollectorRegistry
    fails: bool = False

    def load(self) -> int:
        """Load, or fail."""
        if self.fails:
            msg = "of the loader"
            raise LoaderError(msg)
        return 1

    @property
    def node(self) -> Node:
        """Its machines."""
        return self.cache._state.wiring.ctx.node

    def look_up(self, policy: Policy) -> Outcome[int] | Exception:
        """Look the key up, and wait until its refresh has ended."""
        try:
            return self.cache.outcome(KEY, self.load, policy)
        except (LoaderError, LoadFailedElsewhere) as error:
            return error
        finally:
            eventually(lambda: not len(self.node.flights))
            # What is read meanwhile shall be as the refresh left it.
            eventually(lambda: not self.cache._state.workers._busy)


@attrs.define
class World:
    """What the steps act on."""

    redis: ScriptedUpstream
    one: Process
    other: Process


Step: TypeAlias = Callable[[World, Policy], object]


def _is_failing(fails: bool) -> Step:
    def step(world: World, _: Policy) -> None:
        world.one.fails = world.other.fails = fails

    return step


def _forget(world: World, _: Policy) -> None:
    node = world.one.node
    assert node.tier is not None
    with node.lock:
        node.tier.drop((node.namespace, KEY))


def _cut(world: World, _: Policy) -> None:
    """The subscription ends, and is whole again with the next second."""
    world.redis._cut()


def _put(data: bytes) -> Step:
    def step(world: World, _: Policy) -> None:
        world.redis.model.put_raw("p:{k}", data)

    return step


def _claim(world: World) -> None:
    """Have the load of a third process, which is about to die, hold the lease."""
    world.redis.model.call("SET", "p:{k}:lease", "t" * 16, "PX", 3000)


STEPS: Final[dict[str, Step]] = {
    "one looks up": lambda world, policy: world.one.look_up(policy),
    "other looks up": lambda world, policy: world.other.look_up(policy),
    "one invalidates": lambda world, _: world.one.cache.invalidate(KEY),
    "other invalidates": lambda world, _: world.other.cache.invalidate(KEY),
    "other clears": lambda world, _: world.other.cache.clear(),
    "a second": lambda world, _: world.redis.clock.advance(1),
    "six seconds": lambda world, _: world.redis.clock.advance(6),
    "half a minute": lambda world, _: world.redis.clock.advance(30),
    "loaders fail": _is_failing(True),
    "loaders work": _is_failing(False),
    "Redis refuses": lambda world, _: world.redis.refuse(),
    "Redis is back": lambda world, _: world.redis.heal(),
    "memory forgets": _forget,
    "cut off": _cut,
    "foreign bytes": _put(b"foreign"),
    "empty bytes": _put(b""),
    "an eviction": lambda world, _: world.redis.model.evict("p:{k}"),
    "no marker": lambda world, _: world.redis.model.evict("p:{}:marker"),
}


@contextmanager
def _world() -> Iterator[World]:
    redis = ScriptedUpstream()

    def process() -> Process:
        events: list[Event] = []
        registry = CollectorRegistry()
        cache = Cache(
            prefix="p:",
            upstream=redis,
            downstream=Memory(),
            clock=redis.clock,
            observer=events.append,
            registry=registry,
        )
        return Process(cache, events, registry)

    one, other = process(), process()
    try:
        yield World(redis, one, other)
    finally:
        redis.heal()
        one.cache.close()
        other.cache.close()


def _state(world: World) -> object:
    """Return all that an explanation might have changed."""
    node = world.one.node
    assert node.tier is not None
    kept = node.tier.peek((node.namespace, KEY), 0.0)
    return (
        dict(world.redis.model._space.living()),
        None if kept is None else (id(kept), kept.freq, kept.epoch, kept.until),
        dict(node.tier.removals),
        (node.gate.breaker, node.gate.refusals, node.gate.answered_at),
        (node.whole, node.epoch, node.marker),
        (len(node.fills), len(node.readings), len(node.leases), len(node.watches)),
        list(world.one.events),
        generate_latest(world.one.registry),
        world.redis.clock(),
    )


def _agrees(told: Explanation, came: Outcome[int] | Exception) -> bool:
    """Whether a lookup did what was told."""
    action, tier = told.lookup.action, told.lookup.tier
    match came:
        case HitFresh(tier=served):
            return action in ("serve", "serve-and-refresh") and served.value == tier
        case HitStale(tier=served, refresh=Refresh.STARTED):
            return action == "serve-and-refresh" and served.value == tier
        case HitStale(tier=served):
            return action == "serve-held-off" and served.value == tier
        case UpstreamDown():
            return action == "load" and bool(told.down)
        case LoadFailedElsewhere():
            return action == "fail"
        case Exception():
            return action in ("fail", "load")
        case _:
            return action == "load"


@given(
    steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=12),
    policy=st.sampled_from(POLICIES),
    again=st.sampled_from(POLICIES),
    claimed=st.booleans(),
)
def test_it_foretells_and_changes_nothing(
    steps: list[str], policy: Policy, again: Policy, claimed: bool
) -> None:
    """The next lookup does what was told, and the telling left no trace."""
    with _world() as world:
        for step in steps:
            STEPS[step](world, policy)
        if claimed:
            _claim(world)
        before = _state(world)

        told = world.one.cache.explain(KEY, again)

        assert before == _state(world)
        if told.lookup.action == "wait":
            # Not carried out: it would take the lease's three seconds.
            assert claimed
            return
        came: Any = world.one.look_up(again)

        assert _agrees(told, came), (str(told), came)
