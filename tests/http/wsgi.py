"""A WSGI server without sockets that is strict with both sides (PEP 3333)."""

import io
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.validate import validator

import attrs

from hybridcache import Cache, Memory
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.faces.http.wsgi import WSGICacheMiddleware
from hybridcache.testing import ManualClock
from tests.eventually import eventually

Fields = Sequence[tuple[str, str]]

NOTHING: Mapping[str, Any] = {}

FRESH: Fields = [("Cache-Control", "max-age=60")]


def environ_of(
    path: str = "/",
    *,
    method: str = "GET",
    fields: Fields = (),
    more: Mapping[str, Any] = NOTHING,
) -> WSGIEnvironment:
    """Return the environ of a request to ``http://test``."""
    bare, _, query = path.partition("?")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": bare,
        "QUERY_STRING": query,
        "SERVER_NAME": "test",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "test",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in fields:
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    environ.update(more)
    return environ


@attrs.define(eq=False)
class Request:
    """One request of a client, answered as far as the test asks for it.

    Headers are sent with the first part of the body, as servers do.
    """

    app: WSGIApplication
    environ: WSGIEnvironment
    status: str = ""
    fields: Fields = ()
    sent: list[bytes] = attrs.field(factory=list)
    headers_sent: bool = False
    body: Iterable[bytes] = ()
    _iterator: Iterator[bytes] | None = None

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        """Take the head; refuse what PEP 3333 forbids."""
        if exc_info is not None and self.headers_sent:
            raise exc_info[1].with_traceback(exc_info[2])
        if self.status and exc_info is None:
            msg = "headers are already set"
            raise AssertionError(msg)
        self.status, self.fields = status, list(headers)
        return self.write

    def write(self, chunk: bytes) -> None:
        """Send a part; the head goes before it."""
        assert self.status
        if chunk:
            self.headers_sent = True
            self.sent.append(chunk)

    def begin(self) -> "Request":
        """Call the application."""
        self.body = self.app(self.environ, self.start_response)
        return self

    def part(self) -> bytes | None:
        """Ask for the next part of the body and send it; None at the end."""
        if self._iterator is None:
            self._iterator = iter(self.body)
        chunk = next(self._iterator, None)
        if chunk is not None:
            self.write(chunk)
        return chunk

    def close(self) -> None:
        """Be done with it, at whatever point it is."""
        method = getattr(self.body, "close", None)
        if method is not None:
            method()

    def finish(self) -> "Request":
        """Send all, and close."""
        try:
            while self.part() is not None:
                pass
        finally:
            self.close()
        assert self.status
        return self

    @property
    def content(self) -> bytes:
        """What was sent, as one."""
        return b"".join(self.sent)

    def field(self, name: str) -> str | None:
        """Return the value of a response's field."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def said(self) -> str:
        """What Cache-Status says."""
        return self.field("cache-status") or ""


def ask(
    app: WSGIApplication,
    path: str = "/",
    *,
    method: str = "GET",
    fields: Fields = (),
    more: Mapping[str, Any] = NOTHING,
) -> Request:
    """Send a request and return it answered; *app* is watched by wsgiref."""
    environ = environ_of(path, method=method, fields=fields, more=more)
    return Request(validator(app), environ).begin().finish()


def asking(
    app: WSGIApplication,
    path: str = "/",
    *,
    fields: Fields = (),
    more: Mapping[str, Any] = NOTHING,
) -> Request:
    """Send a request that the test carries on by itself."""
    return Request(app, environ_of(path, fields=fields, more=more))


def in_thread(work: Callable[[], Request]) -> "Future[Request]":
    """Do it in a thread of its own."""
    future: Future[Request] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (handed on)
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


@attrs.define(eq=False)
class Origin:
    """An application that answers as it is told, and remembers what it was asked.

    Attributes:

        chunks: Its body; what is an exception is raised in its place.

        status: Its status line.

        fields: Its fields, Content-Type besides.

        listed: Whether its body is a list, and not a generator.

        lazy: Whether it calls ``start_response`` with the first part alone.

        gate: What it waits for before the second part.

        error: Raised instead of an answer.
    """

    chunks: Sequence[bytes | Exception] = (b"hello",)
    status: str = "200 OK"
    fields: Fields = FRESH
    listed: bool = False
    lazy: bool = False
    gate: threading.Event | None = None
    error: Exception | None = None
    asked: list[WSGIEnvironment] = attrs.field(factory=list)
    closed: int = 0
    given: int = 0

    @property
    def calls(self) -> int:
        """How often it was called."""
        return len(self.asked)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer."""
        self.asked.append(environ)
        if self.error is not None:
            raise self.error
        if self.listed:
            self._start(start_response)
            return [chunk for chunk in self.chunks if isinstance(chunk, bytes)]
        if not self.lazy:
            self._start(start_response)
        return _Body(self, start_response)

    def _start(self, start_response: StartResponse) -> None:
        kind = [] if self.status[:3] in {"204", "304"} else [TEXT]
        start_response(self.status, [*kind, *self.fields])

    def parts(self, start_response: StartResponse) -> Iterator[bytes]:
        """Give the body."""
        if self.lazy:
            self._start(start_response)
        for number, chunk in enumerate(self.chunks):
            if number == 1 and self.gate is not None:
                assert self.gate.wait(20)
            if isinstance(chunk, Exception):
                raise chunk
            self.given += 1
            yield chunk


TEXT = ("Content-Type", "text/plain")


class _Body:
    """A body that knows whether it was closed."""

    def __init__(self, origin: Origin, start_response: StartResponse) -> None:
        self._origin = origin
        self._parts = origin.parts(start_response)

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        """Count it."""
        self._origin.closed += 1


@attrs.define(eq=False)
class Web:
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
