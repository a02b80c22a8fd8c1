"""`hybridcache explain` and `health` as scripts run them: exit codes, JSON, no trace."""

import json
import subprocess
import sys
from typing import Any

import attrs
import pytest
import redis

from hybridcache import Cache, Policy
from hybridcache.cli import main
from hybridcache.testing.server import RedisServer

WITHIN = 60
FRESH = Policy(fresh_for=60, ttl=3600)
STALE = Policy(fresh_for=0, ttl=3600)


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
