"""HTTP by the byte, for tests: one end of a connection, and an origin that follows a script."""

import socket
import threading
from collections.abc import Callable
from typing import TypeAlias

import attrs

WITHIN = 10.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Script: TypeAlias = Callable[["Talk"], None]


@attrs.define
class Talk:
    """One end of a connection, read and written by the byte."""

    sock: socket.socket
    rest: bytes = b""

    def say(self, *parts: bytes) -> None:
        """Send *parts*, one after the other."""
        for part in parts:
            self.sock.sendall(part)

    def until(self, end: bytes) -> bytes:
        """Return what comes, up to and with *end*."""
        while end not in self.rest:
            data = self.sock.recv(65_536)
            assert data, f"it ended before {end!r}: {self.rest!r}"
            self.rest += data
        head, _, self.rest = self.rest.partition(end)
        return head + end

    def head(self) -> bytes:
        """Return a message's head."""
        return self.until(b"\r\n\r\n")

    def take(self, size: int) -> bytes:
        """Return *size* bytes."""
        while len(self.rest) < size:
            data = self.sock.recv(65_536)
            assert data, f"it ended before {size} bytes: {self.rest!r}"
            self.rest += data
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def all(self) -> bytes:
        """Return what comes until the other end closes."""
        taken, self.rest = self.rest, b""
        while data := self.sock.recv(65_536):
            taken += data
        return taken


class Origin:
    """An origin that follows a script on each connection."""

    def __init__(self) -> None:
        self.script: Script = lambda talk: talk.say(talk.head() and OK)
        self.connections = 0
        self.errors: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        with sock:
            sock.settimeout(WITHIN)
            try:
                self.script(Talk(sock))
            except BaseException as error:  # noqa: BLE001 (shown by the test's thread)
                self.errors.append(error)

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(WITHIN)
