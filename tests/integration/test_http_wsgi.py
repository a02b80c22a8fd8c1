"""The cache in front of WSGI applications: PEP 3333, kept to the letter."""

import io
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import FileWrapper
from wsgiref.validate import validator

import attrs
import pytest

from hybridcache import AsyncCache, Memory
from hybridcache.faces.http.wsgi import WSGICacheMiddleware
from tests.eventually import eventually
from tests.http.wsgi import FRESH, TEXT, Origin, Web, ask, asking, in_thread

WHILE_REVALIDATING = [("Cache-Control", "max-age=10, stale-while-revalidate=100")]
TAGGED = [("Cache-Control", "max-age=10"), ("ETag", '"a"')]


@pytest.fixture(name="web")
def _web() -> Iterator[Web]:
    web = Web()
    yield web
    web.cache.close()


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("lazy", [True, False])
def test_second_request_is_a_hit(web: Web, listed: bool, lazy: bool) -> None:
    """What came once is served again, without the application."""
    origin = Origin([b"one", b"", b"two"], listed=listed, lazy=lazy)
    face = web.face(validator(origin))

    first, second = ask(face), ask(face)

    assert 1 == origin.calls
    assert "hybridcache; fwd=uri-miss; fwd-status=200; stored" == first.said
    assert second.said.startswith("hybridcache; hit; ttl=")
    for each in (first, second):
        assert ("200 OK", b"onetwo") == (each.status, each.content)
        assert "text/plain" == each.field("content-type")
    assert "6" == second.field("content-length")
    assert "0" == second.field("age")


def test_a_list_is_stored_before_it_is_sent(web: Web) -> None:
    """A list is all there: it is stored before the server has it, and stays a list."""
    origin = Origin([b"one"], listed=True)
    face = web.face(origin)
    first = asking(face).begin()

    second = ask(face)

    assert [b"one"] == first.body
    assert 1 == origin.calls
    assert b"one" == second.content
    assert b"one" == first.finish().content


def test_a_counted_body_is_stored_with_its_last_part(web: Web) -> None:
    """With Content-Length, a body is whole before the server asks for its end."""
    origin = Origin([b"one", b"two"], fields=[*FRESH, ("Content-Length", "6")])
    face = web.face(origin)
    first = asking(face).begin()
    assert b"one" == first.part()
    assert b"two" == first.part()

    second = ask(face)

    assert 1 == origin.calls
    assert b"onetwo" == second.content
    first.finish()
    assert 1 == origin.closed


def test_the_first_part_comes_at_once(web: Web) -> None:
    """A part is sent on before the application has made the next one."""
    origin = Origin([b"one", b"two"], lazy=True, gate=threading.Event())
    first = asking(web.face(origin)).begin()

    assert b"one" == first.part()
    assert origin.gate is not None
    origin.gate.set()
    assert b"two" == first.part()
    assert first.part() is None
    first.close()
    assert 1 == origin.closed


def test_write(web: Web) -> None:
    """What is sent by ``write`` comes at once, and is stored with the rest."""
    calls: list[int] = []
    seen: list[list[bytes]] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        calls.append(1)
        write = start_response("200 OK", [TEXT, *FRESH])
        write(b"one")
        write(b"two")
        seen.append(list(first.sent))
        return [b"three"]

    face = web.face(app)
    first = asking(face)
    first.begin().finish()
    second = ask(face)

    assert [[b"one", b"two"]] == seen
    assert [b"onetwothree"] * 2 == [first.content, second.content]
    assert 1 == len(calls)


def fail() -> None:
    """Fail."""
    msg = "no"
    raise ValueError(msg)


