"""`explain` on a real Redis, in both colours: every state of an entry, and no trace."""

from typing import Any

import pytest
import redis

from hybridcache import Explanation, Foreign, HitFresh, InRedis, Miss, Policy
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import Load, Node

LONG = Policy(fresh_for=60, ttl=3600)
STALE = Policy(fresh_for=0, ttl=3600, retry_after=30)
# What a look may send; the keepers publish meanwhile, and the test asks for the rest.
READS = {"get", "pttl", "time"}
OTHERS = {"publish", "info", "dump", "keys", "auth", "select", "client"}


def in_redis(told: Explanation) -> InRedis:
    """Return the entry that Redis holds."""
    assert isinstance(told.redis, InRedis)
    return told.redis


def test_a_fresh_entry(node: MakeNode, redis_url: str) -> None:
    """A fresh entry is told of both tiers, with equal versions, and trusted."""
    one = node(redis_url).subscribed()
    absent = one.explain("k", LONG)
    one.outcome("k", Load(), LONG)
    told = one.explain("k", LONG)

    assert (None, None, "load") == (absent.memory, absent.redis, absent.lookup.action)
    assert ("serve", "memory") == (told.lookup.action, told.lookup.tier)
    assert told.memory is not None
    assert ("fresh", True) == (told.memory.state, told.memory.trusted)
    assert in_redis(told).version == told.memory.version
    assert ("fresh", 3600.0) == (in_redis(told).state, in_redis(told).ttl)
    left = in_redis(told).left
    assert left is not None
    assert 3590.0 < left <= 3600.0
    assert (False, "") == (told.blind, told.down)


def test_a_stale_entry(node: MakeNode, redis_url: str) -> None:
    """A stale entry is served and refreshed, but not while Redis holds it off."""
    one = node(redis_url).subscribed()
    one.outcome("k", Load(), STALE)
    due = one.explain("k", STALE)
    one.outcome("k", Load(error=ValueError("no")), STALE)
    eventually(lambda: one.explain("k", STALE).holds)
    eventually(lambda: one.lacks_flight("k"))
    held_off = one.explain("k", STALE)
    elsewhere = node(redis_url).subscribed().explain("k", STALE)

    assert "stale" == in_redis(due).state
    assert "serve-and-refresh" == due.lookup.action
    assert "serve-held-off" == held_off.lookup.action
    assert ["retry", "retry"] == [hold.kind for hold in held_off.holds]
    assert ("serve-and-refresh", "redis") == (
        elsewhere.lookup.action,
        elsewhere.lookup.tier,
    )
    assert "the refresh is held off" in elsewhere.lookup.reasons[-1]


def test_an_expired_entry(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """An entry that outlived its ttl in Redis is expired, and a lookup loads."""
    one = node(redis_url)
    name = one.names("k").entry
    one.outcome("k", Load(), Policy(fresh_for=0.01, ttl=0.05))
    client.persist(name)
    assert client.pttl(name) == -1
    eventually(lambda: in_redis(one.explain("k")).age > 0.05)
    told = one.explain("k")

    assert ("expired", None) == (in_redis(told).state, in_redis(told).left)
    assert ("load", None) == (told.lookup.action, told.memory)


def test_a_cleared_entry(node: MakeNode, redis_url: str) -> None:
    """An entry from before a clear() is told as such, by every node."""
    one, other = node(redis_url).subscribed(), node(redis_url)
    one.outcome("k", Load(), LONG)
    one.clear()

    for told in (one.explain("k"), other.explain("k")):
        assert in_redis(told).cleared
        assert ("fresh", "load") == (in_redis(told).state, told.lookup.action)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"foreign", "truncated"),
        (b"x" * 100, "magic"),
        (b"hC\x02\x00" + b"x" * 100, "format"),
        (["a list"], "type"),
    ],
)
def test_foreign_bytes(
    node: MakeNode,
    redis_url: str,
    client: "redis.Redis",
    data: bytes | list[str],
    reason: str,
) -> None:
    """What our encoder did not make is told with the reason that is counted."""
    one = node(redis_url)
    name = one.names("k").entry
    if isinstance(data, bytes):
        client.set(name, data)
    else:
        client.lpush(name, *data)
    told = one.explain("k")

    assert isinstance(told.redis, Foreign)
    assert (reason, None) == (told.redis.reason, told.redis.left)
    assert "load" == told.lookup.action
    assert not [event for event in one.events if "Undecodable" in type(event).__name__]


