"""`explain` foretells what the next lookup does, whatever went before, and no more.

Three processes on one scripted Redis; what happens to two of them is drawn. Then one
may be at a refresh, and the third at a load, that hang. One is asked to explain,
nothing has changed by that, and it looks up; what it waits for ends meanwhile.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
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
    Scope,
    Suppressed,
    UpstreamDown,
)
from hybridcache.engine.lease_requests import Settle
from hybridcache.engine.names import channel_of, names_of
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
    Policy(fresh_for=5, ttl=100, stale_wait=2, retry_after=3),
    Policy(fresh_for=5, ttl=100, stale_wait=5, refresh_ahead=0.1, suppress="process"),
)
# Longest that anything may take, real seconds; a hang fails the test.
WITHIN: Final = 20.0


class LoaderError(Exception):
    """The loader's own."""


@attrs.define
class Process:
    """One process: a cache with a memory, and a loader that may fail or hang."""

    cache: Cache
    events: list[Event]
    registry: CollectorRegistry
    fails: bool = False
    begun: threading.Event = attrs.field(factory=threading.Event)
    gate: threading.Event = attrs.field(factory=threading.Event)

    def __attrs_post_init__(self) -> None:
        self.gate.set()

    def load(self) -> int:
        """Load, or fail, once the gate is open."""
        self.begun.set()
        assert self.gate.wait(WITHIN)
        if self.fails:
            msg = "of the loader"
            raise LoaderError(msg)
        return 1

    @property
    def node(self) -> Node:
        """Its machines."""
        return self.cache._state.wiring.ctx.node

    def look_up(self, policy: Policy) -> Outcome[int] | Exception:
        """Look the key up."""
        try:
            return self.cache.outcome(KEY, self.load, policy)
        except (LoaderError, LoadFailedElsewhere) as error:
            return error

    def settle(self) -> None:
        """Wait until loads and refreshes have ended."""
        self.gate.set()
        eventually(lambda: not len(self.node.flights))
        # What is read meanwhile shall be as the refresh left it.
        eventually(lambda: not self.cache._state.workers._busy)

    def look_up_and_settle(self, policy: Policy) -> Outcome[int] | Exception:
        """Look the key up, and wait until its refresh has ended."""
        try:
            return self.look_up(policy)
        finally:
            self.settle()

    def begin(self, policy: Policy) -> "Future[Any] | None":
        """Begin a load or a refresh that hangs, if a lookup would do one now."""
        action = self.cache.explain(KEY, policy).lookup.action
        if action not in ("load", "serve-and-refresh", "serve-after-wait"):
            return None
        self.begun.clear()
        self.gate.clear()
        ended = self.start(policy)
        eventually(lambda: self.begun.is_set() or ended.done())
        if ended.done():
            # The refresh may be on its way to the loader, or find that it need not.
            eventually(lambda: self.begun.is_set() or not len(self.node.flights))
        # With suppress="none" its flight is nobody else's, and not on the table.
        eventually(lambda: ended.done() or self.callers or not len(self.node.flights))
        if ended.done() and not self.begun.is_set():
            self.settle()
        return ended

    @property
    def callers(self) -> int:
        """How many wait for the loads that can be joined."""
        return sum(flight.latch.waiting for flight in self.node.flights.flights())

    def start(self, policy: Policy) -> "Future[Any]":
        """Look the key up in a thread."""
        ended: Future[Any] = Future()
        threading.Thread(
            target=lambda: ended.set_result(self.look_up(policy)), daemon=True
        ).start()
        return ended


@attrs.define
class World:
    """What the steps act on."""

    redis: ScriptedUpstream
    one: Process
    other: Process
    third: Process


Step: TypeAlias = Callable[[World, Policy], object]


def _is_failing(fails: bool) -> Step:
    def step(world: World, _: Policy) -> None:
        world.one.fails = world.other.fails = world.third.fails = fails

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


def _leased(*term: str | int) -> Step:
    """Leave a lease behind whose holder has died."""

    def step(world: World, _: Policy) -> None:
        world.redis.model.call("SET", "p:{k}:lease", "t" * 16, *term)

    return step


