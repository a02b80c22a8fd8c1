"""Requests: any reply is an answer or a fault, and names are of one slot."""

import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from redis.crc import key_slot

from hybridcache.adapters.upstream.replies import read
from hybridcache.core import blob
from hybridcache.core.keys import redis_name
from hybridcache.engine.channel_requests import Clear, Echo, Ping, ReadMarker
from hybridcache.engine.entry_requests import Found, Invalidate, Read, Write
from hybridcache.engine.lease_requests import Acquire, Mode, Renew, RenewMany, Settle
from hybridcache.engine.names import channel_of, names_of
from hybridcache.engine.request import (
    Fault,
    Request,
    ServerError,
    Trouble,
    milliseconds,
)

A, B = "a" * 16, "b" * 16
CHANNEL = channel_of("p:", "o" * 16)
NAMES = names_of("p:", "k{%}y")
REST = blob.rest(
    fresh_for=1.0, ttl=60.0, stamp=bytes(8), fingerprint=bytes(8), body=b"body"
)
REQUESTS: list[Request[object]] = [
    Read(NAMES),
    Read(NAMES, marker=CHANNEL.marker, header_only=True),
    Acquire(NAMES, A, mode=Mode.LOAD),
    Renew(NAMES, A),
    Write(NAMES, A, CHANNEL, 1.0, REST),
    Settle(NAMES, A, CHANNEL),
    Invalidate(NAMES, CHANNEL, A),
    Clear(CHANNEL, A),
    ReadMarker(CHANNEL, A),
    Ping(CHANNEL),
    Echo(CHANNEL, A),
    RenewMany((Renew(NAMES, A), Renew(NAMES, B))),
]
WORDS = [b"granted", b"entry", b"held", b"held-off", b"failed", b"result", b"stored"]
CODES = ["WRONGTYPE x", "OOM x", "LOADING", "READONLY", "MOVED 1 h:1", "ERR x", ""]

atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.binary(max_size=20),
    st.sampled_from([*WORDS, b"lost", b"1700000000", b"9" * 5000]),
    st.text(max_size=3),
    st.sampled_from(CODES).map(ServerError),
)
replies = st.recursive(atoms, lambda inner: st.lists(inner, max_size=4), max_leaves=8)
keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
braced = st.one_of(keys, st.text("{}%7BD25:", min_size=1, max_size=8))
prefixes = st.text(st.characters(codec="utf-8", exclude_characters="{}"), max_size=6)


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
@given(given_=st.lists(replies, min_size=3, max_size=3))
@example(given_=[b"x", [b"9" * 5000, b"1"], None])
@example(given_=[[b"entry", b"", b"1", b"x"], [b"", b""], None])
def test_any_reply(request_: Request[object], given_: list[object]) -> None:
    """Whatever a server replies is an answer or a fault, never an exception."""
    answer = read(request_, given_[: len(request_.calls())])

    if isinstance(answer, Fault):
        assert isinstance(answer.trouble, Trouble)


@pytest.mark.parametrize("text", ["OOM command not allowed", "READONLY x", "NOPERM x"])
def test_refusals(text: str) -> None:
    """A write that the server refuses is refused; it is not down."""
    assert Fault(Trouble.REFUSED, text) == read(REQUESTS[4], [ServerError(text)])


def test_wrong_type() -> None:
    """A marker of a foreign type is an answer to a probe; an entry's is a miss."""
    error = ServerError("WRONGTYPE Operation against a key")

    assert read(Ping(CHANNEL), [error]) is True
    found = read(Read(NAMES), [error, [b"5", b"7"]])
    assert Found(b"", 5_000_007) == found


@given(st.floats(0, 2.0**31))
def test_milliseconds(duration: float) -> None:
    """Milliseconds are rounded up, and by less than one."""
    assert milliseconds(duration) - 1 <= duration * 1000 <= milliseconds(duration)
    assert (duration > 0) == (milliseconds(duration) > 0) or duration * 1000 == 0.0


def test_smallest_milliseconds() -> None:
    """No positive duration becomes 0, which Redis refuses."""
    assert 1 == milliseconds(math.ulp(0.0))


@given(prefixes, braced, prefixes, braced)
def test_names_differ(prefix: str, key: str, other: str, another: str) -> None:
    """Two prefixes or keys share no name of any kind."""
    assume((prefix, key) != (other, another))

    one, two = names_of(prefix, key), names_of(other, another)
    pair = [
        {each.entry, each.lease, each.failure, each.retry, each.result(A)}
        for each in (one, two)
    ]
    assert 10 == len(pair[0] | pair[1])
    shared = channel_of(prefix, "o" * 16)
    assert not {shared.events, shared.marker, shared.echo} & (pair[0] | pair[1])


@given(prefixes, braced)
def test_one_slot(prefix: str, key: str) -> None:
    """All that belongs to a key lies in one slot, whatever the prefix."""
    names = names_of(prefix, key)
    every = [names.entry, names.lease, names.failure, names.retry, names.result(A)]
    slots = {key_slot(name.encode()) for name in every}

    assert {key_slot(redis_name("", key).encode())} == slots
