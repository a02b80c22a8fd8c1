"""A server that answers, and refuses: full, a replica, loading, or by its ACL."""

import time
from collections.abc import Iterator

import pytest
import redis

from hybridcache import HitFresh, Miss, Tier, UpstreamDown
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.faults.crowd import Crowd
from tests.integration.faults.fleets import command
from tests.integration.faults.timing import MARGIN, Waits
from tests.integration.nodes import Load, Node

TIMEOUT = 0.25
# As docs/redis.md lists them.
RIGHTS = (
    "-@all +get +getrange +set +append +del +pexpire +pttl +time"
    " +eval +evalsha +publish +subscribe"
)


@pytest.fixture(name="admin")
def _admin(own_redis: RedisServer) -> Iterator[redis.Redis]:
    """A client with all rights."""
    with own_redis.client() as client:
        yield client


def _as_user(server: RedisServer, admin: redis.Redis, *rules: str) -> str:
    """Make a user with *rules*; return how to connect as it."""
    command(admin, "ACL SETUSER", "app", "reset", "on", ">secret", *rules)
    return server.url.replace("redis://", "redis://app:secret@")


def _holds_writes_alone(one: Node, waits: Waits, *, count: int = 10) -> None:
    """New keys are loaded and kept in memory alone; what is in Redis is read."""
    for number in range(count):
        with waits.timed():
            made = one.outcome(f"new {number}", Load(number))
        with waits.timed():
            again = one.outcome(f"new {number}", Load(99))
        one.forget("old")
        with waits.timed():
            found = one.outcome("old", Load(99))

        assert isinstance(made, Miss)
        assert (number, frozenset({Tier.MEMORY})) == (made.value, made.stored)
        assert isinstance(again, HitFresh)
        assert (number, Tier.MEMORY) == (again.value, again.tier)
        assert isinstance(found, HitFresh)
        assert (7, Tier.REDIS) == (found.value, found.tier)
    assert "closed" == one.breaker
    waits.usually(0.05)


def test_full_server(
    node: MakeNode, own_redis: RedisServer, admin: redis.Redis, waits: Waits
) -> None:
    """With `maxmemory` reached and noeviction: memory alone, reads go on, and back."""
    admin.config_set("maxmemory-policy", "noeviction")
    one = node(own_redis.url, timeout=TIMEOUT).subscribed()
    assert isinstance(one.outcome("old", Load(7)), Miss)

    admin.config_set("maxmemory", 1)
    _holds_writes_alone(one, waits)
    admin.config_set("maxmemory", 0)

    with Crowd(one, waits=waits) as crowd:
        # Writes are tried again once a second.
        assert 1.0 + MARGIN > crowd.served_by_redis()
        crowd.stopped()
    waits.within(TIMEOUT)


def test_readonly_replica(
    node: MakeNode, own_redis: RedisServer, admin: redis.Redis, waits: Waits
) -> None:
    """A primary that became a replica: memory alone, reads go on, and back."""
    with RedisServer() as primary:
        one = node(own_redis.url, timeout=TIMEOUT).subscribed()
        elsewhere = node(primary.url).subscribed()
        assert isinstance(elsewhere.outcome("old", Load(7)), Miss)
        admin.replicaof("127.0.0.1", str(primary.port))
        eventually(lambda: admin.info("replication")["master_link_status"] == "up")
        eventually(lambda: admin.exists(one.names("old").entry))
        # The primary's data came with the primary's marker: its message did not.
        assert own_redis.running
        eventually(lambda: one.whole)
        _marked_anew(one, admin)

        _holds_writes_alone(one, waits)

        admin.replicaof("no", "one")
        with Crowd(one, waits=waits) as crowd:
            assert 1.0 + MARGIN > crowd.served_by_redis()
            crowd.stopped()
    waits.within(TIMEOUT)


def _marked_anew(one: Node, admin: redis.Redis) -> None:
    """Cut the subscription, so that the marker is read anew, and wait for that."""
    epoch = one.epoch
    admin.client_kill_filter(_type="pubsub")
    eventually(lambda: one.epoch > epoch)
    eventually(lambda: one.whole)


def test_loading_server(node: MakeNode, waits: Waits) -> None:
    """A server that loads its data is down with that cause, then serves what it had."""
    arguments = ["--rdbcompression", "no", "--key-load-delay", "40000"]
    with RedisServer(*arguments) as server:
        one = node(server.url, timeout=TIMEOUT).subscribed()
        assert isinstance(one.outcome("old", Load(7)), Miss)
        with server.client() as client:
            for number in range(40):
                client.set(f"ballast {number}", b"x" * 2**20)
            client.save()
            server.kill()
            one.forget("old")
            server.start()
            begun = time.perf_counter()
            with Crowd(one, waits=waits) as crowd:
                eventually(lambda: any("LOADING" in one for one in crowd.causes()))
                assert client.info("persistence")["loading"]
                eventually(lambda: not client.info("persistence")["loading"], within=20)
                loading = time.perf_counter() - begun
                assert 1.0 + MARGIN > crowd.served_by_redis()
                crowd.stopped()
        eventually(lambda: one.whole)
        found = one.outcome("old", Load(99))

    assert loading > 0.5
    assert isinstance(found, HitFresh)
    assert (7, Tier.REDIS) == (found.value, found.tier)
    waits.within(TIMEOUT)