def _shut(world: World, policy: Policy) -> None:
    """Have Redis refuse writes until one process asks for none."""
    world.redis.refuse_writes()
    for number in range(3):
        world.one.cache.outcome(f"other {number}", lambda: 1, policy)
    world.one.settle()


STEPS: Final[dict[str, Step]] = {
    "one looks up": lambda world, policy: world.one.look_up_and_settle(policy),
    "other looks up": lambda world, policy: world.other.look_up_and_settle(policy),
    "one invalidates": lambda world, _: world.one.cache.invalidate(KEY),
    "other invalidates": lambda world, _: world.other.cache.invalidate(KEY),
    "other clears": lambda world, _: world.other.cache.clear(),
    "a second": lambda world, _: world.redis.clock.advance(1),
    "six seconds": lambda world, _: world.redis.clock.advance(6),
    "half a minute": lambda world, _: world.redis.clock.advance(30),
    "loaders fail": _is_failing(True),
    "loaders work": _is_failing(False),
    "Redis refuses": lambda world, _: world.redis.refuse(),
    "Redis refuses writes": _shut,
    "an endless lease": _leased(),
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

    processes = [process() for _ in range(3)]
    try:
        yield World(redis, *processes)
    finally:
        redis.heal()
        for each in processes:
            each.gate.set()
            each.cache.close()


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
        case _ if action == "serve-after-wait":
            return not isinstance(came, Exception)
        case Exception() if action in ("join", "wait"):
            # The load that was waited for failed, and so did this one's own.
            return True
        case Suppressed(scope=scope):
            return (action, scope) in (("join", Scope.PROCESS), ("wait", Scope.CLUSTER))
        case HitFresh(tier=served):
            serves = ("serve", "serve-and-refresh", "serve-held-off")
            return action in serves and served.value == tier
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
            # What it waited for may be no use to it: another marker, or none at all.
            return action in ("load", "wait")


def _carried_out(
    world: World, told: Explanation, policy: Policy
) -> Outcome[int] | Exception:
    """Look up as one, and end what that waits for once it does."""
    one, third = world.one, world.third
    one.begun.clear()
    waited_before = one.callers
    ended = one.start(policy)
    match told.lookup.action:
        case "join" | "serve-after-wait":
            eventually(
                lambda: (
                    ended.done() or one.begun.is_set() or one.callers > waited_before
                )
            )
        case "wait":
            _end_the_lease(world, told, ended)
        case _:
            eventually(lambda: ended.done() or one.begun.is_set())
    one.gate.set()
    came: Outcome[int] | Exception = ended.result(WITHIN)
    third.settle()
    one.settle()
    return came


def _end_the_lease(world: World, told: Explanation, ended: "Future[Any]") -> None:
    """End the load that holds the lease, once the lookup waits for it."""
    names = names_of("p:", KEY)

    def is_awaited() -> bool:
        lease = world.redis.model.call("GET", names.lease)
        return isinstance(lease, bytes) and lease.endswith(b"+")

    eventually(lambda: ended.done() or is_awaited())
    # That a write would be refused shows only when one is tried.
    assert not ended.done() or world.redis._refusal is not None
    if world.third.gate.is_set():
        # Its holder is dead, or cannot be reached: it is given back in its name.
        assert told.lease is not None
        channel = channel_of("p:", "x" * 16)
        world.redis.answer(Settle(names, told.lease.token, channel), 1.0)
    world.third.settle()


@given(
    steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=12),
    policy=st.sampled_from(POLICIES),
    again=st.sampled_from(POLICIES),
    claimed=st.booleans(),
    refreshing=st.booleans(),
)
def test_it_foretells_and_changes_nothing(
    steps: list[str], policy: Policy, again: Policy, claimed: bool, refreshing: bool
) -> None:
    """The next lookup does what was told, and the telling left no trace."""
    with _world() as world:
        for step in steps:
            STEPS[step](world, policy)
        if claimed:
            world.third.begin(policy)
        if refreshing:
            world.one.begin(policy)
        before = _state(world)

        told = world.one.cache.explain(KEY, again)

        assert before == _state(world)
        came = _carried_out(world, told, again)

        assert _agrees(told, came), (str(told), came)
