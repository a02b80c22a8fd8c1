"""A load whose token no longer stands stores nothing."""

import pytest
import redis

from hybridcache import HitFresh, Miss, StoreEnded, Suppressed, Tier
from hybridcache.engine.lease_requests import LEASE_MS
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import Load, awaited


@pytest.mark.parametrize("lease", [None, b"another's token!", b"x"])
def test_lease_gone(
    node: MakeNode, redis_url: str, client: "redis.Redis", lease: bytes | None
) -> None:
    """Deleted or overwritten, a lease is lost: the value is served and not stored."""
    one = node(redis_url).subscribed()
    load = Load(1, held=True)
    running = one.begin("k", load)
    load.begun()

    names = one.names("k")
    client.delete(names.lease)
    if lease is not None:
        client.set(names.lease, lease, px=LEASE_MS)
    load.release()
    outcome = running.result(10)

    assert isinstance(outcome, Miss)
    assert (1, frozenset()) == (outcome.value, outcome.stored)
    assert not client.exists(names.entry)
    assert not one.in_memory("k")
    assert lease == client.get(names.lease)
    assert "lost" in [
        event.result for event in one.events if isinstance(event, StoreEnded)
    ]


def test_a_load_whose_lease_is_gone_is_not_joined(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """An invalidation whose message was lost is noticed when the lease is renewed."""
    one = node(redis_url).subscribed()
    before, after = Load(1, held=True), Load(2)
    running = one.begin("k", before)
    before.begun()

    names = one.names("k")
    client.delete(names.entry, names.lease)
    eventually(lambda: one.lacks_flight("k"))
    late = one.outcome("k", after)
    before.release()

    assert isinstance(late, Miss)
    assert 2 == late.value
    assert 1 == running.result(10).value
    assert 2 == one.outcome("k", Load(3)).value


def test_lost_to_a_slower_leader(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """Who lost its lease to another leader does not overwrite that one's value."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    first, second = Load(1, held=True), Load(2, held=True)
    ours = one.begin("k", first)
    first.begun()
    client.delete(one.names("k").lease)
    theirs = other.begin("k", second)
    second.begun()

    first.release()
    early = ours.result(10)
    assert isinstance(early, Miss)
    assert (1, frozenset()) == (early.value, early.stored)
    second.release()
    late = theirs.result(10)

    assert isinstance(late, Miss)
    assert {Tier.MEMORY, Tier.REDIS} == late.stored
    found = one.outcome("k", first)
    assert isinstance(found, HitFresh)
    assert (2, Tier.REDIS) == (found.value, found.tier)


def test_invalidated_in_flight(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """An invalidated load serves its own waiters, and is stored nowhere."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    load = Load(1, held=True)
    running = [one.begin("k", load) for _ in range(3)]
    load.begun()
    one.joined("k", 3)

    assert one.invalidate("k").reached_redis
    newer = Load(2)
    after = one.outcome("k", newer)
    load.release()
    outcomes = [future.result(10) for future in running]

    assert isinstance(after, Miss)
    assert 2 == after.value
    assert [1] * 3 == [outcome.value for outcome in outcomes]
    assert ["miss", "suppressed", "suppressed"] == sorted(one.tag for one in outcomes)
    for reader in (one, other):
        found = reader.outcome("k", load)
        assert isinstance(found, HitFresh)
        assert 2 == found.value


def test_invalidated_by_another_node_in_flight(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """Another node's invalidation is enough: the load in flight is stored nowhere."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    load = Load(1, held=True)
    running = one.begin("k", load)
    load.begun()

    assert other.invalidate("k").reached_redis
    load.release()
    outcome = running.result(10)

    assert isinstance(outcome, Miss)
    assert frozenset() == outcome.stored
    assert not client.exists(one.names("k").entry)
    assert not one.in_memory("k")


def test_waiters_elsewhere_do_not_take_what_was_invalidated(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """A waiter in another process leads itself when its leader's load is invalidated."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    old, new = Load(1, held=True), Load(2)
    ours = one.begin("k", old)
    old.begun()
    theirs = other.begin("k", new)
    eventually(lambda: awaited(client, one.names("k")))

    one.invalidate("k")
    outcome = theirs.result(10)
    old.release()

    assert isinstance(outcome, Miss)
    assert 2 == outcome.value
    assert 1 == ours.result(10).value
    assert 2 == one.outcome("k", old).value


def test_lease_is_renewed(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """A load that outlasts a lease's term keeps its key: the keeper renews it."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    load, unwanted = Load(1, held=True), Load(2)
    ours = one.begin("k", load)
    load.begun()
    lease = one.names("k").lease
    theirs = other.begin("k", unwanted)
    # Twice it has come near to two thirds of its term, and twice was renewed.
    for _ in range(2):
        eventually(lambda: client.pttl(lease) < LEASE_MS - 700)
        eventually(lambda: client.pttl(lease) > LEASE_MS - 300)
    eventually(lambda: client.pttl(lease) < LEASE_MS - 700)
    eventually(lambda: client.pttl(lease) > LEASE_MS - 300)
    load.release()

    assert isinstance(ours.result(10), Miss)
    waited = theirs.result(10)
    assert isinstance(waited, Suppressed)
    assert 1 == waited.value
    assert 0 == unwanted.calls