def test_acl_of_the_docs_is_enough(
    node: MakeNode,
    own_redis: RedisServer,
    admin: redis.Redis,
    prefix: str,
    waits: Waits,
) -> None:
    """The rights that docs/redis.md lists are all that is needed, and none is more."""
    rules = [f"~{prefix}*", "resetchannels", f"&{prefix}*", *RIGHTS.split()]
    url = _as_user(own_redis, admin, *rules)
    admin.acl_log_reset()
    one, other = node(url).subscribed(), node(url).subscribed()
    load = Load(1, held=True)
    ours = one.begin("k", load)
    load.begun()
    theirs = other.begin("k", load)
    other.joined("k", 1)
    load.release()
    assert 1 == ours.result(10).value == theirs.result(10).value
    assert one.invalidate("k").reached_redis
    eventually(lambda: other.lacks("k"))
    assert one.clear().reached_redis
    with Crowd(one, other, waits=waits) as crowd:
        crowd.more(50)
        tags = crowd.stopped()

    assert {"miss", "hit-fresh"} == set(tags)
    assert [] == admin.acl_log()
    waits.within(1.0)


def test_acl_without_scripts(
    node: MakeNode, own_redis: RedisServer, admin: redis.Redis, waits: Waits
) -> None:
    """Where scripts are forbidden: memory alone, and what is in Redis is read."""
    filler = node(own_redis.url).subscribed()
    assert isinstance(filler.outcome("old", Load(7)), Miss)
    url = _as_user(own_redis, admin, "~*", "&*", "+@all", "-eval", "-evalsha")
    one = node(url, timeout=TIMEOUT).subscribed()

    _holds_writes_alone(one, waits)

    command(admin, "ACL SETUSER", "app", "+eval", "+evalsha")
    with Crowd(one, waits=waits) as crowd:
        assert 1.0 + MARGIN > crowd.served_by_redis()
        crowd.stopped()
    waits.within(TIMEOUT)


def test_acl_without_channels(
    node: MakeNode, own_redis: RedisServer, admin: redis.Redis, waits: Waits
) -> None:
    """Where channels are forbidden it works, checks memory, and waiters ask around."""
    url = _as_user(own_redis, admin, "~*", "resetchannels", "+@all")
    one, other = node(url), node(own_redis.url).subscribed()
    assert 1 == one.outcome("k", Load(1)).value
    assert 1 == other.outcome("k", Load(9)).value

    # An invalidation elsewhere is seen by the very next lookup: memory is checked.
    assert other.invalidate("k").reached_redis
    with waits.timed():
        assert 2 == one.outcome("k", Load(2)).value
    assert not one.whole
    # A waiter learns of another process's value without being told.
    load = Load(3, held=True)
    ours = other.begin("shared", load)
    load.begun()
    theirs = one.begin("shared", Load(9))
    one.joined("shared", 1)
    load.release()
    begun = time.perf_counter()

    assert 3 == ours.result(10).value
    assert 3 == theirs.result(10).value
    waits.add(time.perf_counter() - begun)
    waits.within(0.25)


def test_wrong_password_is_an_outage_that_says_so(
    node: MakeNode, own_redis: RedisServer, admin: redis.Redis, waits: Waits
) -> None:
    """Wrong credentials: the loader's value, and a cause that names them."""
    url = _as_user(own_redis, admin, "~*", "&*", "+@all")
    one = node(url.replace("secret", "wrong"), timeout=TIMEOUT)
    for number in range(5):
        with waits.timed():
            outcome = one.outcome(f"k{number}", Load(number))

        assert isinstance(outcome, UpstreamDown)
        assert number == outcome.value
        assert "password" in outcome.cause
        assert "secret" not in outcome.cause
    waits.within(TIMEOUT)


def test_rights_taken_away_under_load(
    node: MakeNode, own_redis: RedisServer, admin: redis.Redis, waits: Waits
) -> None:
    """All rights taken from a user at work, and given back: an outage, and back."""
    url = _as_user(own_redis, admin, "~*", "&*", "+@all")
    one = node(url, timeout=TIMEOUT).subscribed()
    with Crowd(one, waits=waits) as crowd:
        command(admin, "ACL SETUSER", "app", "-@all")
        eventually(lambda: any("NOPERM" in one for one in crowd.causes()))
        crowd.more(20)
        command(admin, "ACL SETUSER", "app", "+@all")
        assert 1.0 + MARGIN > crowd.served_by_redis()
        crowd.stopped()
    eventually(lambda: one.whole)
    waits.within(TIMEOUT)
