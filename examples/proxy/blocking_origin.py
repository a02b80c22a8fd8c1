"""The origin, asked by threads: one pooled connection for each exchange.

No request is sent twice. An idle connection that the origin has closed is noticed before
it is used, and none is kept for long.
"""

import socket
import threading
from collections.abc import Iterable
from typing import Self

import h11

from examples.proxy.messages import CHUNK, Event, Interim, OriginError
from examples.proxy.origin_state import (
    CONNECT_WITHIN,
    READ_WITHIN,
    Answer,
    OriginState,
    answer,
    onward,
    part,
    readable,
)


class Connection:
    """One connection to the origin."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, CONNECT_WITHIN)
        self._socket.settimeout(READ_WITHIN)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.state = OriginState()

    def ask(
        self, request: h11.Request, body: Iterable[bytes], interim: Interim
    ) -> h11.Response:
        """Send *request* and return the head of the answer, which may come early."""
        self._send(request)
        for chunk in body:
            if (early := self._early(interim)) is not None:
                return early
            try:
                self._send(h11.Data(data=chunk))
            except (BrokenPipeError, ConnectionResetError):
                # It may have answered before it stopped listening.
                return self._head(interim)
        self._send(h11.EndOfMessage())
        return self._head(interim)

    def read(self) -> bytes:
        """Return the next part of the body; nothing at its end."""
        return part(self._event())

    def alive(self) -> bool:
        """Say whether an idle connection can be used."""
        return not self.state.rested() and not self._readable()

    def close(self) -> None:
        """Close it, in whatever state it is."""
        self._socket.close()

    def _send(self, event: h11.Event) -> None:
        if data := self.state.send(event):
            self._socket.sendall(data)

    def _head(self, interim: Interim) -> h11.Response:
        while True:
            head = _head_in(self._event(), interim)
            if head is not None:
                return head

    def _early(self, interim: Interim) -> h11.Response | None:
        """Return the answer if it came while the body was being sent."""
        while self._readable():
            self.state.receive(self._socket.recv(CHUNK))
            while (event := self.state.event()) is not h11.NEED_DATA:
                if (head := _head_in(event, interim)) is not None:
                    return head
        return None

    def _event(self) -> Event:
        while True:
            event = self.state.event()
            if event is not h11.NEED_DATA:
                return event
            self.state.receive(self._socket.recv(CHUNK))

    def _readable(self) -> bool:
        return readable(self._socket.fileno())


def _head_in(event: Event, interim: Interim) -> h11.Response | None:
    match event:
        case h11.InformationalResponse():
            interim(event.status_code, onward(event))
            return None
        case h11.Response():
            return event
        case _:
            msg = f"the origin sent no head but {event}"
            raise OriginError(msg)


class Body:
    """The body of an answer as it comes; its end gives the connection back."""

    def __init__(self, connection: Connection, origin: "BlockingOrigin") -> None:
        self._connection: Connection | None = connection
        self._origin = origin

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._connection is None:
            raise StopIteration
        try:
            chunk = self._connection.read()
        except (OSError, h11.RemoteProtocolError) as error:
            self.close()
            msg = f"the origin broke off: {error}"
            raise OriginError(msg) from error
        if not chunk:
            self.close()
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Leave the rest, if there is any."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._origin.take_back(connection)


class BlockingOrigin:
    """The origin, with the connections to it that are idle."""

    def __init__(self, host: str, port: int) -> None:
        self.authority = f"{host}:{port}".encode("ascii")
        self._address = (host, port)
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def ask(
        self, request: h11.Request, body: Iterable[bytes], interim: Interim
    ) -> Answer[Body]:
        """Send *request* with *body* and return the answer as soon as its head is here.

        Raises:

            OriginError: There is none.
        """
        try:
            connection = self._connection()
        except OSError as error:
            msg = f"the origin cannot be reached: {error}"
            raise OriginError(msg) from error
        try:
            head = connection.ask(request, body, interim)
        except (OSError, h11.RemoteProtocolError) as error:
            connection.close()
            msg = f"the origin gave no answer: {error}"
            raise OriginError(msg) from error
        except BaseException:
            connection.close()
            raise
        return answer(head, Body(connection, self))

    def take_back(self, connection: Connection) -> None:
        """Keep *connection* for another exchange, or close it."""
        if connection.state.reuse():
            with self._lock:
                self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _connection(self) -> Connection:
        while True:
            with self._lock:
                if not self._idle:
                    break
                connection = self._idle.pop()
            if connection.alive():
                return connection
            connection.close()
        return Connection(self._address)
