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

from hybridcache import AsyncCache, Cache, Memory
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.faces.http.wsgi import WSGICacheMiddleware
from hybridcache.testing import ManualClock
from tests.eventually import eventually
from tests.http.wsgi import FRESH, TEXT, Origin, Request, ask, asking, in_thread

STALE_ON_ERROR = [("Cache-Control", "max-age=10, stale-if-error=100")]
WHILE_REVALIDATING = [("Cache-Control", "max-age=10, stale-while-revalidate=100")]
TAGGED = [("Cache-Control", "max-age=10"), ("ETag", '"a"')]


@attrs.define(eq=False)
class Node:
    """A cache in memory on a clock that the test moves."""

    clock: ManualClock = attrs.field(factory=ManualClock)
    cache: Cache = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the cache."""
        self.cache = Cache(downstream=Memory(), clock=self.clock)

    def face(self, app: Any, **changes: Any) -> WSGICacheMiddleware:
        """Put it in front of *app*."""
        policy = HTTPPolicy.safe(**changes)
        return WSGICacheMiddleware(app, cache=self.cache, policy=policy)

    def waiting(self, count: int) -> None:
        """Wait until so many wait for a load of whatever key."""

        def ready() -> bool:
            flights = self.cache._state.node.flights.flights()
            return count <= sum(each.latch.waiting for each in flights)

        eventually(ready)

    def idle(self) -> None:
        """Wait until no load is under way: the next request joins none that failed."""
        eventually(lambda: not self.cache._state.node.flights.flights())


@pytest.fixture(name="node")
def _node() -> Iterator[Node]:
    node = Node()
    yield node
    node.cache.close()


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize("lazy", [True, False])
def test_second_request_is_a_hit(node: Node, listed: bool, lazy: bool) -> None:
    """What came once is served again, without the application."""
    origin = Origin([b"one", b"", b"two"], listed=listed, lazy=lazy)
    face = node.face(validator(origin))

    first, second = ask(face), ask(face)

    assert 1 == origin.calls
    assert "hybridcache; fwd=uri-miss; fwd-status=200; stored" == first.said
    assert second.said.startswith("hybridcache; hit; ttl=")
    for each in (first, second):
        assert ("200 OK", b"onetwo") == (each.status, each.content)
        assert "text/plain" == each.field("content-type")
    assert "6" == second.field("content-length")
    assert "0" == second.field("age")


def test_a_list_is_stored_before_it_is_sent(node: Node) -> None:
    """A list is all there: it is stored before the server has it, and stays a list."""
    origin = Origin([b"one"], listed=True)
    face = node.face(origin)
    first = asking(face).begin()

    second = ask(face)

    assert [b"one"] == first.body
    assert 1 == origin.calls
    assert b"one" == second.content
    assert b"one" == first.finish().content


def test_a_counted_body_is_stored_with_its_last_part(node: Node) -> None:
    """With Content-Length, a body is whole before the server asks for its end."""
    origin = Origin([b"one", b"two"], fields=[*FRESH, ("Content-Length", "6")])
    face = node.face(origin)
    first = asking(face).begin()
    assert b"one" == first.part()
    assert b"two" == first.part()

    second = ask(face)

    assert 1 == origin.calls
    assert b"onetwo" == second.content
    first.finish()
    assert 1 == origin.closed


def test_the_first_part_comes_at_once(node: Node) -> None:
    """A part is sent on before the application has made the next one."""
    origin = Origin([b"one", b"two"], lazy=True, gate=threading.Event())
    first = asking(node.face(origin)).begin()

    assert b"one" == first.part()
    assert origin.gate is not None
    origin.gate.set()
    assert b"two" == first.part()
    assert first.part() is None
    first.close()
    assert 1 == origin.closed


def test_write(node: Node) -> None:
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

    face = node.face(app)
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


def test_headers_are_replaced_before_they_are_sent(node: Node) -> None:
    """Until a part of the body is there, another head may come: that one counts."""
    face = node.face(raising(started=False))

    assert ["500 Oh"] * 2 == [ask(face).status, ask(face).status]


def test_headers_that_were_sent_are_not_replaced(node: Node) -> None:
    """After the first part the error is raised again, and nothing is stored."""
    face = node.face(raising(started=True))
    for _ in range(2):
        request = asking(face).begin()

        with pytest.raises(ValueError, match="no"):
            request.finish()

        assert ("200 OK", [b"one"]) == (request.status, request.sent)


def test_headers_are_replaced_after_an_empty_part(node: Node) -> None:
    """An empty part sends no headers: they may be replaced, and nothing is stored."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [TEXT, *FRESH])
        yield b""
        try:
            fail()
        except ValueError:
            start_response("500 Oh", [TEXT, *FRESH], sys.exc_info())
        yield b"error"

    face = node.face(app)
    for _ in range(2):
        request = asking(face).begin().finish()

        assert ("500 Oh", b"error") == (request.status, request.content)


