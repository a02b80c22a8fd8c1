"""The scripts mean what they say, on fakeredis and on a real server."""

from collections.abc import Iterator

import fakeredis
import pytest
import redis
from redis.exceptions import ResponseError

from hybridcache.adapters.upstream.replies import read
from hybridcache.core import blob
from hybridcache.engine.channel_requests import Clear, ReadMarker
from hybridcache.engine.entry_requests import (
    Found,
    Invalidate,
    Lost,
    Read,
    Write,
    Written,
)
from hybridcache.engine.lease_requests import (
    Acquire,
    Granted,
    Held,
    HeldOff,
    Mode,
    Record,
    Renew,
    RenewMany,
    Settle,
)
from hybridcache.engine.names import channel_of, names_of
from hybridcache.engine.request import Call, Request, ServerError

A, B = "a" * 16, "b" * 16
CHANNEL = channel_of("p:", "o" * 16)
NAMES = names_of("p:", "k{%}y")
REST = blob.rest(
    fresh_for=1.0, ttl=60.0, stamp=bytes(8), fingerprint=bytes(8), body=b"body"
)


class Server:
    """A server, real or not, asked as the adapters ask."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def ask(self, request: Request[object]) -> object:
        """Ask, scripts by their source."""
        answers: list[object] = []
        for call in request.calls():
            args = call.args
            if isinstance(call, Call):
                args = ("EVAL", call.script.source, len(call.names), *call.names, *args)
            try:
                answer = self.client.execute_command(*args)  # type: ignore[no-untyped-call]  # redis-py's
            except ResponseError as error:
                answer = ServerError(f"WRONGTYPE {error}")
            answers.append(answer)
        if isinstance(request, Read | Acquire):
            answers = [_bare(answer) for answer in answers]
        return read(request, answers)

    def acquire(self, token: str, **more: object) -> object:
        """Ask for the lease."""
        more.setdefault("mode", Mode.LOAD)
        return self.ask(Acquire(NAMES, token, **more))  # type: ignore[arg-type]  # short

    def write(self, token: str) -> object:
        """Write the entry."""
        return self.ask(Write(NAMES, token, CHANNEL, 60.0, REST))


def _bare(answer: object) -> object:
    # redis-py reads the reply to TIME; the adapters do not let it.
    if isinstance(answer, tuple):
        return [str(part).encode() for part in answer]
    return answer


@pytest.fixture(name="server", params=["fake", "real"])
def _server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server, empty."""
    if request.param == "fake":
        client: redis.Redis = fakeredis.FakeRedis()
    else:
        client = redis.Redis.from_url(request.getfixturevalue("redis_url"))
    with client:
        yield Server(client)


def test_grant(server: Server) -> None:
    """The lease goes to who asks first, and to the same again where a reply was lost."""
    assert Granted() == server.acquire(A)
    assert Granted() == server.acquire(A)
    held = server.acquire(B)
    assert isinstance(held, Held)
    assert (A, True) == (held.token, 0 < held.left <= 3)


def test_awaited(server: Server) -> None:
    """Only a lease that somebody waits for is answered with a message and a record."""
    pubsub = server.client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py's
    pubsub.subscribe(CHANNEL.events)
    pubsub.get_message(timeout=1)
    server.acquire(A)
    assert server.ask(Settle(NAMES, A, CHANNEL, b"Vrecord")) is True
    assert 0 == server.client.exists(NAMES.result(A))

    server.acquire(A)
    server.acquire(B, waits=True)
    server.acquire(B, waits=True)
    assert A.encode() + b"+" == server.client.get(NAMES.lease)
    assert server.ask(Renew(NAMES, A)) is True
    assert server.ask(Settle(NAMES, A, CHANNEL, b"Vrecord")) is True
    assert Record(b"Vrecord") == server.acquire(B, awaited=A)
    message = pubsub.get_message(timeout=1)
    assert message is not None
    assert b"S" + b"o" * 16 + A.encode() + NAMES.key.encode() == message["data"]
    assert pubsub.get_message(timeout=0.01) is None
    pubsub.close()


