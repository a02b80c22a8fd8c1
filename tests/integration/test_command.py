"""`hybridcache explain` and `health` as scripts run them: exit codes, JSON, no trace."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
import redis

from hybridcache import Cache, Miss, Policy, Tier
from hybridcache.cli import main
from hybridcache.testing.server import RedisServer

WITHIN = 60
FRESH = Policy(fresh_for=60, ttl=3600)
STALE = Policy(fresh_for=0, ttl=3600)
# Every write to it finds the disk full.
FULL = Path("/dev/full")


@attrs.frozen
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read as JSON of one line."""
        (line,) = self.out.splitlines()
        return json.loads(line)


def command(*arguments: str) -> Done:
    """Run the command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "hybridcache.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(name="cache")
def _cache(redis_url: str, prefix: str) -> Any:
    """A cache that has stored something."""
    with Cache(prefix=prefix, upstream=redis_url) as cache:
        cache.get_or_load("fresh", lambda: "s3cr3t value", FRESH)
        cache.get_or_load("stale", lambda: "s3cr3t value", STALE)
        yield cache


def test_explain_a_fresh_entry(cache: Cache, redis_url: str, prefix: str) -> None:
    """A fresh entry ends with 0; its name is given whole, or as prefix and key."""
    page = command("explain", redis_url, f"{prefix}{{fresh}}")
    plain = command("explain", redis_url, "fresh", "--prefix", prefix, "--json")

    assert (0, "") == (page.code, page.err)
    assert 80 >= max(map(len, page.out.splitlines()))
    assert "serves what Redis holds" in page.out
    assert (0, "") == (plain.code, plain.err)
    assert ("fresh", "fresh", f"{prefix}{{fresh}}") == (
        plain.json["found"],
        plain.json["key"],
        plain.json["name"],
    )
    assert 3600.0 == plain.json["redis"]["ttl"]
    assert ("serve", "redis") == (
        plain.json["lookup"]["action"],
        plain.json["lookup"]["tier"],
    )
    assert "s3cr3t" not in page.out + plain.out


def test_explain_other_entries(
    cache: Cache,
    redis_url: str,
    prefix: str,
    client: "redis.Redis",
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No fresh entry ends with 1, a foreign one with 4 and a line that says so."""
    client.set(f"{prefix}{{foreign}}", b"foreign")
    client.lpush(f"{prefix}{{list}}", "x")
    client.set(f"{prefix}{{leased}}:lease", "t" * 16, px=60_000)
    before = sorted(client.keys(f"{prefix}*"))

    def found(key: str) -> tuple[int, str, str]:
        code = main(["explain", redis_url, key, "--prefix", prefix, "--json"])
        out, err = capsys.readouterr()
        told = json.loads(out)
        return code, told["found"], told["lookup"]["action"] + (err and f" {err}")

    line = " hybridcache: '{}' is no entry of hybridcache: {}\n"
    foreign = line.format(f"{prefix}{{foreign}}", "truncated")
    a_list = line.format(f"{prefix}{{list}}", "type")
    assert (1, "stale", "serve-and-refresh") == found("stale")
    assert (1, "absent", "load") == found("absent")
    assert (1, "absent", "wait") == found("leased")
    assert (4, "unreadable", f"load{foreign}") == found("foreign")
    assert (4, "unreadable", f"load{a_list}") == found("list")
    assert before == sorted(client.keys(f"{prefix}*"))
    cache.clear()
    assert (1, "cleared", "load") == found("fresh")


def test_health(cache: Cache, redis_url: str, prefix: str) -> None:
    """A server that is fit ends with 0; the prefix's marker and nodes are told."""
    page = command("health", redis_url)
    plain = command("health", redis_url, "--prefix", prefix, "--json")

    assert (0, "") == (page.code, page.err)
    assert "verdict     healthy" in page.out
    assert (0, "") == (plain.code, plain.err)
    told = plain.json
    assert (True, True, True, True) == (
        told["reachable"],
        told["healthy"],
        told["scripts"],
        told["pubsub"],
    )
    assert ("master", True, 1) == (told["role"], told["marker"], told["subscribers"])
    assert 0.0 < told["round_trip"] < 2.0


