"""Which requests the cache deals with at all, and on what terms.

Rules of this module: one pass over a request's fields finds everything that the
cache must know of them; a request with none of those shares one constant. What the
cache has no business with goes past it, and the reason is a word of RFC 9211.
"""

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

import attrs

from hybridcache.core.http.cache_control import Asked, parse_asked
from hybridcache.core.http.message import Field, Headers, Request
from hybridcache.core.http.policy import HTTPPolicy

Past: TypeAlias = Literal["method", "bypass", "request"]


@attrs.frozen
class Bypass:
    """The request goes past the cache; *reason* is for Cache-Status."""

    reason: Past


@attrs.frozen(kw_only=True)
class Terms:
    """On what terms a request may be answered from the cache.

    Attributes:

        asked: Its Cache-Control, or Pragma.

        authorised: It has Authorization.

        cookie: It has Cookie.

        range: Its Range, or empty.

        if_range: Its If-Range, or empty.

        none_match: Its If-None-Match; None for absent.

        modified_since: Its If-Modified-Since, or empty.

        plain: None of these but *cookie* is there.
    """

    asked: Asked
    authorised: bool = False
    cookie: bool = False
    range: bytes = b""
    if_range: bytes = b""
    none_match: bytes | None = None
    modified_since: bytes = b""
    plain: bool = False


_ASKED_NOTHING: Final = parse_asked(())
_PLAIN: Final = Terms(asked=_ASKED_NOTHING, plain=True)
_PLAIN_WITH_COOKIE: Final = Terms(asked=_ASKED_NOTHING, cookie=True, plain=True)

# An application that heeds these answers for another method or path than the key's.
# Frameworks that go by CGI's names, Django under ASGI too, take "_" for "-".
_OVERRIDES: Final = frozenset(
    name.replace(b"-", dash)
    for dash in (b"-", b"_")
    for name in (
        b"x-http-method-override",
        b"x-http-method",
        b"x-method-override",
        b"x-original-url",
        b"x-rewrite-url",
    )
)
# RFC 9111, section 4.3.2: evaluated by the origin alone.
_FOR_THE_ORIGIN: Final = frozenset({b"if-match", b"if-unmodified-since"})
_CONTENT: Final = frozenset({b"content-length", b"transfer-encoding"})
_TERMS: Final = frozenset(
    {
        b"authorization",
        b"cache-control",
        b"cookie",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"pragma",
        b"range",
    }
)
_TELLING: Final = _TERMS | _OVERRIDES | _FOR_THE_ORIGIN | _CONTENT | {b"upgrade"}


# A Cookie says nothing by itself: what varies by it is never served as to all.
TELLING: Final = _TELLING - {b"cookie"}
"""Fields that a plain request does not have: without them its URL says it all."""

_SAYING: Final = TELLING | {b"host"}


def plain_host(headers: Iterable[Field]) -> bytes | None:
    """Return the one Host of a request that says nothing else of importance here.

    In lower case as it came, so that not every way to write it is one more host.
    """
    found = [field for field in headers if field[0] in _SAYING]
    if len(found) != 1:
        return None
    name, host = found[0]
    return host if name == b"host" and host == host.lower() else None


def admit(request: Request, policy: HTTPPolicy) -> Terms | Bypass:
    """Say whether the cache deals with a request, and on what terms."""
    if request.method not in {"GET", "HEAD"}:
        return Bypass("method")
    # A repeated or empty Host is no origin's; a target that is no path is a proxy's.
    if request.body or not request.host or not request.target.startswith("/"):
        return Bypass("bypass")
    if policy.hosts and request.host not in policy.hosts:
        return Bypass("bypass")
    found = [field for field in request.headers if field[0] in _TELLING]
    past = _past(found) if found else None
    if past is not None:
        return past
    if policy.bypass_if is not None and policy.bypass_if(request):
        return Bypass("bypass")
    if policy.accept_request is not None and not policy.accept_request(request):
        return Bypass("bypass")
    return _terms(found) if found else _PLAIN


def terms(headers: Headers) -> Terms:
    """Read the terms of a request with these fields, admitted or not."""
    found = [field for field in headers if field[0] in _TERMS]
    return _terms(found) if found else _PLAIN


def _past(found: list[tuple[bytes, bytes]]) -> Bypass | None:
    for name, value in found:
        if name in _OVERRIDES or name == b"upgrade":
            return Bypass("bypass")
        # A GET with content: an application may answer to what is in it.
        if name in _CONTENT and value.strip() != b"0":
            return Bypass("bypass")
        if name in _FOR_THE_ORIGIN:
            return Bypass("request")
    return None


def _terms(found: list[tuple[bytes, bytes]]) -> Terms:
    values: dict[bytes, list[bytes]] = {}
    for name, value in found:
        values.setdefault(name, []).append(value)
    if len(values) == 1 and b"cookie" in values:
        return _PLAIN_WITH_COOKIE
    none_match = values.get(b"if-none-match")
    asked = values.get(b"cache-control", ())
    pragma = values.get(b"pragma", ())
    return Terms(
        asked=parse_asked(asked, pragma) if asked or pragma else _ASKED_NOTHING,
        authorised=b"authorization" in values,
        cookie=b"cookie" in values,
        range=b", ".join(values.get(b"range", ())),
        if_range=b", ".join(values.get(b"if-range", ())),
        none_match=None if none_match is None else b", ".join(none_match),
        modified_since=b", ".join(values.get(b"if-modified-since", ())),
        plain=not values.keys() & _TERMS - {b"cookie"},
    )
