"""A request as ASGI says it, and back."""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias
from urllib.parse import unquote

import h11

from examples.proxy.fields import Fields
from examples.proxy.messages import ClientGoneError

Scope: TypeAlias = MutableMapping[str, Any]
"""What an application is told of a connection."""

Message: TypeAlias = MutableMapping[str, Any]
"""What goes between an application and its server."""

Receive: TypeAlias = Callable[[], Awaitable[Message]]
"""Takes a message from the server."""

Send: TypeAlias = Callable[[Message], Awaitable[None]]
"""Gives a message to the server."""

ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An application (ASGI 3)."""


def scope_of(request: h11.Request) -> Scope:
    """Return what ASGI says of *request*."""
    path, _, query = request.target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method.decode("ascii"),
        "scheme": "http",
        "path": unquote(path.decode("ascii")),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": list(request.headers),
        "reverse_proxy.names": {
            name.lower(): name for name, _ in request.headers.raw_items()
        },
        "client": None,
        "server": None,
        "extensions": {"http.response.interim": {}},
    }


def target(scope: Scope) -> bytes:
    """Return the request's target as it came."""
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return path + b"?" + query if query else path


def fields_of(scope: Scope) -> Fields:
    """Return the request's field lines, names as they came."""
    names: dict[bytes, bytes] = scope.get("reverse_proxy.names", {})
    return [(names.get(name, name), value) for name, value in scope["headers"]]


async def body(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the request's body as it comes.

    Raises:

        ClientGoneError: It broke off.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            msg = "the client left before the end of its request"
            raise ClientGoneError(msg)
        more = message.get("more_body", False)
        if chunk := message.get("body", b""):
            yield chunk
