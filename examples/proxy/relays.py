"""A transport or an adapter, with or without a cache, as an application for a server."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import cast
from wsgiref.types import StartResponse, WSGIEnvironment

import attrs
import httpx
import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from examples.proxy.environ import fields_of
from examples.proxy.fields import Fields, apart, value_of
from examples.proxy.messages import CHUNK, OriginError
from examples.proxy.scope import Receive, Scope, Send
from examples.proxy.scope import body as body_of_scope
from examples.proxy.scope import fields_of as fields_of_scope
from examples.proxy.scope import target as target_of_scope
from examples.proxy.wsgi import body, interim, native, target


@attrs.frozen
class TransportWSGI:
    """Answers with what an httpx transport answers."""

    transport: httpx.BaseTransport

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Relay one exchange (PEP 3333).

        Raises:

            OriginError: The origin cannot be reached, or breaks off.
        """
        request = _httpx_request(
            environ["REQUEST_METHOD"],
            target(environ),
            fields_of(environ),
            _Body(environ),
            interim(environ),
        )
        try:
            response = self.transport.handle_request(request)
        except httpx.TransportError as error:
            raise OriginError(str(error)) from error
        reason = _reason(response).decode("latin-1")
        fields = native(list(response.headers.raw))
        start_response(f"{response.status_code} {reason}", fields)
        return _Chunks(_of_httpx(response), response.close)


@attrs.frozen
class AdapterWSGI:
    """Answers with what an adapter of requests answers."""

    adapter: BaseAdapter

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Relay one exchange (PEP 3333).

        Raises:

            OriginError: The origin cannot be reached, or breaks off.
        """
        try:
            response = self.adapter.send(_prepared(environ), stream=True)
        except requests.ConnectionError as error:
            raise OriginError(str(error)) from error
        lines = _fields(list(response.raw.headers.items()))
        fields = apart(_fields(list(response.headers.items())), lines)
        start_response(f"{response.status_code} {response.reason}", native(fields))
        return _Chunks(_of_requests(response), response.close)


@attrs.frozen
class TransportASGI:
    """Answers with what an asynchronous httpx transport answers."""

    transport: httpx.AsyncBaseTransport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Relay one exchange (ASGI 3, ``http`` only).

        Raises:

            OriginError: The origin cannot be reached, or breaks off.
        """

        async def interim(status: int, fields: Fields) -> None:
            kind = "http.response.interim"
            await send({"type": kind, "status": status, "headers": fields})

        request = _httpx_request(
            scope["method"],
            target_of_scope(scope),
            fields_of_scope(scope),
            _AsyncBody(receive),
            interim,
        )
        try:
            response = await self.transport.handle_async_request(request)
            await self._relay(response, send)
        except httpx.TransportError as error:
            raise OriginError(str(error)) from error

    async def _relay(self, response: httpx.Response, send: Send) -> None:
        stream = response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            msg = "an asynchronous transport's response has an asynchronous body"
            raise TypeError(msg)
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": response.status_code,
                    "headers": list(response.headers.raw),
                    "reason": _reason(response),
                }
            )
            async for chunk in stream:
                await send(
                    {"type": "http.response.body", "body": chunk, "more_body": True}
                )
        finally:
            await response.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@attrs.frozen
class _Chunks:
    """A response's body; closing it closes the response, read or not."""

    chunks: Iterator[bytes]
    close: Callable[[], None]

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks


@attrs.frozen
class _Body(httpx.SyncByteStream):
    """The request's body."""

    environ: WSGIEnvironment

    def __iter__(self) -> Iterator[bytes]:
        return body(self.environ)


@attrs.frozen
class _AsyncBody(httpx.AsyncByteStream):
    """The request's body."""

    receive: Receive

    def __aiter__(self) -> AsyncIterator[bytes]:
        return body_of_scope(self.receive)


def _httpx_request(
    method: str,
    target: bytes,
    fields: Fields,
    stream: httpx.SyncByteStream | httpx.AsyncByteStream,
    interim: object,
) -> httpx.Request:
    host = value_of(fields, b"host").decode("latin-1") or "localhost"
    url = httpx.URL(f"http://{host}{target.decode('ascii')}")
    request = httpx.Request(
        method,
        url,
        headers=fields,
        stream=stream,
        extensions={"target": target, "interim": interim},
    )
    # httpx makes upper case of it, but a method's name is case-sensitive.
    request.method = method
    return request


def _prepared(environ: WSGIEnvironment) -> requests.PreparedRequest:
    """Return the request without the rewriting that requests does to URL and fields."""
    joined: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for name, value in native(fields_of(environ)):
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    host = joined.get("host") or "localhost"
    request = requests.PreparedRequest()
    request.method = environ["REQUEST_METHOD"]
    request.url = f"http://{host}{target(environ).decode('ascii')}"
    request.headers = joined
    if "content-length" in joined or "transfer-encoding" in joined:
        # An iterator is a body, too; its type is not declared.
        request.body = cast("bytes", body(environ))
    request.hooks = {"response": [], "interim": [interim(environ)]}
    return request


def _of_httpx(response: httpx.Response) -> Iterator[bytes]:
    stream = response.stream
    if not isinstance(stream, httpx.SyncByteStream):
        msg = "a blocking transport's response has a blocking body"
        raise TypeError(msg)
    try:
        yield from stream
    except httpx.TransportError as error:
        raise OriginError(str(error)) from error


def _of_requests(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it comes, and as it is on the wire."""
    raw = response.raw
    try:
        while chunk := raw.read1(CHUNK, decode_content=False):
            yield chunk
    except urllib3.exceptions.HTTPError as error:
        raise OriginError(str(error)) from error


def _reason(response: httpx.Response) -> bytes:
    reason: bytes = response.extensions.get("reason_phrase", b"")
    return reason


def _fields(items: list[tuple[str, str]]) -> Fields:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in items]