def test_health_of_an_unused_prefix(
    redis_url: str, prefix: str, client: "redis.Redis"
) -> None:
    """To look at a prefix makes no marker."""
    done = command("health", redis_url, "--prefix", prefix, "--json")

    assert (0, False, 0) == (done.code, done.json["marker"], done.json["subscribers"])
    assert [] == client.keys(f"{prefix}*")


def test_a_restricted_user(own_redis: RedisServer) -> None:
    """The rights that the docs list do for both; missing ones are told, with 1."""
    with own_redis.client() as client:
        rights = (
            "resetchannels -@all ~shop:* &shop:* +get +getrange +set +append +del"
            " +pexpire +pttl +time +eval +evalsha +publish +subscribe"
        )
        client.execute_command("ACL SETUSER", "cache", "on", ">pw", *rights.split())
        client.execute_command(
            "ACL SETUSER", "poor", "on", ">pw", "-@all", "~*", "+time", "+get"
        )
    place = f"127.0.0.1:{own_redis.port}/0"
    listed = command("health", f"redis://cache:pw@{place}", "--prefix", "shop:")
    poor = command("health", f"redis://poor:pw@{place}", "--prefix", "shop:", "--json")
    explained = command("explain", f"redis://cache:pw@{place}", "shop:{k}")

    assert (0, "") == (listed.code, listed.err)
    assert "INFO is not allowed" in " ".join(listed.out.split())
    assert (1, "") == (poor.code, poor.err)
    assert (False, False, False) == (
        poor.json["healthy"],
        poor.json["scripts"],
        poor.json["pubsub"],
    )
    assert 2 == len(poor.json["reasons"])
    assert (1, "") == (explained.code, explained.err)


def reasons(url: str) -> list[str]:
    """Return why a server is not fit, which is told with 1."""
    done = command("health", url, "--prefix", "shop:", "--json")

    assert (1, "") == (done.code, done.err)
    assert done.json["healthy"] is False
    told: list[str] = done.json["reasons"]
    return told


def test_no_right_to_the_prefix(own_redis: RedisServer) -> None:
    """A user without rights on the prefix's keys finds the server unfit, and why."""
    with own_redis.client() as client:
        rights = ["~other:*", "&*", "+@all"]
        client.execute_command("ACL SETUSER", "other", "on", ">pw", *rights)
    url = f"redis://other:pw@127.0.0.1:{own_redis.port}/0"
    reason, *_ = reasons(url)
    allowed = command("health", url, "--prefix", "other:", "--json")
    unnamed = command("health", url, "--json")

    assert reason.startswith("reads are refused: NOPERM")
    assert (0, []) == (allowed.code, allowed.json["reasons"])
    assert (0, []) == (unnamed.code, unnamed.json["reasons"])


def test_no_right_to_write(own_redis: RedisServer) -> None:
    """A user who may read and run scripts, but not SET, finds the server unfit."""
    with own_redis.client() as client:
        rights = ["~*", "&*", "+@all", "-set"]
        client.execute_command("ACL SETUSER", "reader", "on", ">pw", *rights)
    (reason,) = reasons(f"redis://reader:pw@127.0.0.1:{own_redis.port}/0")

    assert reason.startswith("writes are refused: ")


def test_servers_that_refuse_writes() -> None:
    """A full server, one without replicas, and a cluster that is down are unfit."""
    with RedisServer("--min-replicas-to-write", "1") as lonely:
        (few,) = reasons(lonely.url)
    with RedisServer("--cluster-enabled", "yes") as cluster:
        (down,) = reasons(cluster.url)
    with RedisServer("--maxmemory", "100kb") as server, server.client() as client:
        (full,) = reasons(server.url)
        left = client.keys("*")

    assert "NOREPLICAS" in few
    assert "CLUSTERDOWN" in down
    assert full.startswith("it is full and noeviction: writes are refused (")
    assert [] == left