def raising(started: bool) -> Callable[..., Iterable[bytes]]:
    """Return an application that takes its answer back, before or after a part."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [TEXT, *FRESH])
        if started:
            yield b"one"
        try:
            fail()
        except ValueError:
            start_response("500 Oh", [TEXT], sys.exc_info())
        yield b"error"

    return app


def test_headers_are_replaced_before_they_are_sent(web: Web) -> None:
    """Until a part of the body is there, another head may come: that one counts."""
    face = web.face(raising(started=False))

    assert ["500 Oh"] * 2 == [ask(face).status, ask(face).status]


def test_headers_that_were_sent_are_not_replaced(web: Web) -> None:
    """After the first part the error is raised again, and nothing is stored."""
    face = web.face(raising(started=True))
    for _ in range(2):
        request = asking(face).begin()

        with pytest.raises(ValueError, match="no"):
            request.finish()

        assert ("200 OK", [b"one"]) == (request.status, request.sent)


def test_headers_are_replaced_after_an_empty_part(web: Web) -> None:
    """An empty part sends no headers: they may be replaced, and nothing is stored."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [TEXT, *FRESH])
        yield b""
        try:
            fail()
        except ValueError:
            start_response("500 Oh", [TEXT, *FRESH], sys.exc_info())
        yield b"error"

    face = web.face(app)
    for _ in range(2):
        request = asking(face).begin().finish()

        assert ("500 Oh", b"error") == (request.status, request.content)


def test_start_response_twice_is_an_error(web: Web) -> None:
    """A second head without exc_info is the application's mistake, as ever."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TEXT, *FRESH])
        start_response("200 OK", [TEXT, *FRESH])
        return [b""]

    with pytest.raises(AssertionError, match="start_response"):
        ask(web.face(app))


@pytest.mark.parametrize("body", [[], [b"one"], iter(()), iter([b"one"])])
def test_no_start_response_is_an_error(web: Web, body: Iterable[bytes]) -> None:
    """A body without a head is the application's mistake, as ever."""
    with pytest.raises(AssertionError, match="start_response"):
        asking(web.face(lambda environ, start_response: body)).begin()


@pytest.mark.parametrize("status", ["599 Strange One", "299 Fine", "404 Gone Fishing"])
def test_strange_status(web: Web, status: str) -> None:
    """A status line stays as the application wrote it, from storage too."""
    face = web.face(validator(Origin(status=status)))

    first, second = ask(face), ask(face)

    assert [status, status] == [first.status, second.status]
    assert "; hit" in second.said


def test_head_is_answered_from_a_get(web: Web) -> None:
    """HEAD has the fields of the stored GET, and no body."""
    origin = Origin()
    face = web.face(validator(origin))
    ask(face)

    head = ask(face, method="HEAD")

    assert ("200 OK", b"", "5") == (
        head.status,
        head.content,
        head.field("content-length"),
    )
    assert 1 == origin.calls


def test_a_head_stores_nothing(web: Web) -> None:
    """A HEAD goes to the application, and so does the GET that follows."""
    origin = Origin([], fields=[*FRESH, ("Content-Length", "5")])
    face = web.face(validator(origin))

    head = ask(face, method="HEAD")
    ask(face, method="HEAD")

    assert "5" == head.field("content-length")
    assert ["HEAD", "HEAD"] == [each["REQUEST_METHOD"] for each in origin.asked]


@pytest.mark.parametrize("listed", [True, False])
def test_no_content(web: Web, listed: bool) -> None:
    """A 204 is stored and served without a body."""
    origin = Origin([], status="204 No Content", listed=listed)
    face = web.face(validator(origin))

    first, second = ask(face), ask(face)

    assert ["204 No Content"] * 2 == [first.status, second.status]
    assert "; hit" in second.said
    assert second.field("content-length") is None


def test_not_modified_from_storage(web: Web) -> None:
    """A client that has it already gets a 304, without the application."""
    origin = Origin(fields=TAGGED)
    face = web.face(validator(origin))
    ask(face)

    second = ask(face, fields=[("If-None-Match", '"a"')])

    assert ("304 Not Modified", b"", '"a"') == (
        second.status,
        second.content,
        second.field("etag"),
    )
    assert 1 == origin.calls