def test_start_response_twice_is_an_error(node: Node) -> None:
    """A second head without exc_info is the application's mistake, as ever."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TEXT, *FRESH])
        start_response("200 OK", [TEXT, *FRESH])
        return [b""]

    with pytest.raises(AssertionError, match="start_response"):
        ask(node.face(app))


@pytest.mark.parametrize("body", [[], [b"one"], iter(()), iter([b"one"])])
def test_no_start_response_is_an_error(node: Node, body: Iterable[bytes]) -> None:
    """A body without a head is the application's mistake, as ever."""
    with pytest.raises(AssertionError, match="start_response"):
        asking(node.face(lambda environ, start_response: body)).begin()


@pytest.mark.parametrize("status", ["599 Strange One", "299 Fine", "404 Gone Fishing"])
def test_strange_status(node: Node, status: str) -> None:
    """A status line stays as the application wrote it, from storage too."""
    face = node.face(validator(Origin(status=status)))

    first, second = ask(face), ask(face)

    assert [status, status] == [first.status, second.status]
    assert "; hit" in second.said


def test_head_is_answered_from_a_get(node: Node) -> None:
    """HEAD has the fields of the stored GET, and no body."""
    origin = Origin()
    face = node.face(validator(origin))
    ask(face)

    head = ask(face, method="HEAD")

    assert ("200 OK", b"", "5") == (
        head.status,
        head.content,
        head.field("content-length"),
    )
    assert 1 == origin.calls


def test_a_head_stores_nothing(node: Node) -> None:
    """A HEAD goes to the application, and so does the GET that follows."""
    origin = Origin([], fields=[*FRESH, ("Content-Length", "5")])
    face = node.face(validator(origin))

    head = ask(face, method="HEAD")
    ask(face, method="HEAD")

    assert "5" == head.field("content-length")
    assert ["HEAD", "HEAD"] == [each["REQUEST_METHOD"] for each in origin.asked]


@pytest.mark.parametrize("listed", [True, False])
def test_no_content(node: Node, listed: bool) -> None:
    """A 204 is stored and served without a body."""
    origin = Origin([], status="204 No Content", listed=listed)
    face = node.face(validator(origin))

    first, second = ask(face), ask(face)

    assert ["204 No Content"] * 2 == [first.status, second.status]
    assert "; hit" in second.said
    assert second.field("content-length") is None


def test_not_modified_from_storage(node: Node) -> None:
    """A client that has it already gets a 304, without the application."""
    origin = Origin(fields=TAGGED)
    face = node.face(validator(origin))
    ask(face)

    second = ask(face, fields=[("If-None-Match", '"a"')])

    assert ("304 Not Modified", b"", '"a"') == (
        second.status,
        second.content,
        second.field("etag"),
    )
    assert 1 == origin.calls


def test_stale_is_validated(node: Node) -> None:
    """The application is asked with the validators of what is stored alone."""
    origin = Origin(fields=TAGGED)
    face = node.face(validator(origin))
    ask(face)
    node.clock.advance(11)
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


def test_a_304_to_an_unknown_tag_is_asked_again(node: Node) -> None:
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

    face = node.face(app)
    ask(face)
    node.clock.advance(11)

    second = ask(face)

    assert ("200 OK", b"new") == (second.status, second.content)
    assert [False, True, False] == ["HTTP_IF_NONE_MATCH" in each for each in asked]
    assert ["/", "/", "/"] == [each["PATH_INFO"] for each in asked]
    assert ["new", "", "new"] == closed
    assert "; hit" in ask(face).said


