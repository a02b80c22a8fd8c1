"""httpx's requests and responses as the cache knows them, and back."""

from typing import Final

import httpx

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.codes import NOT_MODIFIED
from hybridcache.core.http.message import Head, Headers, Request
from hybridcache.engine.http.directives import Relay
from hybridcache.engine.http.exchange import Exchange
from hybridcache.faces.http.outgoing import request_to

EXTENSION: Final = "hybridcache"
"""The response extension that says what the cache did."""

# What a request in the background has of the one that caused it: how the connection
# is made. What it is traced by belongs to the other.
_OF_THE_CONNECTION: Final = frozenset(("sni_hostname", "target", "timeout"))


def asked_of(request: httpx.Request) -> Request:
    """Return what the cache must know of a request."""
    url = request.url
    # The extension "target" is sent in the place of the URL's path.
    target = request.extensions.get("target", url.raw_path)
    return request_to(
        request.method, url.scheme, url.netloc, target, request.headers.raw
    )


def with_fields(request: httpx.Request, exchange: Exchange) -> httpx.Request:
    """Return the request to make: with the fields that *exchange* sends."""
    if exchange.headers is exchange.request.headers:
        return request
    return httpx.Request(
        request.method,
        request.url,
        headers=list(exchange.headers),
        stream=request.stream,
        extensions=request.extensions,
    )


def in_background(request: httpx.Request, bare: Request) -> httpx.Request:
    """Return a request of the cache's own, made where *request* went."""
    return httpx.Request(
        bare.method,
        request.url,
        headers=list(bare.headers),
        extensions={
            name: value
            for name, value in request.extensions.items()
            if name in _OF_THE_CONNECTION
        },
    )


def head_of(response: httpx.Response) -> Head:
    """Return the head of a response."""
    reason = response.extensions.get("reason_phrase", b"")
    return Head(response.status_code, _fields(response), reason)


def _fields(response: httpx.Response) -> Headers:
    return tuple(response.headers.raw)


def has_no_content(response: httpx.Response) -> bool:
    """Whether nothing but the end of the response is left to be read."""
    return response.status_code == NOT_MODIFIED


def relayed(
    response: httpx.Response,
    relay: Relay,
    exchange: Exchange,
    stream: httpx.SyncByteStream | httpx.AsyncByteStream,
) -> httpx.Response:
    """Return the response that the caller gets of the origin's."""
    head = relay.head
    extensions = {**response.extensions, EXTENSION: exchange.served}
    if head.reason:
        extensions["reason_phrase"] = head.reason
    return httpx.Response(
        head.status, headers=list(head.headers), stream=stream, extensions=extensions
    )


def answered(answer: Answer) -> httpx.Response:
    """Return a response of the cache's own; its content is as it was on the wire."""
    extensions: dict[str, object] = {
        EXTENSION: answer.served,
        "http_version": b"HTTP/1.1",
    }
    if answer.reason:
        extensions["reason_phrase"] = answer.reason
    return httpx.Response(
        answer.status,
        headers=list(answer.headers),
        stream=httpx.ByteStream(answer.body),
        extensions=extensions,
    )
