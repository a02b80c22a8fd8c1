"""Single flows with every answer given: what random scripts seldom come to."""

import itertools
from typing import TypeVar, cast

import attrs
import pytest

from hybridcache.core.errors import LoadTimeout
from hybridcache.core.outcome import (
    HitFresh,
    HitStale,
    Invalidated,
    Miss,
    Refresh,
    Scope,
    Suppressed,
    Tier,
    UpstreamDown,
)
from hybridcache.core.reply import NOT_MODIFIED
from hybridcache.engine.channel_requests import Clear, ReadMarker
from hybridcache.engine.current import Loader
from hybridcache.engine.drive import drive
from hybridcache.engine.entry_requests import Found, Lost, Write, Written
from hybridcache.engine.form import Shape
from hybridcache.engine.invalidate import clear
from hybridcache.engine.latch import Latch
from hybridcache.engine.lease_requests import Acquire, Granted, Held
from hybridcache.engine.lookup import look_up
from hybridcache.engine.observed import observed
from hybridcache.engine.request import Fault, Request, Trouble
from tests.fakes import FakePorts
from tests.parts import (
    MARKER,
    memory_tier,
    node_of,
)
from tests.world import (
    DOWN,
    EPOCH_US,
    KEY,
    OTHER,
    POLICY,
    REFUSED,
    Killed,
    World,
    entry,
)

T = TypeVar("T")

FRESH = Found(entry(b"redis", 1), EPOCH_US)
STALE = Found(entry(b"redis", 12), EPOCH_US)
NOTHING = Found(None, EPOCH_US)
WRITTEN = Written(EPOCH_US, EPOCH_US)


@attrs.frozen
class Letters:
    """The codec of lists of letters, which can be changed."""

    fingerprint: bytes = b"f" * 8
    immutable: bool = False

    def encode(self, value: list[str]) -> bytes:
        """Encode."""
        return "".join(value).encode()

    def decode(self, data: bytes) -> list[str]:
        """Decode."""
        return list(data.decode())


@attrs.define(eq=False)
class Told(World):
    """A world in which nothing happens but the answers that were given."""

    answers: list[object] = attrs.field(factory=list)

    def step(self) -> None:
        """Let nothing happen."""

    def _answer(self, request: object) -> object:
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def told(*answers: object, letters: bool = False) -> Told:
    """Make a world of these answers."""
    world = Told(itertools.repeat(0), node_of(memory_tier(), redis=True))
    world.answers = list(answers)
    if letters:
        world.shape = cast("Shape[str]", Letters())
    return world


def looked_up(world: Told, loader: Loader = lambda: "loaded") -> object:
    """Look the key up; leave the refresh for later."""
    query = world.query(loader)
    flow = observed(world.context(), query, look_up(world.context(), query))
    return drive(flow, FakePorts(world))


def refreshed(world: Told) -> None:
    """Run the loads in the background."""
    while world.pending:
        drive(world.pending.pop(0), FakePorts(world))


def kinds(world: Told) -> list[type[Request[object]]]:
    """Say what was asked."""
    return [type(request) for request in world.asked]


def kept(world: Told) -> object:
    """Say what memory holds."""
    assert world.node.tier is not None
    record = world.node.tier.peek(("ns", KEY), world.now)
    return None if record is None else record.form.open()


def test_miss() -> None:
    """A cold key is loaded under a lease and stored in both tiers."""
    world = told(NOTHING, Granted(), WRITTEN)
    expected = Miss(
        "loaded", load_seconds=0.0, stored=frozenset({Tier.REDIS, Tier.MEMORY})
    )

    assert expected == looked_up(world)
    assert HitFresh("loaded", tier=Tier.MEMORY, age=0.0) == looked_up(world)


def test_lost() -> None:
    """A write whose token no longer stands leaves the value with its callers alone."""
    world = told(NOTHING, Granted(), Lost())

    assert Miss("loaded", load_seconds=0.0, stored=frozenset()) == looked_up(world)
    assert kept(world) is None


def test_refused() -> None:
    """A write that Redis refuses is a miss stored in memory alone."""
    world = told(NOTHING, Granted(), REFUSED)
    expected = Miss("loaded", load_seconds=0.0, stored=frozenset({Tier.MEMORY}))

    assert expected == looked_up(world)


def test_down_at_the_read() -> None:
    """A read without an answer is a load without a lease, kept and never written."""
    world = told(DOWN)

    assert UpstreamDown("loaded", cause=DOWN.cause, tier=Tier.LOADER) == looked_up(
        world
    )
    assert "loaded" == kept(world)
    assert 1 == len(world.asked)


def test_down_at_the_write() -> None:
    """A write without an answer leaves a suspect entry, checked before its use."""
    world = told(NOTHING, Granted(), DOWN, NOTHING, FRESH)

    looked_up(world)

    assert HitFresh("redis", tier=Tier.REDIS, age=1.0) == looked_up(world)