def test_environ_is_the_servers_own(node: Node) -> None:
    """A request without changes reaches the application in the server's own environ."""
    origin = Origin()
    hints: list[object] = []
    request = asking(node.face(origin), more={"wsgi.early_hints": hints.append}).begin()
    request.finish()

    assert request.environ is origin.asked[0]
    assert hints.append == origin.asked[0]["wsgi.early_hints"]


# A client that goes away


def test_client_gone(node: Node) -> None:
    """When nobody else waits, the application ends with its client."""
    origin = Origin([b"one", b"two", b"three"])
    face = node.face(origin)
    request = asking(face).begin()
    request.part()

    request.close()

    assert (1, 1) == (origin.given, origin.closed)
    again = asking(face).begin().finish()
    assert (2, b"onetwothree") == (origin.calls, again.content)


def test_client_gone_while_others_wait(node: Node) -> None:
    """For those who wait the response is read to its end, and stored."""
    origin = Origin([b"one", b"two", b"three"])
    face = node.face(origin)
    leader = asking(face).begin()
    followers = [in_thread(lambda: ask(face)) for _ in range(3)]
    node.waiting(3)

    leader.close()

    for each in followers:
        got = each.result(20)
        assert b"onetwothree" == got.content
        assert "collapsed" in got.said
    assert (1, 1) == (origin.calls, origin.closed)
    assert "; hit" in ask(face).said


def test_client_gone_from_what_is_endless(node: Node) -> None:
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

    face = node.face(app, max_body=100)
    leader = asking(face).begin()
    leader.part()
    follower = in_thread(lambda: ask(face))
    node.waiting(1)
    endless.set()

    leader.close()

    assert 11 == len(given)
    assert b"short" == follower.result(20).content


def test_broken_off_while_others_wait(node: Node) -> None:
    """What fails for those who wait alone is raised, and they go themselves."""
    origin = Origin([b"one", ValueError("broken")])
    face = node.face(origin)
    leader = asking(face).begin()
    leader.part()
    follower = in_thread(lambda: ask(face))
    node.waiting(1)

    with pytest.raises(ValueError, match="broken"):
        leader.close()

    with pytest.raises(ValueError, match="broken"):
        follower.result(20)
    assert (2, 2) == (origin.calls, origin.closed)


# Bad input


def test_over_the_limit(node: Node) -> None:
    """A body over max_body is sent as it comes, and not stored."""
    origin = Origin([b"x" * 60, b"y" * 60])
    face = node.face(validator(origin), max_body=100)

    assert [120, 120] == [len(ask(face).content), len(ask(face).content)]
    assert 2 == origin.calls == origin.closed


@pytest.mark.parametrize("length", ["4", "6", "-1", "five"])
@pytest.mark.parametrize("listed", [True, False])
def test_wrong_length(node: Node, length: str, listed: bool) -> None:
    """A body that is not as long as it says is sent as it is, and not stored."""
    origin = Origin(fields=[*FRESH, ("Content-Length", length)], listed=listed)
    face = node.face(origin)

    for _ in range(2):
        assert b"hello" == asking(face).begin().finish().content

    assert 2 == origin.calls


@pytest.mark.parametrize("name", ["X", "X-Y"])
def test_response_splitting(node: Node, name: str) -> None:
    """A field that could end early is the server's to refuse; it is not stored."""
    origin = Origin(fields=[*FRESH, (name, "a\r\nSet-Cookie: b")])
    face = node.face(origin)

    for _ in range(2):
        asking(face).begin().finish()

    assert 2 == origin.calls


def test_raises_before(node: Node) -> None:
    """An application that raises at once raises through the cache."""
    origin = Origin(error=KeyError("no"))
    face = node.face(origin)

    for _ in range(2):
        with pytest.raises(KeyError, match="no"):
            ask(face)

    assert 2 == origin.calls


