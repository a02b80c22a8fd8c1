"""An origin on a socket that answers with the octets that a test gives it."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from io import BufferedReader
from typing import Final, TypeAlias

import attrs

WITHIN: Final = 10.0
Fields: TypeAlias = Sequence[tuple[str, str]]


@attrs.frozen
class Asked:
    """A request as the origin got it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    def all(self, name: str) -> list[str]:
        """Return the values of all lines of that name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


Script: TypeAlias = Callable[[Asked], Iterable[bytes]]


def reply(
    body: bytes = b"hello", *fields: tuple[str, str], status: str = "200 OK"
) -> bytes:
    """Make a whole response with a Content-Length."""
    length = ("Content-Length", str(len(body)))
    return head(*fields, length, status=status) + body


def head(*fields: tuple[str, str], status: str = "200 OK") -> bytes:
    """Make the head of a response."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk(part: bytes) -> bytes:
    """Frame a part of a chunked body; an empty one ends it."""
    return b"%x\r\n%s\r\n" % (len(part), part)


FRESH: Final = ("Cache-Control", "max-age=60")
CHUNKED: Final = ("Transfer-Encoding", "chunked")
CUT_SHORT: Final = b""
"""Yielded by a script: close the connection here."""


class Origin:
    """A server of one test.

    Args:

        script: Gives a response, in parts, for a request.
    """

    def __init__(self, script: Script | None = None) -> None:
        self.script: Script = script or (lambda asked: [reply(b"hello", FRESH)])
        self.asked: list[Asked] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"http://{self.address}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def calls(self) -> int:
        """How many requests came."""
        return len(self.asked)

    @property
    def last(self) -> Asked:
        """The latest request."""
        return self.asked[-1]

    def close(self) -> None:
        """Refuse connections, and break those that are open."""
        with suppress(OSError):
            # Wakes the thread that accepts.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            _shut(connection)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            number = len(self._connections)
            self._connections.append(connection)
            threading.Thread(
                target=self._serve, args=(connection, number), daemon=True
            ).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(WITHIN)
        with connection, connection.makefile("rb") as lines, suppress(OSError):
            for asked in _requests(lines, number):
                self.asked.append(asked)
                for part in self.script(asked):
                    if part == CUT_SHORT:
                        _shut(connection)
                        return
                    connection.sendall(part)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _requests(lines: BufferedReader, number: int) -> Iterator[Asked]:
    """Read the requests of a connection."""
    readline = lines.readline
    while first := readline().decode("latin-1").split():
        fields: list[tuple[str, str]] = []
        while (line := readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            fields.append((name, value.strip()))
        asked = Asked(first[0], first[1], tuple(fields), b"", number)
        length = int((asked.all("content-length") or ["0"])[0])
        body = lines.read(length)
        if asked.all("transfer-encoding"):
            while size := int(readline(), 16):
                body += lines.read(size)
                readline()
            readline()
        yield attrs.evolve(asked, body=body)
