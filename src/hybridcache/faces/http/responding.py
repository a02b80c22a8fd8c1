"""One run of a WSGI application for a client: what it sends, as it comes (PEP 3333).

The head is settled with the first part of the body, or at the end: until then the
application may take it back. Nothing is read ahead of the client but what is there
already, in a list. A client that goes away ends the run, unless others wait for the
response: for them it is read to its end, as far as it may be stored.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.message import Head
from hybridcache.core.http.storable import content_length
from hybridcache.engine.http.directives import Directive, Relay, Repeat, Replace
from hybridcache.engine.http.exchange import Exchange
from hybridcache.faces.http.closing import close
from hybridcache.faces.http.driving import InThreads
from hybridcache.faces.http.environs import fields_of, head_of, route_of, status_line
from hybridcache.faces.http.patience import Patience


class Responding:
    """Takes a response from the application, tells the exchange, and sends it on."""

    def __init__(
        self,
        inside: InThreads,
        exchange: Exchange,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        patience: Patience,
    ) -> None:
        self.exchange = exchange
        self.patience = patience
        self._inside = inside
        self._environ = environ
        self._start_response = start_response
        self._head: Head | None = None
        self._route = ""
        self._exc_info: Any = None
        self._directive: Directive | None = None
        # Whether this response is what the client gets.
        self._relayed = False
        self._write: Callable[[bytes], object] = _nowhere
        # Sent before the first part that comes.
        self._prefix = b""
        self._left: int | None = None

    def run(self, app: WSGIApplication) -> Iterable[bytes] | None:
        """Return what to send; None if the request is to be made again."""
        iterable: Iterable[bytes] = ()
        try:
            iterable = app(self._environ, self.start_response)
            body = self._opened(iterable)
        except BaseException as error:
            if isinstance(self._directive, Repeat) and isinstance(error, Exception):
                # The error of a run that is made again goes with its response.
                close(iterable)
                return None
            answer = self._failed(error)
            close(iterable)
            if answer is not None:
                return send_answer(answer, self._start_response)
            raise
        if self._relayed:
            return body
        close(iterable)
        if isinstance(self._directive, Replace):
            return send_answer(self._directive.answer, self._start_response)
        return None

    def _failed(self, error: BaseException) -> Answer | None:
        """Return what to send though the application raised; None to fail, too."""
        answer: Answer | None = None
        if self._directive is None:
            answer = self.exchange.failed(error)
        elif isinstance(self._directive, Replace) and isinstance(error, Exception):
            # That was decided before it raised.
            answer = self._directive.answer
        self.exchange.drop()
        return answer

    # What the application calls

    def start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: Any = None,
        /,
    ) -> Callable[[bytes], object]:
        """Take the head, or another in its place."""
        try:
            if self._relayed and exc_info is not None:
                # What was told is not what comes. If it is too late, the server raises.
                self.exchange.drop()
                return self._start_response(status, headers, exc_info)
            if self._head is not None and exc_info is None:
                msg = "start_response was called again, and without exc_info"
                raise AssertionError(msg)
            if self._directive is None:
                self._head, self._exc_info = head_of(status, headers), exc_info
                self._route = route_of(self._environ)
        finally:
            # It refers to this frame.
            exc_info = None
        return self.write

    def write(self, chunk: bytes) -> None:
        """Send a part of the body at once."""
        self._begin()
        if not self._relayed:
            return
        prefix, self._prefix = self._prefix, b""
        if prefix:
            self._write(prefix)
        self.take(chunk)
        self._write(chunk)

    # What comes of it

    def _begin(self) -> None:
        """Settle the head: tell the exchange, and the server if it is to be sent."""
        if self._directive is not None:
            return
        if self._head is None:
            msg = "the application sent a body, or nothing, before start_response"
            raise AssertionError(msg)
        exc_info, self._exc_info = self._exc_info, None
        self._directive = self._inside.head(self.exchange, self._head, self._route)
        if not isinstance(self._directive, Relay):
            return
        self._relayed = True
        head, self._prefix = self._directive.head, self._directive.prefix
        self._left = content_length(self._head.headers)
        line, fields = status_line(head.status, head.reason), fields_of(head.headers)
        if exc_info is None:
            self._write = self._start_response(line, fields)
        else:
            self._write = self._start_response(line, fields, exc_info)

    def take(self, chunk: bytes) -> None:
        """Tell the exchange of a part; with the last one that can come, of the end."""
        self.exchange.body(chunk)
        if self._left is not None:
            self._left -= len(chunk)
            if self._left == 0:
                # Stored before the client sees the end: its next request finds it.
                self.end()

    def end(self) -> None:
        """Tell the exchange that the response is whole."""
        self._inside.end(self.exchange)

    def _opened(self, iterable: Iterable[bytes]) -> Iterable[bytes]:
        """Return what the server is to send, once the head is settled."""
        if type(iterable) in {list, tuple}:
            return self._whole(iterable)
        if self._head is not None and self._is_file(iterable):
            self._begin()
            if self._relayed and not self.exchange.keeping:
                # The server may have a faster way to send a file, if it sees one.
                self.exchange.drop()
                return iterable
        if self._directive is not None and not self._relayed:
            return ()
        iterator = iter(iterable)
        ready = list(islice(iterator, 1))
        self._begin()
        if not self._relayed:
            return ()
        for chunk in ready:
            self.take(chunk)
        if not ready:
            self.end()
        prefix, self._prefix = self._prefix, b""
        return Body(self, iterable, iterator, [prefix, *ready] if prefix else ready)

    def _whole(self, chunks: Iterable[bytes]) -> Iterable[bytes]:
        """Take all of a body that is there: the server may count the parts."""
        self._begin()
        if not self._relayed:
            return ()
        for chunk in chunks:
            self.take(chunk)
        self.end()
        return [self._prefix, *chunks] if self._prefix else chunks

    def _is_file(self, iterable: Iterable[bytes]) -> bool:
        wrapper = self._environ.get("wsgi.file_wrapper")
        return isinstance(wrapper, type) and isinstance(iterable, wrapper)


class Body:
    """The body, as the server asks for it."""

    def __init__(
        self,
        responding: Responding,
        iterable: Iterable[bytes],
        iterator: Iterator[bytes],
        ready: list[bytes],
    ) -> None:
        self._responding = responding
        self._iterable = iterable
        self._iterator = iterator
        self._ready = ready
        self._over = False
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        led = self._responding.exchange.led
        if led is None:
            return self._next()
        self._responding.patience.end(led)
        chunk = self._next()
        if not led.settled and not self._closed:
            self._responding.patience.begin(led)
        return chunk

    def _next(self) -> bytes:
        if self._ready:
            return self._ready.pop(0)
        try:
            chunk = next(self._iterator)
        except StopIteration:
            self._over = True
            self._responding.end()
            raise
        except BaseException:
            self._over = True
            self._responding.exchange.drop()
            raise
        self._responding.take(chunk)
        return chunk

    def close(self) -> None:
        """Close what the application returned; the client may be gone before the end."""
        if self._closed:
            return
        self._closed = True
        led = self._responding.exchange.led
        if led is not None:
            self._responding.patience.end(led)
        try:
            if not self._over:
                self._read_on()
        finally:
            self._responding.exchange.drop()
            close(self._iterable)

    def _read_on(self) -> None:
        """Read for those who wait, if any do."""
        exchange = self._responding.exchange
        while exchange.keeping and exchange.awaited:
            if next(self, None) is None:
                return


def _nowhere(_: bytes) -> None:
    """Stand for the server's ``write`` until there is one."""


def send_answer(answer: Answer, start_response: StartResponse) -> Iterable[bytes]:
    """Send a response of the cache's own."""
    start_response(status_line(answer.status, answer.reason), fields_of(answer.headers))
    return [answer.body] if answer.body else []