def test_stale_is_validated(web: Web) -> None:
    """The application is asked with the validators of what is stored alone."""
    origin = Origin(fields=TAGGED)
    face = web.face(validator(origin))
    ask(face)
    web.clock.advance(11)
    origin.status, origin.chunks = "304 Not Modified", []

    second = ask(face, fields=[("If-Modified-Since", "then"), ("Accept", "a")])
    third = ask(face)

    assert [("200 OK", b"hello")] * 2 == [
        (each.status, each.content) for each in (second, third)
    ]
    assert "hybridcache; fwd=stale; fwd-status=304" in second.said
    assert "; hit" in third.said
    assert 2 == origin.calls == origin.closed
    asked = origin.asked[1]
    assert '"a"' == asked["HTTP_IF_NONE_MATCH"]
    assert "HTTP_IF_MODIFIED_SINCE" not in asked
    assert "a" == asked["HTTP_ACCEPT"]


def test_a_304_to_an_unknown_tag_is_asked_again(web: Web) -> None:
    """A 304 that speaks of something else is dropped: asked plainly, it says all."""
    asked: list[WSGIEnvironment] = []
    closed: list[str] = []

    class Closing(list[bytes]):
        """A body that tells of its end."""

        def close(self) -> None:
            """Tell."""
            closed.append(self[0].decode() if self else "")

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked.append(dict(environ))
        # An application may take its environ to pieces.
        environ["PATH_INFO"] = "/elsewhere"
        if "HTTP_IF_NONE_MATCH" in environ:
            start_response("304 Not Modified", [("ETag", '"c"')])
            return Closing()
        start_response("200 OK", [TEXT, *TAGGED])
        return Closing([b"new"])

    face = web.face(app)
    ask(face)
    web.clock.advance(11)

    second = ask(face)

    assert ("200 OK", b"new") == (second.status, second.content)
    assert [False, True, False] == ["HTTP_IF_NONE_MATCH" in each for each in asked]
    assert ["/", "/", "/"] == [each["PATH_INFO"] for each in asked]
    assert ["new", "", "new"] == closed
    assert "; hit" in ask(face).said


def test_environ_is_the_servers_own(web: Web) -> None:
    """A request without changes reaches the application in the server's own environ."""
    origin = Origin()
    hints: list[object] = []
    request = asking(web.face(origin), more={"wsgi.early_hints": hints.append}).begin()
    request.finish()

    assert request.environ is origin.asked[0]
    assert hints.append == origin.asked[0]["wsgi.early_hints"]


# In the background


def test_refresh(web: Web) -> None:
    """A stale response serves while the application is asked in the background."""
    origin = Origin(fields=WHILE_REVALIDATING)
    face = web.face(origin)
    ask(face)
    web.clock.advance(11)
    origin.chunks = [b"new"]

    stale = ask(
        face,
        fields=[("Range", "bytes=0-1"), ("Cache-Control", "no-cache")],
        more={"wsgi.early_hints": print},
    )
    eventually(lambda: ask(face).content == b"new")

    assert b"he" == stale.content
    assert "; hit; ttl=-" in stale.said
    assert 2 == origin.calls == origin.closed
    asked = origin.asked[1]
    assert b"" == asked["wsgi.input"].read()
    for name in ("HTTP_RANGE", "HTTP_CACHE_CONTROL", "wsgi.early_hints"):
        assert name not in asked


@pytest.mark.parametrize("chunks", [[b"x" * 101], [b"x", KeyError("no")]])
def test_refresh_of_no_use(web: Web, chunks: list[bytes | Exception]) -> None:
    """A refresh that fails, or is too long to be stored, changes nothing."""
    origin = Origin(fields=WHILE_REVALIDATING)
    face = web.face(origin, max_body=100)
    ask(face)
    web.clock.advance(11)
    origin.chunks = chunks

    ask(face)
    eventually(lambda: origin.closed == 2)

    assert b"hello" == ask(face).content


