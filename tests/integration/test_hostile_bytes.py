"""Bytes under an entry's name that our encoder did not make for it."""

from collections.abc import Callable
from typing import Final

import pytest
import redis

from hybridcache import HitFresh, Miss, Tier, UndecodableFound
from tests.integration.conftest import MakeNode
from tests.integration.nodes import Load, Node

FOREIGN: Final[dict[str, bytes]] = {
    "empty": b"",
    "text": b"hello",
    "magic alone": b"hC",
    "zeros": bytes(200),
    "ones": b"\xff" * 200,
    "pickle": b"\x80\x04K\x01.",
    "long": b"hC\x01\x00" + b"x" * 100_000,
}


def overwritten(one: Node, client: "redis.Redis") -> None:
    """The key is a miss, and the next load puts a good entry there."""
    outcome = one.outcome("k", Load(2))
    assert isinstance(outcome, Miss)
    assert (2, frozenset(Tier) - {Tier.LOADER}) == (outcome.value, outcome.stored)
    assert b"string" == client.type(one.names("k").entry)
    assert "closed" == one.breaker
    assert any(isinstance(event, UndecodableFound) for event in one.events)


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_foreign_bytes(
    node: MakeNode, redis_url: str, client: "redis.Redis", data: bytes
) -> None:
    """Foreign bytes are a miss that is counted, and the next load replaces them."""
    one, other = node(redis_url), node(redis_url)
    client.set(one.names("k").entry, data)
    if data:
        overwritten(one, client)
    else:
        assert isinstance(one.outcome("k", Load(2)), Miss)
    found = other.outcome("k", Load(3))

    assert isinstance(found, HitFresh)
    assert (2, Tier.REDIS) == (found.value, found.tier)


def test_damaged_entry(node: MakeNode, redis_url: str, client: "redis.Redis") -> None:
    """An entry of ours, cut off or changed at any place, is a miss or refused."""
    one = node(redis_url)
    one.outcome("k", Load(1))
    name = one.names("k").entry
    whole = client.get(name)
    assert isinstance(whole, bytes)
    damaged = [whole[:size] for size in range(1, len(whole))]
    damaged += [
        whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]
        for at in range(28, len(whole))
    ]
    damaged.append(whole + b"\0")
    for number, data in enumerate(damaged):
        one.forget("k")
        client.set(name, data)

        outcome = one.outcome("k", Load(number + 10))

        assert isinstance(outcome, Miss)
        assert number + 10 == outcome.value


def test_entry_of_another_key(
    node: MakeNode, redis_url: str, client: "redis.Redis"
) -> None:
    """An entry copied under another key's name is refused."""
    one = node(redis_url)
    one.outcome("other", Load(1))
    client.copy(one.names("other").entry, one.names("k").entry)

    overwritten(one, client)


WRONG: Final[dict[str, Callable[["redis.Redis", str], object]]] = {
    "list": lambda client, name: client.rpush(name, "x"),
    "hash": lambda client, name: client.hset(name, "x", "y"),
    "set": lambda client, name: client.sadd(name, "x"),
    "stream": lambda client, name: client.xadd(name, {"x": "y"}),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_wrong_type(
    node: MakeNode,
    redis_url: str,
    client: "redis.Redis",
    make: Callable[["redis.Redis", str], object],
) -> None:
    """A name of another Redis type is a miss, and the next load replaces it."""
    one = node(redis_url)
    make(client, one.names("k").entry)

    overwritten(one, client)


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_wrong_type_of_what_goes_with_it(
    node: MakeNode,
    redis_url: str,
    client: "redis.Redis",
    make: Callable[["redis.Redis", str], object],
) -> None:
    """Lease and records of another type hold up nobody."""
    one = node(redis_url)
    names = one.names("k")
    for name in (names.lease, names.failure, names.retry):
        make(client, name)

    outcome = one.outcome("k", Load(2))

    assert isinstance(outcome, Miss)
    assert {Tier.MEMORY, Tier.REDIS} == outcome.stored
    assert "closed" == one.breaker
