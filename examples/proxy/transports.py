"""The origin as httpx's transports.

A request's extension ``interim`` is called with the status and the fields of each interim
response; with the asynchronous transport it is awaited. The extension ``target`` is the
raw target, as httpcore has it.
"""

from collections.abc import AsyncIterator, Iterator

import h11
import httpx

from examples.proxy import awaiting_origin, blocking_origin
from examples.proxy.awaiting_origin import AsyncInterim, AsyncOrigin
from examples.proxy.blocking_origin import BlockingOrigin
from examples.proxy.fields import Fields
from examples.proxy.messages import Interim, OriginError, asked
from examples.proxy.origin_state import Answer, B


class OriginTransport(httpx.BaseTransport):
    """Answers a request with what *origin* answers."""

    def __init__(self, origin: BlockingOrigin) -> None:
        self._origin = origin

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Relay one exchange.

        Raises:

            httpx.NetworkError: The origin cannot be reached, or breaks off.
        """
        stream = request.stream
        if not isinstance(stream, httpx.SyncByteStream):
            msg = "a request to a blocking transport has a blocking body"
            raise TypeError(msg)
        interim: Interim = request.extensions.get("interim", _nobody)
        onward = _asked(request, self._origin.authority)
        try:
            answer = self._origin.ask(onward, stream, interim)
        except OriginError as error:
            raise httpx.NetworkError(str(error), request=request) from error
        return _response(answer, _Stream(answer.body))


class AsyncOriginTransport(httpx.AsyncBaseTransport):
    """Answers a request with what *origin* answers."""

    def __init__(self, origin: AsyncOrigin) -> None:
        self._origin = origin

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Relay one exchange.

        Raises:

            httpx.NetworkError: The origin cannot be reached, or breaks off.
        """
        stream = request.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            msg = "a request to an asynchronous transport has an asynchronous body"
            raise TypeError(msg)
        interim: AsyncInterim = request.extensions.get("interim", _anobody)
        onward = _asked(request, self._origin.authority)
        try:
            answer = await self._origin.ask(onward, stream, interim)
        except OriginError as error:
            raise httpx.NetworkError(str(error), request=request) from error
        return _response(answer, _AsyncStream(answer.body))


class _Stream(httpx.SyncByteStream):
    """A body of the origin, whose errors are httpx's."""

    def __init__(self, body: blocking_origin.Body) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except OriginError as error:
            raise httpx.ReadError(str(error)) from error

    def close(self) -> None:
        self._body.close()


class _AsyncStream(httpx.AsyncByteStream):
    """A body of the origin, whose errors are httpx's."""

    def __init__(self, body: awaiting_origin.Body) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._body:
                yield chunk
        except OriginError as error:
            raise httpx.ReadError(str(error)) from error

    async def aclose(self) -> None:
        self._body.close()


def _asked(request: httpx.Request, authority: bytes) -> h11.Request:
    target: bytes = request.extensions.get("target", request.url.raw_path)
    method = request.method.encode("ascii")
    return asked(method, target, list(request.headers.raw), authority)


def _response(
    answer: Answer[B], stream: httpx.SyncByteStream | httpx.AsyncByteStream
) -> httpx.Response:
    return httpx.Response(
        answer.status,
        headers=answer.fields,
        stream=stream,
        extensions={"http_version": b"HTTP/1.1", "reason_phrase": answer.reason},
    )


def _nobody(status: int, fields: Fields) -> None:
    """Take an interim response for nobody."""


async def _anobody(status: int, fields: Fields) -> None:
    """Take an interim response for nobody."""
