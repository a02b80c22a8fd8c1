"""What server and origin say to each other: h11's events, made and read in one way."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeAlias

import h11

from examples.proxy.fields import Fields, end_to_end, has, value_of

CHUNK = 65_536
"""Bytes read at once."""

MAX_HEAD = 65_536
"""Longest head of a message, bytes; common servers stop at 8 to 16 KiB."""

LINGER = 2.0
"""Longest wait for the client to close, seconds (RFC 9112, section 9.6)."""

# RFC 3986, section 3.2.2, and a port.
_HOST = re.compile(rb"(?:[\w.~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?")

Event: TypeAlias = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]
"""What h11 makes of the bytes that came."""

Interim: TypeAlias = Callable[[int, Fields], None]
"""Is told each interim response: status and fields."""


class OriginError(ConnectionError):
    """The origin could not be reached, or broke off, or did not speak HTTP."""


class ClientGoneError(ConnectionError):
    """The client has left, or what it sends is not HTTP."""


def asked(
    method: bytes, target: bytes, fields: Fields, authority: bytes
) -> h11.Request:
    """Return the request that goes to the origin.

    The client's Host stays. *authority* is the origin's own, for a client so old that it
    sent none.
    """
    onward = end_to_end(fields)
    # The server asks the client to continue when the body is first wanted.
    onward = [(name, value) for name, value in onward if name.lower() != b"expect"]
    if not has(onward, b"host"):
        onward.insert(0, (b"Host", authority))
    # RFC 9112, section 6.1: the coding is chosen anew for each connection.
    if has(fields, b"transfer-encoding"):
        onward.append((b"Transfer-Encoding", b"chunked"))
    return h11.Request(method=method, target=target, headers=onward)


def brings_body(request: h11.Request) -> bool:
    """Say whether the request has content (RFC 9112, section 6.3)."""
    fields = request.headers.raw_items()
    length = value_of(fields, b"content-length")
    return has(fields, b"transfer-encoding") or length not in {b"", b"0"}


def head(status: int, fields: Fields, reason: bytes | None) -> h11.Response:
    """Return the head of a response; without a *reason*, with the registry's."""
    if reason is None:
        reason = phrase(status)
    return h11.Response(status_code=status, headers=fields, reason=reason)


def interim(status: int, fields: Fields) -> h11.InformationalResponse:
    """Return an interim response, with the registry's reason phrase."""
    return h11.InformationalResponse(
        status_code=status, headers=fields, reason=phrase(status)
    )


def refusal(method: bytes, status: int) -> list[h11.Event]:
    """Return the proxy's own answer to *method* where there is no other."""
    reason = phrase(status)
    text = b"%d %s\n" % (status, reason)
    fields = [
        (b"Content-Type", b"text/plain"),
        (b"Content-Length", b"%d" % len(text)),
        (b"Cache-Control", b"no-store"),
        (b"Connection", b"close"),
    ]
    body = [] if method == b"HEAD" else [h11.Data(data=text)]
    return [head(status, fields, reason), *body, h11.EndOfMessage()]


def unacceptable(request: h11.Request) -> int | None:
    """Return the status with which a reverse proxy refuses *request*, if it does."""
    if request.method == b"CONNECT":
        return 501
    # RFC 9112, section 3.2.
    host = value_of(request.headers.raw_items(), b"host")
    return None if _HOST.fullmatch(host) else 400


def phrase(status: int) -> bytes:
    """Return the registry's reason phrase, or none."""
    try:
        return HTTPStatus(status).phrase.encode("ascii")
    except ValueError:
        return b""


def bodiless(method: bytes, status: int) -> bool:
    """Say whether such a response never has content (RFC 9112, section 6.3)."""
    return method == b"HEAD" or status in {204, 304}


def origin_form(request: h11.Request) -> h11.Request:
    """Return *request* with its target in origin-form.

    The authority of an absolute-form target replaces Host (RFC 9112, section 3.2.2).
    """
    scheme, separator, rest = request.target.partition(b"://")
    if not separator or scheme.lower() not in {b"http", b"https"}:
        return request
    ends = [at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0]
    authority = rest[: min(ends, default=len(rest))]
    target = rest[len(authority) :]
    if not target.startswith(b"/"):
        target = b"/" + target
    fields = request.headers.raw_items()
    others = [(name, value) for name, value in fields if name.lower() != b"host"]
    return h11.Request(
        method=request.method,
        target=target,
        headers=[(b"Host", authority), *others],
        http_version=request.http_version,
    )
