"""WSGI applications and clients that fail: before, during and after the response."""

import threading
from collections.abc import Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.validate import validator

import pytest

from hybridcache.adapters.threads import Workers
from hybridcache.core.http.message import Head, Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.faces.http.wsgi import WSGICacheMiddleware
from tests.amid import Stopped
from tests.eventually import eventually
from tests.http.wsgi import FRESH, TEXT, Origin, Web, ask, asking, in_thread

STALE_ON_ERROR = [("Cache-Control", "max-age=10, stale-if-error=100")]


@pytest.fixture(name="web")
def _web() -> Iterator[Web]:
    web = Web()
    yield web
    web.cache.close()


# A client that goes away


def test_client_gone(web: Web) -> None:
    """When nobody else waits, the application ends with its client."""
    origin = Origin([b"one", b"two", b"three"])
    face = web.face(origin)
    request = asking(face).begin()
    request.part()

    request.close()

    assert (1, 1) == (origin.given, origin.closed)
    again = asking(face).begin().finish()
    assert (2, b"onetwothree") == (origin.calls, again.content)


def test_client_gone_while_others_wait(web: Web) -> None:
    """For those who wait the response is read to its end, and stored."""
    origin = Origin([b"one", b"two", b"three"])
    face = web.face(origin)
    leader = asking(face).begin()
    followers = [in_thread(lambda: ask(face)) for _ in range(3)]
    web.waiting(3)

    leader.close()

    for each in followers:
        got = each.result(20)
        assert b"onetwothree" == got.content
        assert "collapsed" in got.said
    assert (1, 1) == (origin.calls, origin.closed)
    assert "; hit" in ask(face).said


def test_client_gone_from_what_is_endless(web: Web) -> None:
    """It is read no further than it may be stored; who waits goes alone."""
    endless = threading.Event()
    given: list[int] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [TEXT, *FRESH])
        if endless.is_set():
            yield b"short"
            return
        while True:
            given.append(1)
            yield b"x" * 10

    face = web.face(app, max_body=100)
    leader = asking(face).begin()
    leader.part()
    follower = in_thread(lambda: ask(face))
    web.waiting(1)
    endless.set()

    leader.close()

    assert 11 == len(given)
    assert b"short" == follower.result(20).content


def test_broken_off_while_others_wait(web: Web) -> None:
    """What fails for those who wait alone is raised, and they go themselves."""
    origin = Origin([b"one", ValueError("broken")])
    face = web.face(origin)
    leader = asking(face).begin()
    leader.part()
    follower = in_thread(lambda: ask(face))
    web.waiting(1)

    with pytest.raises(ValueError, match="broken"):
        leader.close()

    with pytest.raises(ValueError, match="broken"):
        follower.result(20)
    assert (2, 2) == (origin.calls, origin.closed)


# Bad input


def test_over_the_limit(web: Web) -> None:
    """A body over max_body is sent as it comes, and not stored."""
    origin = Origin([b"x" * 60, b"y" * 60])
    face = web.face(validator(origin), max_body=100)

    assert [120, 120] == [len(ask(face).content), len(ask(face).content)]
    assert 2 == origin.calls == origin.closed


@pytest.mark.parametrize("length", ["4", "6", "-1", "five"])
@pytest.mark.parametrize("listed", [True, False])
def test_wrong_length(web: Web, length: str, listed: bool) -> None:
    """A body that is not as long as it says is sent as it is, and not stored."""
    origin = Origin(fields=[*FRESH, ("Content-Length", length)], listed=listed)
    face = web.face(origin)

    for _ in range(2):
        assert b"hello" == asking(face).begin().finish().content

    assert 2 == origin.calls


@pytest.mark.parametrize("name", ["X", "X-Y"])
def test_response_splitting(web: Web, name: str) -> None:
    """A field that could end early is the server's to refuse; it is not stored."""
    origin = Origin(fields=[*FRESH, (name, "a\r\nSet-Cookie: b")])
    face = web.face(origin)

    for _ in range(2):
        asking(face).begin().finish()

    assert 2 == origin.calls


@pytest.mark.parametrize("listed", [True, False])
def test_body_of_text(web: Web, listed: bool) -> None:
    """A body of text is the application's mistake: nobody waits for what it made."""
    chunks: Any = ["text"]
    origin = Origin(listed=listed)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        list(origin(environ, start_response))
        body: Iterable[bytes] = chunks if listed else iter(chunks)
        return body

    face = web.face(app)
    for _ in range(2):
        with pytest.raises(TypeError, match="str"):
            asking(face).begin().finish()
        web.idle()

    assert 2 == origin.calls


