"""What a lookup waits for ends by its deadline; flows are stepped through by hand.

Both colours run the same flows: what is yielded here is what either would do.
"""

import itertools
from typing import Protocol

import attrs
import pytest

from hybridcache.core.errors import LoadTimeout
from hybridcache.core.outcome import HitFresh
from hybridcache.engine.command import Ask, Await, Command, Flow, Spawn
from hybridcache.engine.context import Context, Query
from hybridcache.engine.drive import drive
from hybridcache.engine.flights import Loaded
from hybridcache.engine.form import Whole
from hybridcache.engine.lease_requests import Held
from hybridcache.engine.lookup import look_up, refresh
from hybridcache.engine.peek import peek
from tests.fakes import FakePorts
from tests.parts import MARKER
from tests.unit.test_flow_traps import FRESH, NOTHING, Told, told
from tests.world import DOWN, KEY, OTHER, POLICY, REDIS, Killed

HURRIED = POLICY.evolve(wait_for=0.05)


class Call(Protocol):
    """A flow that looks a key up."""

    def __call__(self, ctx: Context, query: Query[str], /) -> Flow[object]:
        """Make it."""
        ...


@attrs.define(eq=False)
class Stepped:
    """One flow, a command at a time."""

    flow: Flow[object]
    at: Command[object] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Go to the first command."""
        self.at = next(self.flow)

    def goes_on(self, answer: object) -> None:
        """Go to the next command."""
        self.at = self.flow.send(answer)

    def ends(self, answer: object) -> object:
        """Go to the end, and return what the flow does."""
        with pytest.raises(StopIteration) as end:
            self.flow.send(answer)
        return end.value.value

    def cancel(self) -> None:
        """Cancel the caller."""
        with pytest.raises(Killed):
            self.flow.throw(Killed())

    @property
    def asks(self) -> float:
        """How long the request that it makes may take."""
        assert isinstance(self.at, Ask)
        return self.at.timeout

    @property
    def waits(self) -> float:
        """How long it waits for a latch."""
        assert isinstance(self.at, Await)
        return self.at.timeout


def looks_up(world: Told, ctx: Context | None = None) -> Stepped:
    """Begin a lookup."""
    return Stepped(look_up(ctx or world.context(), world.query(lambda: "loaded")))


def hurried() -> Told:
    """Make a world whose callers have little time."""
    world = told()
    world.policy = HURRIED
    return world


def suspecting(world: Told) -> Told:
    """Have memory hold an entry that is to be checked before use."""
    world.answers.append(FRESH)
    drive(look_up(world.context(), world.query()), FakePorts(world))
    world.node.distrust()
    world.node.subscribed(MARKER)
    return world


def failures(world: Told) -> int:
    """Return how many failures in a row the breaker counted."""
    return world.node.gate.breaker.failures


# The deadline


def test_a_request_gets_what_is_left() -> None:
    """A check, a read and a wait for the load get the time that is left, no more."""
    world = suspecting(hurried())
    caller = looks_up(world)
    assert REDIS.timeout == caller.asks
    world.now += 0.2
    caller.goes_on(NOTHING)
    assert pytest.approx(0.1) == caller.asks
    world.now += 0.05
    caller.goes_on(NOTHING)
    assert isinstance(caller.at, Spawn)
    caller.goes_on(None)

    assert pytest.approx(0.05) == caller.waits


@pytest.mark.parametrize("suspect", [True, False])
@pytest.mark.parametrize("call", [look_up, refresh, peek])
def test_a_follower_takes_over_with_what_is_left(call: Call, suspect: bool) -> None:
    """Who waited for a read that was cancelled reads with the time that is left."""
    world = suspecting(hurried()) if suspect else hurried()
    ctx = world.context()
    leader = looks_up(world, ctx)
    follower = Stepped(call(ctx, world.query()))
    assert REDIS.timeout == follower.waits
    world.now += 0.24
    leader.cancel()
    follower.goes_on(None)

    assert pytest.approx(0.06) == follower.asks


@pytest.mark.parametrize("suspect", [True, False])
def test_a_follower_waits_no_longer_than_its_deadline(suspect: bool) -> None:
    """Who joins a read late waits for it until its own deadline, and is told then."""
    world = suspecting(hurried()) if suspect else hurried()
    ctx = world.context()
    leader, follower = looks_up(world, ctx), looks_up(world, ctx)
    world.now += 0.2
    leader.cancel()
    leader = looks_up(world, ctx)
    follower.goes_on(None)

    assert pytest.approx(0.1) == follower.waits
    world.now += 0.11
    if suspect:
        # What memory holds is served, as where Redis does not answer.
        assert isinstance(follower.ends(None), HitFresh)
    else:
        follower.goes_on(None)
        assert isinstance(follower.at, Spawn)
    leader.cancel()


@pytest.mark.parametrize("suspect", [True, False])
def test_out_of_time_a_caller_learns_nothing_for_others(suspect: bool) -> None:
    """A follower with time left reads itself when the reader's deadline cut it short."""
    world = suspecting(hurried()) if suspect else hurried()
    ctx = world.context()
    first, reader = looks_up(world, ctx), looks_up(world, ctx)
    world.now += 0.29
    first.cancel()
    reader.goes_on(None)
    assert pytest.approx(0.01) == reader.asks
    follower = looks_up(world, ctx)
    world.now += 0.01
    if suspect:
        assert isinstance(reader.ends(DOWN), HitFresh)
    else:
        reader.goes_on(DOWN)
    follower.goes_on(None)

    assert REDIS.timeout == follower.asks
    follower.cancel()