def test_token_check(server: Server) -> None:
    """Another's token neither writes, nor renews, nor settles."""
    server.acquire(A)

    assert Lost() == server.write(B)
    assert server.ask(Renew(NAMES, B)) is False
    both = RenewMany((Renew(NAMES, B), Renew(NAMES, A)))
    assert (False, True) == server.ask(both)
    assert server.ask(Settle(NAMES, B, CHANNEL)) is False
    assert isinstance(server.write(A), Written)
    assert Lost() == server.write(A)


def test_version_grows(server: Server) -> None:
    """Each write has a version above the last one's, be that from the future."""
    versions = []
    for _ in range(3):
        server.acquire(A, mode=Mode.FORCE, entry_will_do=False)
        written = server.write(A)
        assert isinstance(written, Written)
        versions.append(written.version)
    future = versions[-1] + 10**12
    server.client.set(
        NAMES.entry,
        blob.identity_of(NAMES.entry, version=future, instant_us=1) + REST,
    )
    server.acquire(A, mode=Mode.FORCE, entry_will_do=False)
    written = server.write(A)

    assert sorted(set(versions)) == versions
    assert isinstance(written, Written)
    assert future + 1 == written.version
    found = server.ask(Read(NAMES))
    assert isinstance(found, Found)
    assert found.blob is not None
    header, body = blob.parse(found.blob, NAMES.entry, bytes(8))
    assert (written.version, written.instant_us) == (header.version, header.instant_us)
    assert b"body" == body
    assert found.now_us >= header.instant_us


def test_foreign_types(server: Server) -> None:
    """Names of foreign types count as absent, and a load overwrites them."""
    for name in (NAMES.entry, NAMES.lease, NAMES.failure, NAMES.retry):
        server.client.rpush(name, "foreign")
    found = server.ask(Read(NAMES))

    assert isinstance(found, Found)
    assert b"" == found.blob
    assert Granted() == server.acquire(A)
    assert isinstance(server.write(A), Written)
    assert isinstance(server.acquire(B), Found)


def test_rejected(server: Server) -> None:
    """An entry is returned instead of the lease unless it is the rejected one."""
    server.acquire(A)
    server.write(A)
    found = server.acquire(B)
    assert isinstance(found, Found)
    assert found.blob is not None

    assert Granted() == server.acquire(B, rejected=blob.identity(found.blob))


def test_invalidate(server: Server) -> None:
    """An invalidation ends the entry and the claim: the load of before writes nothing."""
    server.acquire(A)
    assert server.ask(Invalidate(NAMES, CHANNEL, B)) is True

    assert Lost() == server.write(A)
    assert Granted() == server.acquire(B)


def test_failure_records(server: Server) -> None:
    """A failure holds the key for loads, a retry record for refreshes, none for force."""
    server.acquire(A)
    server.ask(Settle(NAMES, A, CHANNEL, b"Fx", error_ttl=60.0, retry_after=60.0))
    failed = server.acquire(B)
    assert isinstance(failed, Record)
    assert failed.left is not None
    assert (b"Fx", True) == (failed.data, 0 < failed.left <= 60)
    server.client.delete(NAMES.failure)
    assert isinstance(server.acquire(B, mode=Mode.REFRESH), HeldOff)
    assert Granted() == server.acquire(B, mode=Mode.FORCE)


def test_takes(server: Server) -> None:
    """With less suppression a lease is taken, and its waiters are still told."""
    server.acquire(A)
    server.acquire("c" * 16, waits=True)

    assert Granted() == server.acquire(B, takes=True)
    assert B.encode() + b"+" == server.client.get(NAMES.lease)
    assert Lost() == server.write(A)


def test_markers(server: Server) -> None:
    """A missing marker is made once, and a clear changes it."""
    assert A.encode() == server.ask(ReadMarker(CHANNEL, A))
    assert A.encode() == server.ask(ReadMarker(CHANNEL, B))
    assert server.ask(Clear(CHANNEL, B)) is True
    assert B.encode() == server.ask(ReadMarker(CHANNEL, A))
