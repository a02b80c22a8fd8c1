"""Cache-Status: what this cache did with a request (RFC 9211).

Rules of this module: a line of ours comes after those of caches nearer the origin,
and the key is named only on request, for it can hold what a user should not see.
"""

import math
from enum import Enum
from typing import Final, Literal, TypeAlias

from hybridcache.core.http.message import Headers
from hybridcache.core.http.structured import token_or_string

STATUS: Final = b"cache-status"

Forward: TypeAlias = Literal[
    "bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"
]
"""Why a request went on to the origin (RFC 9211, section 2.2)."""


class Served(Enum):
    """What this cache did with a request, in one word, for a client's own code.

    Attributes:

        HIT: Served from storage, fresh.

        STALE: Served from storage, stale: it is being refreshed, or the origin failed.

        REVALIDATED: Served from storage, after the origin said that it still holds.

        MISS: The origin's response; where there was none, the cache's own instead.

        COLLAPSED: The response to another request at the same time.

        BYPASS: The origin's response: the request is none of the cache's business.
    """

    HIT = "hit"
    STALE = "stale"
    REVALIDATED = "revalidated"
    MISS = "miss"
    COLLAPSED = "collapsed"
    BYPASS = "bypass"


def hit_status(ttl: float) -> bytes:
    """Say that a stored response served, with *ttl* seconds of freshness left.

    Negative: it was stale (RFC 9211, section 2.4).
    """
    return b"hybridcache; hit; ttl=%d" % math.floor(ttl)


def cache_status(
    forward: Forward,
    *,
    status: int | None = None,
    stored: bool = False,
    collapsed: bool = False,
    detail: str = "",
    key: str = "",
) -> bytes:
    """Say why a request went on to the origin, and what came of it.

    Args:

        forward: Why.

        status: The status that the origin sent; None if it was not asked.

        stored: Whether the response is stored (RFC 9211, section 2.5).

        collapsed: Whether another request's response served this one too.

        detail: More, for whoever runs the cache.

        key: The cache key, for whoever runs the cache.
    """
    parts = [b"hybridcache; fwd=" + forward.encode("ascii")]
    if status is not None:
        parts.append(b"fwd-status=%d" % status)
    if stored:
        parts.append(b"stored")
    if collapsed:
        parts.append(b"collapsed")
    if key:
        parts.append(b"key=" + _string(key))
    if detail:
        parts.append(b"detail=" + token_or_string(detail))
    return b"; ".join(parts)


def with_status(headers: Headers, value: bytes) -> Headers:
    """Add *value* as this cache's member of Cache-Status, the last one.

    A new line after all others is the same as a new last member (RFC 9110, 5.3).
    """
    return (*headers, (STATUS, value))


def _string(text: str) -> bytes:
    # RFC 9211, section 2.7: key is a String, which is ASCII without controls.
    plain = text.encode("ascii", "backslashreplace")
    shown = bytes(c if 0x20 <= c < 0x7F else 0x3F for c in plain)  # noqa: PLR2004
    return b'"' + shown.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