def test_out_of_time_nothing_is_asked() -> None:
    """At its deadline a caller gets LoadTimeout; the load it began asks with its own."""
    world = hurried()
    caller = looks_up(world)
    world.now += 0.30
    caller.goes_on(DOWN)
    assert isinstance(caller.at, Spawn)
    begun = Stepped(caller.at.flow)
    caller.goes_on(None)
    assert 0.0 >= caller.waits
    with pytest.raises(LoadTimeout):
        caller.flow.send(None)

    assert REDIS.timeout == begun.asks
    begun.cancel()


# What counts against the breaker


@pytest.mark.parametrize(("waited", "counted"), [(0.1, 0), (0.13, 1)])
def test_a_cancelled_request_that_took_long_counts(waited: float, counted: int) -> None:
    """Cancelled after half of its timeout a request is a failure, before it is none."""
    world = told()
    caller = looks_up(world)
    world.now += waited
    caller.cancel()

    assert counted == failures(world)


def test_impatient_callers_do_not_blame_a_redis_that_answers() -> None:
    """Cancelled late, a request is no failure if another was answered meanwhile."""
    world = told()
    waiting = [looks_up(world, world.context()) for _ in range(3)]
    world.now += 0.1
    looks_up(world, world.context()).goes_on(NOTHING)
    world.now += 0.1
    for caller in waiting:
        caller.cancel()

    assert 0 == failures(world)


def test_a_request_is_told_its_callers_deadline() -> None:
    """With the waiting for its turn a request takes no longer than its caller has."""
    world = told()
    asked = looks_up(world).at
    assert isinstance(asked, Ask)

    assert POLICY.wait_for + REDIS.timeout == pytest.approx(asked.patience)


def test_impatient_callers_open_the_breaker() -> None:
    """Callers that all give up before the timeout find out that Redis hangs."""
    world = told()
    for _ in range(3):
        caller = looks_up(world)
        world.now += 0.2
        caller.cancel()

    barred = world.node.gate.barred()
    assert barred is not None
    assert "no answer within 0.2 s (Killed)" in barred.cause


def test_a_dead_loops_request_counts_for_nothing() -> None:
    """A request whose event loop is gone, collected whenever, is no failure of Redis."""
    world = told()
    caller = looks_up(world)
    world.now += 100.0
    caller.flow.close()

    assert 0 == failures(world)


@pytest.mark.parametrize(
    ("left", "took", "counted"), [(0.06, 0.06, 0), (0.06, 0.01, 1)]
)
def test_a_request_cut_short_counts_for_nothing(
    left: float, took: float, counted: int
) -> None:
    """No answer in the little time left is no failure; a refused connection is one."""
    world = hurried()
    ctx = world.context()
    leader, follower = looks_up(world, ctx), looks_up(world, ctx)
    world.now += 0.3 - left
    leader.flow.close()
    follower.goes_on(None)
    world.now += took
    follower.goes_on(DOWN)

    assert counted == failures(world)


# Reads that are shared


@pytest.mark.parametrize("suspect", [True, False])
def test_readers_of_two_caches_share_among_themselves(suspect: bool) -> None:
    """While one cache reads a key, the callers of another share one read of theirs."""
    world = suspecting(told()) if suspect else told()
    one, two = world.context(), world.context()
    readers = [looks_up(world, one), looks_up(world, two)]
    followers = [looks_up(world, one), looks_up(world, two)]

    assert [Ask, Ask] == [type(each.at) for each in readers]
    assert [Await, Await] == [type(each.at) for each in followers]
    for each in readers:
        each.cancel()


@pytest.mark.parametrize("suspect", [True, False])
def test_what_landed_is_what_later_lookups_get(suspect: bool) -> None:
    """Who looks a key up after it was refreshed shares no read that began before."""
    world = suspecting(told()) if suspect else told()
    ctx = world.context()
    early = looks_up(world, ctx)
    flight, _ = world.node.join(
        world.node.flights, KEY, world.shape.fingerprint, now=world.now, owned_for=9.0
    )
    world.node.land(flight, Loaded(Whole("new"), 0.0, frozenset()))
    late = looks_up(world, ctx)

    assert isinstance(late.at, Ask)
    for each in (early, late):
        each.cancel()


# What a LoadTimeout says


def test_a_timeout_says_that_another_process_loads() -> None:
    """Where another process has the lease, nothing is said of a load of this one."""
    world = told(NOTHING, Held(OTHER, 100.0))
    # No message ends a wait.
    world.script = itertools.repeat(1)
    with pytest.raises(LoadTimeout, match="another process's load takes longer"):
        drive(look_up(world.context(), world.query()), FakePorts(world))


def test_a_timeout_says_that_no_load_has_begun() -> None:
    """Where the load waits for Redis yet, no value is promised."""
    world = told()
    caller = looks_up(world)
    caller.goes_on(NOTHING)
    caller.goes_on(None)
    world.now += POLICY.wait_for + REDIS.timeout
    with pytest.raises(LoadTimeout, match=r"yet to begin.*a longer wait_for"):
        caller.flow.send(None)
