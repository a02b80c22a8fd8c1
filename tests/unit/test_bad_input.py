"""Wrong options and keys: a clear error at the call, and nothing lost."""

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from hybridcache import AsyncCache, Cache, Memory, Policy, Redis
from hybridcache.testing import ManualClock
from tests.colours import Colour, Counted

POLICY = Policy(fresh_for=60, ttl=3600)


@pytest.mark.parametrize(
    "options",
    [
        {"fresh_for": -1, "ttl": 1},
        {"fresh_for": float("nan"), "ttl": 1},
        {"fresh_for": float("inf"), "ttl": float("inf")},
        {"fresh_for": 2, "ttl": 1},
        {"fresh_for": 0, "ttl": 0},
        {"fresh_for": 0, "ttl": 1, "wait_for": 0},
        {"fresh_for": 0, "ttl": 1, "wait_for": timedelta(seconds=-1)},
        {"fresh_for": 0, "ttl": 1, "jitter": 1.0},
        {"fresh_for": 0, "ttl": 1, "wait_for": 2, "abandon_after": 1},
        {"fresh_for": 0, "ttl": 1, "suppress": "some"},
        {"fresh_for": 0, "ttl": 1, "run_in": "space"},
    ],
)
def test_a_wrong_policy_is_a_value_error(options: dict[str, Any]) -> None:
    """What is out of range is refused when made, and by evolve."""
    with pytest.raises(ValueError, match=r"not |exceed"):
        Policy(**options)
    with pytest.raises(ValueError, match=r"not |exceed"):
        POLICY.evolve(**options)


@pytest.mark.parametrize("value", ["60", None, True, [1]])
def test_a_duration_of_a_wrong_type_is_a_type_error(value: Any) -> None:
    """A duration is a number or a timedelta."""
    with pytest.raises(TypeError, match="duration"):
        Policy(fresh_for=value, ttl=60)


@pytest.mark.parametrize("kind", [Cache, AsyncCache])
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"name": 7}, TypeError),
        ({"name": None}, TypeError),
        ({"prefix": 7}, TypeError),
        ({"downstream": {}}, TypeError),
        ({"downstream": 100}, TypeError),
        ({"name": "x", "upstream": 7}, TypeError),
        ({"name": "x", "upstream": "localhost:6379"}, ValueError),
        ({"name": "x", "upstream": "http://localhost"}, ValueError),
        ({"upstream": "redis://localhost"}, ValueError),
        ({"clock": 5.0}, TypeError),
        ({"observer": "print"}, TypeError),
        ({"registry": "mine"}, TypeError),
    ],
)
def test_a_wrong_option_is_refused(
    kind: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    """A cache checks what it is given when it is made."""
    with pytest.raises(error):
        kind(**{"registry": CollectorRegistry(), **options})


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_items": 0}, ValueError),
        ({"max_items": 1.5}, TypeError),
        ({"max_items": True}, TypeError),
        ({"max_bytes": -1}, ValueError),
        ({"max_ttl": 0}, ValueError),
        ({"max_ttl": float("nan")}, ValueError),
        ({"max_ttl": "60"}, TypeError),
        ({"eviction": "random"}, ValueError),
    ],
)
def test_a_wrong_memory_is_refused(
    options: dict[str, Any], error: type[Exception]
) -> None:
    """So does a Memory."""
    with pytest.raises(error):
        Memory(**options)


@pytest.mark.parametrize(
    "options",
    [{"timeout": 0}, {"timeout": 61}, {"failures": 0}, {"max_value_bytes": 0}],
)
def test_a_wrong_redis_is_refused(options: dict[str, Any]) -> None:
    """So does a Redis."""
    with pytest.raises(ValueError, match="must be"):
        Redis("redis://localhost", **options)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://user:xyz/zy@host", "port is no number"),
        ("redis://user:xyz#zy@host:6379/0", "port is no number"),
        ("redis://:xyzzy@host:sixteen/0", "port is no number"),
        ("redis://:xyzzy@host/first", "database 'first'"),
        ("redis://:xyzzy@host/0?colour=blue", "unknown options"),
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str, problem: str) -> None:
    """A Redis URL's mistakes are named; no piece of a password is."""
    with pytest.raises(ValueError, match=problem) as refused:
        Redis(url)

    assert "xyz" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_redis_shows_no_password() -> None:
    """What a Redis looks like in a log tells the server, and no secret."""
    shown = repr(Redis("redis://user:secret@host:7000/3"))

    assert "host:7000/3" in shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("", ValueError),
        ("x" * 1025, ValueError),
        ("\u20ac" * 400, ValueError),
        (7, TypeError),
        (None, TypeError),
        (b"k", TypeError),
    ],
)
def test_a_wrong_key_is_refused(
    colour: Colour, key: object, error: type[Exception]
) -> None:
    """A key is a str of 1 to 1024 bytes; the loader is not called otherwise."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()

    for call in (cache.get, cache.outcome, cache.peek, cache.refresh):
        with pytest.raises(error):
            call(key, loader.load, POLICY)
    with pytest.raises(error):
        cache.invalidate(key)
    assert 0 == loader.calls


def test_odd_keys_are_legal(colour: Colour) -> None:
    """Spaces, braces, control characters and 1024 bytes are fine."""
    cache, loader = colour.make_cache(downstream=Memory()), Counted()
    keys = ["a b", "{x}", "a\n\x00b", "x" * 1024, "\u20ac"]

    assert [1, 2, 3, 4, 5] == [cache.get(key, loader.load, POLICY) for key in keys]
    assert [1, 2, 3, 4, 5] == [cache.get(key, loader.load, POLICY) for key in keys]


def test_a_loader_or_policy_of_a_wrong_type_is_refused(colour: Colour) -> None:
    """What is no function or no Policy is a TypeError that says so."""
    cache = colour.make_cache(downstream=Memory())

    with pytest.raises(TypeError, match="load must be"):
        cache.get("k", 7, POLICY)
    with pytest.raises(TypeError, match="Policy is needed"):
        cache.get("k", Counted().load, 60)
    with pytest.raises(TypeError, match="Policy is needed"):
        cache.cache.cached(60)


def test_an_async_loader_needs_an_async_cache(colour: Colour) -> None:
    """Cache refuses a coroutine function and says what to use."""
    cache = colour.make_cache(downstream=Memory())

    async def load() -> int:
        return 1

    if colour.is_async:
        assert 1 == cache.get("k", load, POLICY)
    else:
        with pytest.raises(TypeError, match="AsyncCache"):
            cache.get("k", load, POLICY)


def test_two_caches_may_share_one_clock() -> None:
    """The clock is a plain function of no arguments."""
    clock = ManualClock(5.0)
    cache = Cache(downstream=Memory(), clock=clock)
    assert 1 == cache.get_or_load("k", lambda: 1, POLICY)
    assert 6.0 == clock.advance(timedelta(seconds=1))
    cache.close()