def test_blind_waiter_adopts() -> None:
    """A waiter that cannot trust its subscription takes what the holder stored."""
    world = told(NOTHING, Held(OTHER, 1.0), FRESH, MARKER)
    world.node.distrust()

    outcome = looked_up(world)

    assert isinstance(outcome, Suppressed)
    assert ("redis", Scope.CLUSTER) == (outcome.value, outcome.scope)
    assert [Acquire, Acquire, ReadMarker] == kinds(world)[1:]


def test_blind_waiter_after_a_clear() -> None:
    """What was stamped before a clear is no value for a blind waiter either."""
    world = told(NOTHING, FRESH, b"n" * 16, Granted(), b"n" * 16, WRITTEN)
    world.node.distrust()

    outcome = looked_up(world)

    assert isinstance(outcome, Miss)
    assert "loaded" == outcome.value


@pytest.mark.parametrize("unsure", [False, True])
def test_a_lease_is_owed_where_it_may_have_been_granted(*, unsure: bool) -> None:
    """A reply of no form that it can have may stand for a lease; a refusal does not."""
    world = told(NOTHING, Fault(Trouble.REFUSED, "no", unsure=unsure))
    looked_up(world)

    assert unsure == bool(world.node.leases.to_release(0.0))


@pytest.mark.parametrize("answers", [[Killed()], [Granted(), Killed()]])
def test_killed_while_it_takes_the_lease(answers: list[object]) -> None:
    """A load that dies between asking and having leaves its lease to the keeper."""
    world = told(NOTHING, *answers)
    world.node.marker = None
    with pytest.raises(LoadTimeout):
        drive(
            look_up(world.context(), world.query(lambda: "loaded")),
            _OneLoad(world),
        )

    given_back = {one.token for one in world.node.leases.to_release(0.0)}
    assert given_back >= {one.token for one in world.asked if isinstance(one, Acquire)}


@attrs.frozen
class _OneLoad(FakePorts):
    """Ports on which time is up when the first load has died."""

    def wait(self, latch: Latch[T], timeout: float) -> T | None:
        answer = super().wait(latch, timeout)
        self.world.now += 100.0
        return answer


def test_followers_of_an_adopted_entry_are_apart() -> None:
    """Who shares an entry that a load found in Redis gets an object of one's own."""
    world = told(NOTHING, Found(entry(b"ab", 1), EPOCH_US), letters=True)
    outcome = looked_up(world)
    (latch,) = world.latches
    assert isinstance(outcome, HitFresh)

    cast("list[str]", outcome.value).append("c")

    assert latch.answer is not None
    form = getattr(latch.answer, "form", None)
    assert ["a", "b"] == form.open()  # type: ignore[union-attr]  # it was adopted
    assert form.open() is not form.open()  # type: ignore[union-attr]  # see above


def test_a_caller_cannot_change_what_a_refresh_keeps() -> None:
    """A stale value that its caller changed is not what NotModified() stores."""
    world = told(Found(entry(b"ab", 12), EPOCH_US), Granted(), WRITTEN, letters=True)
    outcome = looked_up(world, lambda: NOT_MODIFIED)
    assert isinstance(outcome, HitStale)

    cast("list[str]", outcome.value).append("c")
    refreshed(world)

    assert ["a", "b"] == kept(world)
    (write,) = (one for one in world.asked if isinstance(one, Write))
    assert write.rest.endswith(b"ab")
    assert not write.rest.endswith(b"abc")


def test_held_off() -> None:
    """After a failed refresh the stale value is served, and no refresh starts."""
    world = told(STALE, Granted(), True)

    def fail() -> object:
        raise LookupError

    first = looked_up(world, fail)
    refreshed(world)
    second = looked_up(world, fail)

    assert isinstance(first, HitStale)
    assert isinstance(second, HitStale)
    assert (Refresh.STARTED, Refresh.HELD_OFF) == (first.refresh, second.refresh)
    world.now += POLICY.retry_after
    third = looked_up(world, fail)
    assert isinstance(third, HitStale)
    assert Refresh.STARTED == third.refresh


def test_a_clear_that_did_not_arrive() -> None:
    """After a clear without an answer the marker is unknown, not the new one."""
    world = told(DOWN)

    assert Invalidated(reached_redis=False) == drive(
        clear(world.context()), FakePorts(world)
    )
    assert world.node.marker is None
    assert [Clear] == kinds(world)


def test_a_loader_that_raises_stop_iteration() -> None:
    """A loader's StopIteration is a RuntimeError, as in any generator (PEP 479)."""
    world = told(NOTHING, Granted(), True)

    def stop() -> object:
        raise StopIteration

    with pytest.raises(RuntimeError, match="StopIteration"):
        looked_up(world, stop)