def test_damage(node: MakeNode, redis_url: str, client: "redis.Redis") -> None:
    """Damage to the last byte is seen: the whole entry is read, as a lookup does."""
    one, other = node(redis_url), node(redis_url)
    name = one.names("k").entry
    one.outcome("k", Load(), LONG)
    whole = client.get(name)
    assert isinstance(whole, bytes)
    client.set(name, whole[:-1] + bytes([whole[-1] ^ 1]))
    told = other.explain("k")

    assert isinstance(told.redis, Foreign)
    assert "checksum" == told.redis.reason


def test_a_lease_of_another_node(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """The lease is told with its token and who holds it; whoever comes would wait."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    load = Load(held=True)
    running = other.begin("k", load, LONG)
    load.begun()
    there = one.explain("k", LONG)
    waiting = one.begin("k", Load(), LONG)
    eventually(lambda: (lease := one.explain("k").lease) and lease.awaited)
    here = other.explain("k", LONG)
    token = client.get(one.names("k").lease)
    load.release()
    running.result(10)
    waiting.result(10)

    assert isinstance(token, bytes)
    assert there.lease is not None
    assert (token[:16].decode(), False) == (there.lease.token, there.lease.here)
    assert ("wait", None) == (there.lookup.action, there.load)
    assert here.lease is not None
    assert (True, True) == (here.lease.here, here.lease.awaited)
    assert "join" == here.lookup.action
    assert one.explain("k").lease is None


def test_a_suspect_entry(node: MakeNode, redis_url: str) -> None:
    """What memory holds is suspect while blind; what Redis lacks then is not served."""
    one = node(redis_url).subscribed()
    one.outcome("k", Load(), LONG)
    one.cache._state.wiring.ctx.node.distrust()
    suspect = one.explain("k")
    node(redis_url).invalidate("k")
    gone = one.explain("k")

    assert suspect.memory is not None
    assert not suspect.memory.trusted
    assert ("serve", "memory") == (suspect.lookup.action, suspect.lookup.tier)
    # Its subscription may be whole again by now, and have told of it.
    assert "load" == gone.lookup.action


def seen(client: "redis.Redis", prefix: str) -> dict[bytes, Any]:
    """Return what Redis holds under a prefix."""
    names: Any = client.keys(f"{prefix}*")
    return {name: client.dump(name) for name in names}


def calls(client: "redis.Redis") -> dict[str, int]:
    """Return how often each command was called."""
    stats: Any = client.info("commandstats")
    return {name.removeprefix("cmdstat_"): one["calls"] for name, one in stats.items()}


def kept(one: Node) -> list[object]:
    """Return what memory knows of a record and its readers."""
    machines = one.cache._state.wiring.ctx.node
    assert machines.tier is not None
    records = machines.tier.records(machines.namespace)
    return [(id(record), record.freq, record.until) for record in records]


def test_it_changes_nothing(
    node: MakeNode, redis_url: str, client: "redis.Redis", prefix: str
) -> None:
    """Redis holds the same afterwards, for no longer; memory and events are as before."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    load = Load(held=True)
    other.outcome("redis alone", Load(), LONG)
    one.outcome("both", Load(), LONG)
    one.outcome("stale", Load(), STALE)
    client.set(one.names("foreign").entry, b"foreign")
    running = other.begin("loading", load, LONG)
    load.begun()
    keys = ["redis alone", "both", "stale", "foreign", "loading", "absent"]
    left = [client.pttl(one.names(key).entry) for key in keys]
    before = (seen(client, prefix), kept(one), list(one.events))
    commands = calls(client)

    for key in keys:
        one.explain(key, LONG)

    sent = {
        name for name, count in calls(client).items() if count != commands.get(name)
    }
    assert before == (seen(client, prefix), kept(one), list(one.events))
    assert READS <= sent
    # The load's own lease is renewed meanwhile.
    assert set() == sent - READS - OTHERS - {"evalsha", "pexpire"}
    now = [client.pttl(one.names(key).entry) for key in keys]
    assert all(later <= earlier for later, earlier in zip(now, left, strict=True))
    assert not one.in_memory("redis alone")
    load.release()
    running.result(10)
    assert isinstance(one.outcome("redis alone", Load(2), LONG), HitFresh)
    assert isinstance(one.outcome("absent", Load(2), LONG), Miss)


def test_redis_down(node: MakeNode, own_redis: RedisServer) -> None:
    """With Redis down it says so, with the cause, and what memory still serves."""
    one = node(own_redis.url, timeout=0.25).subscribed()
    one.outcome("k", Load(), LONG)
    own_redis.kill()
    told, absent = one.explain("k"), one.explain("absent")

    assert told.down
    assert ("serve", None) == (told.lookup.action, told.redis)
    assert ("load", None) == (absent.lookup.action, absent.lease)
    assert absent.down in str(absent).replace("\n            ", " ")
