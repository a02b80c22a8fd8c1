"""A server that runs a WSGI application, one thread per connection.

Three things are in the environ besides what PEP 3333 says: ``REQUEST_URI``, the target
as it came; ``reverse_proxy.fields``, the field lines as they came; and
``hybridcache.interim``, to be called with the status and the fields of an interim response.
"""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING
from wsgiref.types import WSGIApplication

import h11

from examples.proxy.environ import environ_of
from examples.proxy.fields import Fields
from examples.proxy.messages import (
    CHUNK,
    LINGER,
    MAX_HEAD,
    ClientGoneError,
    Event,
    OriginError,
    bodiless,
    head,
    interim,
    origin_form,
    refusal,
    unacceptable,
)

if TYPE_CHECKING:
    from _typeshed import OptExcInfo, WriteableBuffer

_LOGGER = logging.getLogger(__name__)
# Longest silence of a client, seconds; as nginx's keepalive_timeout.
_READ_WITHIN = 75.0
_CLOSE_WITHIN = 5.0
# Most that is read of a request's body that the application left, bytes.
_DRAIN = 262_144


class BlockingServer:
    """Listens from the start; serves while `serve` runs."""

    def __init__(self, app: WSGIApplication, host: str, port: int) -> None:
        self._app = app
        self._listener = socket.create_server((host, port), backlog=1024)
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Take connections until `close`."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            with self._lock:
                self._open[thread] = client
                thread.start()

    def close(self) -> None:
        """Take no more connections and end those that there are."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            ending = list(self._open.items())
            for _, client in ending:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
        for thread, _ in ending:
            thread.join(_CLOSE_WITHIN)

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(_READ_WITHIN)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        wire = Wire(client)
        try:
            while wire.exchange(self._app):
                pass
            wire.linger()
        except ClientGoneError as gone:
            _LOGGER.debug("%s", gone)
        finally:
            with self._lock:
                client.close()
                del self._open[threading.current_thread()]


class Wire:
    """A connection to a client."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._method = b""
        self._lock = threading.Lock()

    def exchange(self, app: WSGIApplication) -> bool:
        """Answer one request; say whether there may be another."""
        try:
            request = self._event()
        except h11.RemoteProtocolError as error:
            self.refuse(error.error_status_hint)
            return False
        if not isinstance(request, h11.Request):
            return False
        self._method = request.method
        if (status := unacceptable(request)) is not None:
            self.refuse(status)
            return False
        return Exchange(self, origin_form(request)).run(app) and self._over()

    def send(self, *events: h11.Event) -> None:
        """Write *events* to the client."""
        with self._lock:
            data = [self._http.send(event) or b"" for event in events]
            try:
                self._client.sendall(b"".join(data))
            except OSError as error:
                raise ClientGoneError(str(error)) from error

    def refuse(self, status: int) -> None:
        """Answer without the application, if an answer can still be given."""
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self.send(*refusal(self._method, status))

    def old(self) -> bool:
        """Say whether the client speaks HTTP/1.0."""
        return (self._http.their_http_version or b"") < b"1.1"

    def read(self) -> bytes:
        """Return the next part of the request's body; nothing at its end."""
        if self._http.their_state is not h11.SEND_BODY:
            return b""
        if self._http.they_are_waiting_for_100_continue:
            self.send(interim(100, []))
        try:
            event = self._event()
        except h11.RemoteProtocolError as error:
            raise ClientGoneError(str(error)) from error
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    def linger(self) -> None:
        """Say that this is all, and read on for a while.

        What the client still sends could else take from it what it has not read yet.
        """
        until = time.monotonic() + LINGER
        self._client.settimeout(LINGER)
        with contextlib.suppress(OSError):
            self._client.shutdown(socket.SHUT_WR)
            while time.monotonic() < until and self._client.recv(CHUNK):
                pass

    def _over(self) -> bool:
        """End the exchange; say whether the connection can take another."""
        left = _DRAIN
        if not self._http.they_are_waiting_for_100_continue:
            while left > 0 and (data := self.read()):
                left -= len(data)
        if {self._http.our_state, self._http.their_state} != {h11.DONE}:
            return False
        self._http.start_next_cycle()
        return True

    def _event(self) -> Event:
        while True:
            with self._lock:
                event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            try:
                data = self._client.recv(CHUNK)
            except OSError as error:
                raise ClientGoneError(str(error)) from error
            self._http.receive_data(data)


class Exchange:
    """One request and its answer."""

    def __init__(self, wire: Wire, request: h11.Request) -> None:
        self._wire = wire
        self._request = request
        self._head: h11.Response | None = None
        self._begun = False
        self._lock = threading.Lock()

    def run(self, app: WSGIApplication) -> bool:
        """Answer with what *app* says; False if that broke off."""
        environ = environ_of(self._request)
        environ["wsgi.input"] = BufferedReader(_Input(self._wire), CHUNK)
        environ["hybridcache.interim"] = self._interim
        try:
            chunks = app(environ, self._start_response)
            try:
                for chunk in chunks:
                    if chunk:
                        self._write(chunk)
                self._begin()
                self._wire.send(h11.EndOfMessage())
            finally:
                if hasattr(chunks, "close"):
                    chunks.close()
        except OriginError as error:
            _LOGGER.info("%s", error)
            self._wire.refuse(502)
            return False
        except ClientGoneError:
            raise
        except Exception:
            _LOGGER.exception("The application raised.")
            self._wire.refuse(500)
            return False
        return True

    def _start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: "OptExcInfo | None" = None,
        /,
    ) -> Callable[[bytes], object]:
        if exc_info is not None and exc_info[1] is not None and self._begun:
            raise exc_info[1].with_traceback(exc_info[2])
        code, _, reason = status.partition(" ")
        fields = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]
        self._head = head(int(code), fields, reason.encode("latin-1"))
        return self._write

    def _interim(self, status: int, fields: Fields) -> None:
        with self._lock:
            # RFC 9110, section 15.2: never to an HTTP/1.0 client.
            if not self._begun and not self._wire.old():
                self._wire.send(interim(status, fields))

    def _begin(self) -> None:
        with self._lock:
            if self._begun:
                return
            if self._head is None:
                msg = "the application did not call start_response"
                raise RuntimeError(msg)
            self._begun = True
            self._wire.send(self._head)

    def _write(self, data: bytes) -> None:
        self._begin()
        if self._head and not bodiless(self._request.method, self._head.status_code):
            self._wire.send(h11.Data(data=data))


class _Input(RawIOBase):
    """The request's body."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        into = memoryview(buffer).cast("B")
        data = self._rest or self._wire.read()
        size = min(len(data), len(into))
        into[:size] = data[:size]
        self._rest = data[size:]
        return size