def test_refresh_that_is_written(web: Web) -> None:
    """A refresh takes what is written, and a head that comes in another's place."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TEXT])
        try:
            fail()
        except ValueError:
            head = [TEXT, *WHILE_REVALIDATING]
            start_response("200 OK", head, sys.exc_info())(b"one")
        return [b"two"]

    face = web.face(app)
    ask(face)
    web.clock.advance(11)
    assert "; hit; ttl=-" in ask(face).said
    eventually(lambda: "; hit; ttl=-" not in ask(face).said)

    assert b"onetwo" == ask(face).content
    assert "; hit" in ask(face).said


# Parts and variants


@pytest.mark.parametrize("listed", [True, False])
def test_a_part_is_completed(web: Web, listed: bool) -> None:
    """Of a response that is stored in part only the rest is asked for."""
    tagged = [("Cache-Control", "max-age=60"), ("ETag", '"a"')]

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        first, last = environ["HTTP_RANGE"].removeprefix("bytes=").split("-")
        part = b"hello world"[int(first) : int(last or 10) + 1]
        asked.append(environ["HTTP_RANGE"])
        position = ("Content-Range", f"bytes {first}-{last or 10}/11")
        start_response("206 Partial Content", [TEXT, *tagged, position])
        return [part] if listed else iter([part])

    asked: list[str] = []
    face = web.face(app)
    part = ask(face, fields=[("Range", "bytes=0-4")])

    whole = ask(face)
    again = ask(face)

    assert ("206 Partial Content", b"hello") == (part.status, part.content)
    assert ("200 OK", b"hello world") == (whole.status, whole.content)
    assert "11" == whole.field("content-length")
    assert b"hello world" == again.content
    assert "; hit" in again.said
    assert ["bytes=0-4", "bytes=5-"] == asked


def test_variants(web: Web) -> None:
    """A response that varies serves those that ask alike."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        language = environ.get("HTTP_ACCEPT_LANGUAGE", "none")
        asked.append(language)
        start_response("200 OK", [TEXT, *FRESH, ("Vary", "Accept-Language")])
        return [language.encode()]

    asked: list[str] = []
    face = web.face(app)
    for language in ("de", "en", "DE", "en"):
        got = ask(face, fields=[("Accept-Language", language)])
        assert language.lower().encode() == got.content
    assert b"none" == ask(face).content

    assert ["de", "en", "none"] == asked


# Files