def test_a_marker_of_another_type(
    redis_url: str, prefix: str, client: "redis.Redis"
) -> None:
    """A marker of another Redis type counts as none, for looks and for lookups."""
    client.lpush(f"{prefix}{{}}:marker", "x")
    explained = command("explain", redis_url, f"{prefix}{{k}}")
    health = command("health", redis_url, "--prefix", prefix, "--json")
    with Cache(prefix=prefix, upstream=redis_url) as cache:
        outcome = cache.outcome("k", lambda: 1, FRESH)
        cache.clear()
        after = cache.outcome("k", lambda: 1, FRESH)

    assert (1, "") == (explained.code, explained.err)
    assert (1, False) == (health.code, health.json["marker"])
    (reason,) = health.json["reasons"]
    assert reason.startswith("under the marker's name stands what is no marker")
    assert isinstance(outcome, Miss)
    assert isinstance(after, Miss)
    assert frozenset() == outcome.stored
    assert frozenset({Tier.REDIS}) == after.stored


def test_hints_where_nothing_is_found(
    cache: Cache, redis_url: str, prefix: str
) -> None:
    """A whole name beside --prefix, and a prefix that nobody uses, are pointed out."""
    whole = command("explain", redis_url, f"{prefix}{{fresh}}", "--prefix", prefix)
    braces = command("explain", redis_url, "{fresh}", "--prefix", prefix)
    unused = command("explain", redis_url, "fresh", "--prefix", "none:")
    absent = command("explain", redis_url, "absent", "--prefix", prefix)

    assert (1, 1, 1) == (whole.code, unused.code, absent.code)
    assert (
        "hybridcache: hint: KEY has the braces of a name in Redis; with --prefix it is"
        " the key alone\n"
    ) == whole.err
    assert whole.err == braces.err
    assert (
        "hybridcache: hint: no cache with the prefix 'none:' has used this Redis\n"
        == unused.err
    )
    assert "" == absent.err


@pytest.mark.parametrize("json_too", [(), ("--json",)])
def test_a_reader_that_has_gone(
    cache: Cache, redis_url: str, prefix: str, json_too: tuple[str, ...]
) -> None:
    """A broken pipe keeps the code that was found, and leaves no trace."""
    ends = [
        piped("explain", redis_url, key, "--prefix", prefix, *json_too)
        for key in ("fresh", "stale")
    ]

    assert [(0, ""), (1, "")] == ends


def piped(*arguments: str) -> tuple[int, str]:
    """Run the command with nobody to read what it says; give its code and stderr."""
    reads, writes = os.pipe()
    os.close(reads)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hybridcache.cli", *arguments],
            stdout=writes,
            stderr=subprocess.PIPE,
            text=True,
            timeout=WITHIN,
            check=False,
        )
    finally:
        os.close(writes)
    return done.returncode, done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_a_full_disk(redis_url: str) -> None:
    """An answer that cannot be written is an error of its own, in one line."""
    with FULL.open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "hybridcache.cli", "health", redis_url],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    assert 5 == done.returncode
    line = "hybridcache: the answer could not be written: No space left on device\n"
    assert line == done.stderr


def test_a_replica(own_redis: RedisServer) -> None:
    """A replica is reachable and unfit, for it refuses writes."""
    with own_redis.client() as client:
        client.replicaof("127.0.0.1", str(own_redis.port))
        done = command("health", own_redis.url, "--json")
        client.replicaof("NO", "ONE")

    assert (1, "slave") == (done.code, done.json["role"])
    assert "it is a replica: it refuses writes" in done.json["reasons"]


def test_unreachable(own_redis: RedisServer) -> None:
    """A Redis that is down or hangs ends with 3, one line, and no password."""
    url = own_redis.url.replace("://", "://user:s3cr3t@")
    refused = command("health", url)
    own_redis.pause()
    try:
        hangs = command("explain", own_redis.url, "shop:{k}", "--timeout", "0.2")
    finally:
        own_redis.resume()
    own_redis.kill()
    down = command("explain", url, "shop:{k}", "--json")
    health = command("health", url, "--json")

    assert [3, 3, 3, 3] == [refused.code, hangs.code, down.code, health.code]
    assert "no answer within 0.2 s" in hangs.err
    assert "Connection" in down.json["down"]
    assert (False, False) == (health.json["reachable"], health.json["healthy"])
    for done in (refused, hangs, down, health):
        assert 1 == len(done.err.splitlines())
        assert "s3cr3t" not in done.out + done.err
