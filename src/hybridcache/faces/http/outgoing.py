"""What the faces of HTTP clients have in common: requests as the cache knows them."""

from collections.abc import Iterable
from typing import Final, TypeVar

from hybridcache.core.http.authority import authority
from hybridcache.core.http.message import Headers, Request
from hybridcache.core.http.policy import HTTPPolicy

T = TypeVar("T")

PRIVATE: Final = HTTPPolicy.private()
"""The policy of the clients, where none is given."""


def checked(inner: object, kind: type[T]) -> T | None:
    """Return *inner*, if it is None or of the kind that a face builds on.

    Raises:

        TypeError: It is another kind of thing.
    """
    if inner is None or isinstance(inner, kind):
        return inner
    msg = f"inner takes what is of type {kind.__name__}, not {inner!r}"
    raise TypeError(msg)


def request_to(
    method: str,
    scheme: str,
    netloc: bytes,
    target: bytes,
    fields: Iterable[tuple[bytes, bytes]],
    *,
    content: bool = False,
) -> Request:
    """Return what the cache must know of a request that a client is about to make.

    Args:

        method: As it is sent.

        scheme: Of the URL.

        netloc: Host and port of the URL, without userinfo.

        target: Path and query as they are sent.

        fields: The field lines, names in any case.

        content: Whether it has content that no field tells of.
    """
    headers = tuple([(name.lower(), value) for name, value in fields])
    # RFC 9110, section 7.1: where a Host is sent, it names the resource, wherever the
    # connection leads to.
    hosts = [value for name, value in headers if name == b"host"] or [netloc]
    host = authority(hosts[0], scheme) if len(hosts) == 1 else ""
    body = content or _announces_content(headers)
    return Request(method, scheme, host, target.decode("latin-1"), headers, body)


def _announces_content(headers: Headers) -> bool:
    return any(
        name == b"transfer-encoding"
        or (name == b"content-length" and value.strip() != b"0")
        for name, value in headers
    )
