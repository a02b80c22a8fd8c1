"""The raw side of a requests response: what urllib3 gives, made of chunks.

requests reads a response, decodes it and finds its cookies through urllib3's and
http.client's objects; those here stand on chunks from the origin or from the cache.
"""

from collections.abc import Callable, Generator, Iterator
from http.client import HTTPMessage, HTTPResponse, responses
from typing import Final, TypeGuard, cast

import urllib3

from hybridcache.core.http.message import Head

# Read from the origin at once, bytes; what has come is passed on, be it less.
CHUNK: Final = 65536
HTTP_1_1: Final = 11


class ChunkFile:
    """A file of chunks, which is closed at their end, as http.client's responses are.

    Args:

        chunks: What is read.

        close: Called once, at the end or before.
    """

    def __init__(self, chunks: Iterator[bytes], close: Callable[[], None]) -> None:
        self.closed = False
        self._chunks = chunks
        self._close = close
        self._rest = b""

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.read1, b"")

    def read1(self, amount: int = -1) -> bytes:
        """Return what comes next, up to *amount* bytes; empty at the end."""
        while not self._rest and not self.closed:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.close()
            else:
                self._rest = chunk
        if amount < 0:
            amount = len(self._rest)
        part, self._rest = self._rest[:amount], self._rest[amount:]
        return part

    def read(self, amount: int = -1) -> bytes:
        """Return *amount* bytes, or all there are."""
        parts: list[bytes] = []
        left = amount
        while left and (part := self.read1(left)):
            parts.append(part)
            # All that there is: below zero it stays.
            left -= len(part) if amount > 0 else 0
        return b"".join(parts)

    def close(self) -> None:
        """Let go of what the chunks come from."""
        if not self.closed:
            self.closed = True
            self._close()


class Raw(urllib3.HTTPResponse):
    """A urllib3 response that gives each part when it comes, however it is framed."""

    def stream(
        self, amt: int | None = CHUNK, decode_content: bool | None = None
    ) -> Generator[bytes, None, None]:
        """Give its content, in parts of up to *amt* bytes."""
        while part := self.read1(amt, decode_content=decode_content):
            yield part


class _Original:
    """Stands for http.client's response: requests finds the cookies in its fields."""

    def __init__(self, msg: HTTPMessage) -> None:
        self.msg = msg

    def isclosed(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open here."""


def raw_of(head: Head, method: str, file: ChunkFile, version: int = HTTP_1_1) -> Raw:
    """Make a raw response with that head, its content still to be decoded."""
    headers = urllib3.HTTPHeaderDict()
    message = HTTPMessage()
    for name, value in head.headers:
        line = name.decode("latin-1"), value.decode("latin-1")
        headers.add(*line)
        message[line[0]] = line[1]
    reason = head.reason.decode("latin-1") or responses.get(head.status, "")
    return Raw(
        body=file,
        headers=headers,
        status=head.status,
        version=version,
        reason=reason,
        preload_content=False,
        decode_content=False,
        # No public way leads to the cookies but by the shape of this one.
        original_response=cast("HTTPResponse", _Original(message)),
        request_method=method,
    )


def untouched(raw: object) -> TypeGuard[urllib3.HTTPResponse]:
    """Whether all of the content is still to be read, as it came on the wire."""
    return isinstance(raw, urllib3.HTTPResponse) and not raw.tell()


def wire(raw: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Give the content as it came, not decoded, each part when it is there."""
    while part := raw.read1(CHUNK, decode_content=False):
        yield part
