"""The origin as an adapter of requests.

The hooks ``interim`` of a prepared request are called with the status and the fields of
each interim response. The response's field lines, as they came, are those of its ``raw``.
"""

from collections.abc import Callable, Iterable, Mapping
from io import RawIOBase
from typing import TYPE_CHECKING

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from examples.proxy.blocking_origin import BlockingOrigin, Body
from examples.proxy.fields import Fields
from examples.proxy.messages import OriginError, asked
from examples.proxy.wsgi import native

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class OriginAdapter(BaseAdapter):
    """Answers a request with what *origin* answers."""

    def __init__(self, origin: BlockingOrigin) -> None:
        super().__init__()
        self._origin = origin

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Relay one exchange; all but *request* is ignored.

        Raises:

            requests.ConnectionError: The origin cannot be reached.
        """
        del stream, timeout, verify, cert, proxies
        fields = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in request.headers.items()
        ]
        method = (request.method or "GET").encode("ascii")
        onward = asked(method, _target(request), fields, self._origin.authority)
        try:
            answer = self._origin.ask(onward, _body(request), _interim(request))
        except OriginError as error:
            raise requests.ConnectionError(error, request=request) from error
        raw = urllib3.HTTPResponse(
            body=Readable(answer.body),
            headers=urllib3.HTTPHeaderDict(native(answer.fields)),
            status=answer.status,
            reason=answer.reason.decode("latin-1"),
            preload_content=False,
            decode_content=False,
            enforce_content_length=False,
            request_method=request.method,
        )
        return response_of(request, raw)

    def close(self) -> None:
        """Close what is idle."""
        self._origin.close()


def response_of(
    request: requests.PreparedRequest, raw: urllib3.HTTPResponse
) -> requests.Response:
    """Return *raw* as a response of requests."""
    response = requests.Response()
    response.request = request
    response.url = request.url or ""
    response.status_code = raw.status
    response.reason = raw.reason or ""
    response.headers = CaseInsensitiveDict(raw.headers)
    response.raw = raw
    return response


class Readable(RawIOBase):
    """A body of the origin as urllib3 reads it: each read brings what has come."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rest = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill *buffer* with what has come."""
        into = memoryview(buffer).cast("B")
        data = self._rest or next(self._body, b"")
        size = min(len(data), len(into))
        into[:size] = data[:size]
        self._rest = data[size:]
        return size

    def read1(self, size: int = -1, /) -> bytes:
        """Return at most *size* bytes of what has come."""
        if size < 0:
            data, self._rest = self._rest or next(self._body, b""), b""
            return data
        return self.read(size) or b""

    def close(self) -> None:
        """Leave the rest, if there is any."""
        self._body.close()
        super().close()


def _target(request: requests.PreparedRequest) -> bytes:
    """Return what follows the authority in the URL."""
    _, _, rest = (request.url or "").partition("://")
    _, slash, path = rest.partition("/")
    return (slash + path).encode("ascii") or b"/"


def _body(request: requests.PreparedRequest) -> Iterable[bytes]:
    # An iterator is a body, too; its type is not declared.
    content: object = request.body
    match content:
        case None:
            return ()
        case bytes() as body:
            return (body,)
        case str() as text:
            return (text.encode(),)
        case Iterable() as chunks:
            return chunks
        case other:
            msg = f"{other!r} is no body"
            raise TypeError(msg)


def _interim(request: requests.PreparedRequest) -> Callable[[int, Fields], None]:
    def tell(status: int, fields: Fields) -> None:
        for hook in request.hooks.get("interim", ()):
            hook(status, fields)

    return tell