@pytest.mark.parametrize("lazy", [True, False])
@pytest.mark.parametrize("parts", [0, 1, 2])
def test_raises_during(node: Node, parts: int, lazy: bool) -> None:
    """An application that raises in its body raises there; what came is not stored."""
    origin = Origin([*[b"one"] * parts, KeyError("no")], lazy=lazy)
    face = node.face(origin)

    for _ in range(2):
        request = asking(face)
        with pytest.raises(KeyError, match="no"):
            request.begin().finish()
        assert b"one" * parts == request.content

    assert 2 == origin.calls == origin.closed


def test_raises_after(node: Node) -> None:
    """An application that raises when closed raises there; its response was whole."""
    origin = Origin()

    class Closing(list[bytes]):
        """A body that cannot be closed."""

        def close(self) -> None:
            """Fail."""
            raise KeyError

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return Closing(origin(environ, start_response))

    face = node.face(app)
    request = asking(face).begin()
    with pytest.raises(KeyError):
        request.finish()

    assert b"hello" == request.content
    assert "; hit" in ask(face).said


@pytest.mark.parametrize("lazy", [True, False])
def test_stale_if_error(node: Node, lazy: bool) -> None:
    """An application that raises before its head leaves the word to what is stored."""
    origin = Origin(fields=STALE_ON_ERROR, lazy=lazy)
    face = node.face(origin)
    ask(face)
    node.clock.advance(11)

    origin.error = KeyError("no")
    raised = ask(face)
    node.idle()
    origin.error, origin.chunks = None, [KeyError("no")]
    broken = ask(face)
    node.idle()
    origin.chunks, origin.status = [b"bad"], "503 Later"
    refused = ask(face)

    for each in (raised, broken, refused):
        assert ("200 OK", b"hello") == (each.status, each.content)
    assert 4 == origin.calls
    node.clock.advance(100)
    assert "503 Later" == ask(face).status


def test_stale_if_error_is_over(node: Node) -> None:
    """Without a stale response that may serve, the application's error is raised."""
    origin = Origin()
    face = node.face(origin)
    ask(face)
    node.clock.advance(61)
    origin.error = KeyError("no")

    with pytest.raises(KeyError, match="no"):
        ask(face)


def test_exit_is_not_answered(node: Node) -> None:
    """What ends the process is no error that a stale response stands for."""
    origin = Origin(fields=STALE_ON_ERROR)
    face = node.face(origin)
    ask(face)
    node.clock.advance(11)

    def exits(*_: object) -> Iterable[bytes]:
        raise SystemExit

    face.app = exits
    with pytest.raises(SystemExit):
        asking(face).begin()


# In the background


def test_refresh(node: Node) -> None:
    """A stale response serves while the application is asked in the background."""
    origin = Origin(fields=WHILE_REVALIDATING)
    face = node.face(origin)
    ask(face)
    node.clock.advance(11)
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
def test_refresh_of_no_use(node: Node, chunks: list[bytes | Exception]) -> None:
    """A refresh that fails, or is too long to be stored, changes nothing."""
    origin = Origin(fields=WHILE_REVALIDATING)
    face = node.face(origin, max_body=100)
    ask(face)
    node.clock.advance(11)
    origin.chunks = chunks

    ask(face)
    eventually(lambda: origin.closed == 2)

    assert b"hello" == ask(face).content


