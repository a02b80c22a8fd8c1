"""What a request that may have changed something does to what is stored.

Rules of this module: what an origin answered with an error changed nothing (RFC 9111,
section 4.4), and one origin never drops what another one stored.
"""

from typing import Final

import attrs

from hybridcache.core.http.age import lifetime
from hybridcache.core.http.codes import ERRORS, OK
from hybridcache.core.http.fields import lines, without
from hybridcache.core.http.message import Head, Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.reference import resolve
from hybridcache.core.http.storable import said

# What belongs to a POST and not to a GET of the same thing.
_OF_THE_CONTENT: Final = frozenset(
    {
        b"content-encoding",
        b"content-language",
        b"content-length",
        b"content-location",
        b"content-range",
        b"content-type",
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"range",
        b"transfer-encoding",
    }
)


def invalidates(
    request: Request, head: Head, policy: HTTPPolicy
) -> tuple[Request, ...]:
    """Name the requests for which what is stored no longer holds.

    The target itself, and Location and Content-Location at the same origin (RFC 9111,
    section 4.4). None after a safe method or an error.
    """
    if request.method in policy.safe_methods or not OK <= head.status < ERRORS:
        return ()
    base = attrs.evolve(request, method="GET", body=False)
    found = {base.target: base}
    for name in (b"location", b"content-location"):
        for value in lines(head.headers, name):
            other = resolve(base, value)
            if other is not None:
                found[other.target] = other
    return tuple(found.values())


def later_get(request: Request, policy: HTTPPolicy) -> Request | None:
    """Give the GET that a POST's response may serve; None for any other request."""
    if request.method != "POST" or policy.forced is not None:
        return None
    headers = without(request.headers, _OF_THE_CONTENT)
    return attrs.evolve(request, method="GET", body=False, headers=headers)


def serves_later_get(
    request: Request, head: Head, policy: HTTPPolicy
) -> Request | None:
    """Give the GET that a POST's response may serve (RFC 9110, section 9.3.3).

    It has explicit freshness, and its Content-Location is what was posted to. None for
    any other response.
    """
    get = later_get(request, policy)
    if get is None or head.status != OK:
        return None
    places = lines(head.headers, b"content-location")
    if len(places) != 1 or resolve(get, places[0]) != get:
        return None
    about = said(head.headers, policy, 0.0)
    explicit = lifetime(
        about.control, about.expires, about.date, 0.0, shared=policy.shared
    )
    return get if explicit else None