def test_raises_before(web: Web) -> None:
    """An application that raises at once raises through the cache."""
    origin = Origin(error=KeyError("no"))
    face = web.face(origin)

    for _ in range(2):
        with pytest.raises(KeyError, match="no"):
            ask(face)

    assert 2 == origin.calls


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("parts", [0, 1, 2])
def test_raises_during(web: Web, parts: int, lazy: bool) -> None:
    """An application that raises in its body raises there; what came is not stored."""
    origin = Origin([*[b"one"] * parts, KeyError("no")], lazy=lazy)
    face = web.face(origin)

    for _ in range(2):
        request = asking(face)
        with pytest.raises(KeyError, match="no"):
            request.begin().finish()
        assert b"one" * parts == request.content

    assert 2 == origin.calls == origin.closed


def test_raises_after(web: Web) -> None:
    """An application that raises when closed raises there; its response was whole."""
    origin = Origin()

    class Closing(list[bytes]):
        """A body that cannot be closed."""

        def close(self) -> None:
            """Fail."""
            raise KeyError

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return Closing(origin(environ, start_response))

    face = web.face(app)
    request = asking(face).begin()
    with pytest.raises(KeyError):
        request.finish()

    assert b"hello" == request.content
    assert "; hit" in ask(face).said


@pytest.mark.parametrize("lazy", [True, False])
def test_stale_if_error(web: Web, lazy: bool) -> None:
    """An application that raises before its head leaves the word to what is stored."""
    origin = Origin(fields=STALE_ON_ERROR, lazy=lazy)
    face = web.face(origin)
    ask(face)
    web.clock.advance(11)

    origin.error = KeyError("no")
    raised = ask(face)
    web.idle()
    origin.error, origin.chunks = None, [KeyError("no")]
    broken = ask(face)
    web.idle()
    origin.chunks, origin.status = [b"bad"], "503 Later"
    refused = ask(face)

    for each in (raised, broken, refused):
        assert ("200 OK", b"hello") == (each.status, each.content)
    assert 4 == origin.calls
    web.clock.advance(100)
    assert "503 Later" == ask(face).status


def test_stale_if_error_is_over(web: Web) -> None:
    """Without a stale response that may serve, the application's error is raised."""
    origin = Origin()
    face = web.face(origin)
    ask(face)
    web.clock.advance(61)
    origin.error = KeyError("no")

    with pytest.raises(KeyError, match="no"):
        ask(face)


def test_exit_is_not_answered(web: Web) -> None:
    """What ends the process is no error that a stale response stands for."""
    origin = Origin(fields=STALE_ON_ERROR)
    face = web.face(origin)
    ask(face)
    web.clock.advance(11)

    def exits(*_: object) -> Iterable[bytes]:
        raise SystemExit

    face.app = exits
    with pytest.raises(SystemExit):
        asking(face).begin()


@pytest.mark.parametrize("ends", [SystemExit, Stopped])
def test_exit_of_a_leader(web: Web, ends: type[BaseException]) -> None:
    """Who waited for a request that ended its thread is served by one of its own."""
    gate = threading.Event()
    origin = Origin()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not gate.is_set():
            assert gate.wait(20)
            raise ends
        return origin(environ, start_response)

    face = web.face(app)
    leader = in_thread(lambda: ask(face))
    eventually(web.cache._state.node.flights.flights)
    follower = in_thread(lambda: ask(face))
    web.waiting(1)

    gate.set()

    with pytest.raises(ends):
        leader.result(20)
    assert b"hello" == follower.result(20).content


def test_error_handler(web: Web) -> None:
    """The policy's error handler answers for an application that raised."""
    failed: list[tuple[str, Exception]] = []

    def handle(request: Request, error: Exception) -> tuple[Head, bytes]:
        failed.append((request.target, error))
        return Head(502, ((b"content-type", b"text/plain"),), b"Sorry"), b"sorry"

    error = KeyError("no")
    policy = HTTPPolicy.by_url(60, 600, error_handler=handle)
    face = WSGICacheMiddleware(Origin(error=error), cache=web.cache, policy=policy)

    got = ask(face, "/a?b")

    assert ("502 Sorry", b"sorry") == (got.status, got.content)
    assert [("/a?b", error)] == failed


def test_no_thread_left(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started the application answers, or what is stale."""

    def refuse(*_: object) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    origin = Origin(fields=[("Cache-Control", "max-age=10, stale-while-revalidate=9")])
    face = web.face(origin)
    ask(face)
    web.idle()
    with monkeypatch.context() as patch:
        patch.setattr(Workers, "submit", refuse)
        missed = ask(face, "/other")
        web.clock.advance(11)
        stale = ask(face)

    assert ("200 OK", b"hello") == (missed.status, missed.content)
    assert "; hit; ttl=-" in stale.said
    assert 2 == origin.calls
    ask(face)
    eventually(lambda: "; hit; ttl=-" not in ask(face).said)


@pytest.mark.parametrize("more", [{"HTTP_X": "\u20ac"}, {"PATH_INFO": "/\u20ac"}])
def test_what_is_no_environ(web: Web, more: dict[str, Any]) -> None:
    """A request that no server makes goes to the application as it is."""
    origin = Origin()
    face = web.face(origin)

    for _ in range(2):
        assert b"hello" == asking(face, more=more).begin().finish().content

    assert 2 == origin.calls