def test_refresh_that_is_written(node: Node) -> None:
    """A refresh takes what is written, and a head that comes in another's place."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [TEXT])
        try:
            fail()
        except ValueError:
            head = [TEXT, *WHILE_REVALIDATING]
            start_response("200 OK", head, sys.exc_info())(b"one")
        return [b"two"]

    face = node.face(app)
    ask(face)
    node.clock.advance(11)
    assert "; hit; ttl=-" in ask(face).said
    eventually(lambda: "; hit; ttl=-" not in ask(face).said)

    assert b"onetwo" == ask(face).content
    assert "; hit" in ask(face).said


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


def test_a_file_is_left_to_the_server(node: Node) -> None:
    """A file that is not stored reaches the server as what it is."""
    app = Served([("Cache-Control", "no-store")])
    request = asking(node.face(app), more={"wsgi.file_wrapper": FileWrapper}).begin()

    assert app.made == [request.body]
    assert b"file" == request.finish().content


def test_a_file_is_stored(node: Node) -> None:
    """A file that may be stored is read as it is sent."""
    app = Served(list(FRESH))
    face = node.face(app)
    request = asking(face, more={"wsgi.file_wrapper": FileWrapper}).begin().finish()

    assert b"file" == request.content == ask(face).content
    assert 1 == len(app.made)


# Other requests


def test_requests_at_once(node: Node) -> None:
    """Fifty requests at once make one call of the application."""
    gate = threading.Event()
    origin = Origin([b"one", b"two"], gate=gate)
    face = node.face(origin)
    running = [in_thread(lambda: ask(face)) for _ in range(50)]
    node.waiting(49)

    gate.set()
    got = [each.result(20) for each in running]

    assert [b"onetwo"] * 50 == [each.content for each in got]
    assert 49 == sum("collapsed" in each.said for each in got)
    assert 1 == origin.calls


def test_a_request_with_a_body_goes_past(node: Node) -> None:
    """A GET with content is for the application alone, which reads it."""
    bodies: list[bytes] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        bodies.append(environ["wsgi.input"].read(2))
        start_response("200 OK", [TEXT, *FRESH])
        return [b"x"]

    face = node.face(app)
    for body in (b"ab", b"cd"):
        more: dict[str, Any] = {"CONTENT_LENGTH": "2", "wsgi.input": io.BytesIO(body)}
        assert "fwd=bypass" in ask(face, more=more).said

    assert [b"ab", b"cd"] == bodies


def test_unsafe_method(node: Node) -> None:
    """A POST goes to the application, and what was stored of its URL is gone."""
    origin = Origin()
    face = node.face(validator(origin))
    ask(face)

    post = ask(face, method="POST")

    assert "hybridcache; fwd=method; fwd-status=200" == post.said
    assert "fwd=uri-miss" in ask(face).said


def test_purge(node: Node) -> None:
    """A URL that is purged is asked for anew; another is not."""
    origin = Origin()
    face = node.face(origin)
    for path in ("/a?b", "/c"):
        ask(face, path)

    face.purge("http://test/a?b")

    assert "uri-miss" in ask(face, "/a?b").said
    assert "; hit" in ask(face, "/c").said
    with pytest.raises(ValueError, match="absolute"):
        face.purge("/a?b")


def test_explain(node: Node) -> None:
    """What would become of a request can be asked without making it."""
    origin = Origin()
    face = node.face(origin)
    before = face.explain("http://test/")
    ask(face)

    assert ["miss", "hit"] == [before.course, face.explain("http://test/").course]
    assert 1 == origin.calls


def test_server_sent_events(node: Node) -> None:
    """A stream of events is sent on as it comes, and not stored."""
    gate = threading.Event()
    events = ("Content-Type", "text/event-stream")

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
        start_response("200 OK", [events, *FRESH])
        yield b"data: 1\n\n"
        assert gate.wait(20)
        yield b"data: 2\n\n"

    face = node.face(app)
    first, second = asking(face).begin(), asking(face).begin()

    assert [b"data: 1\n\n"] * 2 == [first.part(), second.part()]
    gate.set()
    for each in (first, second):
        each.finish()


def test_closed_cache(node: Node) -> None:
    """With its cache closed, the face is as if it were not there."""
    origin = Origin()
    face = node.face(origin)
    ask(face)
    node.cache.close()

    assert [b"hello"] * 2 == [ask(face).content, ask(face).content]
    assert 3 == origin.calls


def test_wrong_arguments(node: Node) -> None:
    """A cache of the other colour, or a policy of another kind, is refused."""
    wrong: Any = AsyncCache(downstream=Memory())
    with pytest.raises(TypeError, match="cache="):
        WSGICacheMiddleware(Origin(), cache=wrong)
    wrong = object()
    with pytest.raises(TypeError, match="policy="):
        WSGICacheMiddleware(Origin(), cache=node.cache, policy=wrong)


def test_abandoned(node: Node) -> None:
    """A request that its server never reads on keeps nobody for longer than wait_for."""
    origin = Origin([b"one", b"two"])
    face = node.face(origin, wait_for=0.2)
    held: Request = asking(face).begin()

    assert b"onetwo" == ask(face).content
    held.close()