@attrs.define(eq=False)
class Served:
    """An application that has a file sent."""

    fields: list[tuple[str, str]]
    made: list[object] = attrs.field(factory=list)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer with a file."""
        start_response("200 OK", [TEXT, *self.fields])
        file: Iterable[bytes] = environ["wsgi.file_wrapper"](io.BytesIO(b"file"))
        self.made.append(file)
        return file


def test_a_file_is_left_to_the_server(web: Web) -> None:
    """A file that is not stored reaches the server as what it is."""
    app = Served([("Cache-Control", "no-store")])
    request = asking(web.face(app), more={"wsgi.file_wrapper": FileWrapper}).begin()

    assert app.made == [request.body]
    assert b"file" == request.finish().content


def test_a_file_is_stored(web: Web) -> None:
    """A file that may be stored is read as it is sent."""
    app = Served(list(FRESH))
    face = web.face(app)
    request = asking(face, more={"wsgi.file_wrapper": FileWrapper}).begin().finish()

    assert b"file" == request.content == ask(face).content
    assert 1 == len(app.made)


# Other requests


def test_requests_at_once(web: Web) -> None:
    """Fifty requests at once make one call of the application."""
    gate = threading.Event()
    origin = Origin([b"one", b"two"], gate=gate)
    face = web.face(origin)
    running = [in_thread(lambda: ask(face)) for _ in range(50)]
    web.waiting(49)

    gate.set()
    got = [each.result(20) for each in running]

    assert [b"onetwo"] * 50 == [each.content for each in got]
    assert 49 == sum("collapsed" in each.said for each in got)
    assert 1 == origin.calls


def test_a_request_with_a_body_goes_past(web: Web) -> None:
    """A GET with content is for the application alone, which reads it."""
    bodies: list[bytes] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        bodies.append(environ["wsgi.input"].read(2))
        start_response("200 OK", [TEXT, *FRESH])
        return [b"x"]

    face = web.face(app)
    for body in (b"ab", b"cd"):
        more: dict[str, Any] = {"CONTENT_LENGTH": "2", "wsgi.input": io.BytesIO(body)}
        assert "fwd=bypass" in ask(face, more=more).said

    assert [b"ab", b"cd"] == bodies


def test_unsafe_method(web: Web) -> None:
    """A POST goes to the application, and what was stored of its URL is gone."""
    origin = Origin()
    face = web.face(validator(origin))
    ask(face)

    post = ask(face, method="POST")

    assert "hybridcache; fwd=method; fwd-status=200" == post.said
    assert "fwd=uri-miss" in ask(face).said


def test_purge(web: Web) -> None:
    """A URL that is purged is asked for anew; another is not."""
    origin = Origin()
    face = web.face(origin)
    for path in ("/a?b", "/c"):
        ask(face, path)

    face.purge("http://test/a?b")

    assert "uri-miss" in ask(face, "/a?b").said
    assert "; hit" in ask(face, "/c").said
    with pytest.raises(ValueError, match="absolute"):
        face.purge("/a?b")


def test_explain(web: Web) -> None:
    """What would become of a request can be asked without making it."""
    origin = Origin()
    face = web.face(origin)
    before = face.explain("http://test/")
    ask(face)

    assert ["miss", "hit"] == [before.course, face.explain("http://test/").course]
    assert 1 == origin.calls


def test_server_sent_events(web: Web) -> None:
    """A stream of events is sent on as it comes, and not stored."""
    gate = threading.Event()
    events = ("Content-Type", "text/event-stream")

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [events, *FRESH])
        yield b"data: 1\n\n"
        assert gate.wait(20)
        yield b"data: 2\n\n"

    face = web.face(app)
    first, second = asking(face).begin(), asking(face).begin()

    assert [b"data: 1\n\n"] * 2 == [first.part(), second.part()]
    gate.set()
    for each in (first, second):
        each.finish()


def test_closed_cache(web: Web) -> None:
    """With its cache closed, the face is as if it were not there."""
    origin = Origin()
    face = web.face(origin)
    ask(face)
    web.cache.close()

    assert [b"hello"] * 2 == [ask(face).content, ask(face).content]
    assert 3 == origin.calls


def test_wrong_arguments(web: Web) -> None:
    """A cache of the other colour, or a policy of another kind, is refused."""
    wrong: Any = AsyncCache(downstream=Memory())
    with pytest.raises(TypeError, match="cache="):
        WSGICacheMiddleware(Origin(), cache=wrong)
    wrong = object()
    with pytest.raises(TypeError, match="policy="):
        WSGICacheMiddleware(Origin(), cache=web.cache, policy=wrong)


def test_abandoned(web: Web) -> None:
    """A request that its server never reads on keeps nobody for longer than wait_for."""
    origin = Origin([b"one", b"two"])
    face = web.face(origin, wait_for=0.2)
    held = asking(face).begin()

    assert b"onetwo" == ask(face).content
    held.close()


def test_a_server_without_write(web: Web) -> None:
    """A ``start_response`` that returns nothing, as many do, is good enough."""
    origin = Origin(listed=True)
    face = web.face(origin)

    face(asking(face).environ, lambda *_: None)  # type: ignore[arg-type]  # against PEP 3333

    assert "; hit" in ask(face).said
