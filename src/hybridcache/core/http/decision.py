"""What to do with a stored response that a request may be answered with.

Rules of this module: total pure functions, and the way of a plain hit is short:
nothing stored is parsed here, and a request's fields are read only where the response
varies. What may not be used is never used, whatever else would speak for it: first
whether it is the right response (RFC 9111, section 4), then whether it is fresh.
"""

from typing import Final, Literal, TypeAlias

import attrs

from hybridcache.core.http.admission import Terms
from hybridcache.core.http.etags import parse_etag, strong, strong_match
from hybridcache.core.http.fields import members
from hybridcache.core.http.message import Headers, Request, Stored
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.ranges import Span, parse_range
from hybridcache.core.http.vary import selecting


@attrs.frozen
class Hit:
    """Serve it: it is fresh."""

    age: float


@attrs.frozen
class StaleHit:
    """Serve it stale, and refresh it in the background."""

    age: float


@attrs.frozen
class Revalidate:
    """Ask the origin whether it is still good.

    Attributes:

        age: Its age now, seconds.

        fields: Conditional fields for the origin, in place of the request's own; empty
            where it has no validator.

        reason: Why, for Cache-Status.
    """

    age: float
    fields: Headers
    reason: Literal["stale", "request"]


@attrs.frozen
class Miss:
    """Ask the origin; what is stored does not answer this request.

    Attributes:

        reason: Why, for Cache-Status.

        fields: Range and If-Range for the origin that ask for the rest of what is
            stored in part; empty where the request goes as it is.
    """

    reason: Literal["uri-miss", "vary-miss", "partial", "request"]
    fields: Headers = ()


@attrs.frozen
class GatewayTimeout:
    """Answer 504: the request wants nothing but what is stored."""


Verdict: TypeAlias = Hit | StaleHit | Revalidate | Miss | GatewayTimeout

_URI_MISS: Final = Miss("uri-miss")
_VARY_MISS: Final = Miss("vary-miss")
_PARTIAL: Final = Miss("partial")
_REQUEST: Final = Miss("request")
_GATEWAY_TIMEOUT: Final = GatewayTimeout()


def absent(terms: Terms, *, varies: bool = False) -> Miss | GatewayTimeout:
    """Say what to do where nothing is stored; *varies*: but there are variants."""
    return _elsewhere(terms, _VARY_MISS if varies else _URI_MISS)


def decide(
    request: Request,
    terms: Terms,
    stored: Stored,
    resident: float,
    policy: HTTPPolicy,
) -> Verdict:
    """Say what to do with what is stored under the request's key.

    Args:

        request: What is asked for.

        terms: What :func:`~hybridcache.core.http.admission.admit` said.

        stored: What is there.

        resident: Seconds since it was stored.

        policy: The cache's.
    """
    if policy.forced is None:
        if stored.vary and not matches(stored, request):
            return _elsewhere(terms, _VARY_MISS)
        # RFC 9111, section 3.5.
        if terms.authorised and not stored.authorised:
            return _elsewhere(terms, _REQUEST)
    if not stored.complete and not _within(request, terms, stored):
        return _elsewhere(terms, _completing(request, terms, stored, resident))
    # RFC 9111, section 4.2.3: a clock that went back makes nothing younger.
    age = stored.initial_age + max(0.0, resident)
    if age < stored.lifetime and not stored.always_revalidate:
        if not policy.obey_requests or terms.plain or _heeded(terms, stored, age):
            return Hit(age)
        return _revalidate(terms, stored, age, "request")
    if _may_be_stale(terms, stored, age, policy):
        return StaleHit(age)
    return _revalidate(terms, stored, age, "stale")


def matches(stored: Stored, request: Request) -> bool:
    """Whether the request selects this variant (RFC 9111, section 4.1)."""
    return selecting(stored.vary, request.headers) == stored.selecting


def may_serve_on_error(
    terms: Terms, stored: Stored, age: float, policy: HTTPPolicy
) -> bool:
    """Whether it may be served as the origin has failed (RFC 5861, section 4).

    *age* is its age now. It is one that :func:`decide` said to revalidate.
    """
    # RFC 9111, section 4.2.4.
    if stored.never_stale or stored.always_revalidate:
        return False
    staleness = age - stored.lifetime
    obeyed = policy.obey_requests
    # RFC 9111, section 5.2.1.4: not without validation.
    if obeyed and terms.asked.no_cache:
        return False
    if staleness < max(0.0, stored.stale_if_error, stored.stale_while_revalidate):
        return True
    wanted = terms.asked.stale_if_error if obeyed else None
    return wanted is not None and stored.lifetime > 0.0 and staleness < wanted


def if_range_holds(terms: Terms, stored: Stored) -> bool:
    """Whether If-Range lets Range count (RFC 9110, section 13.1.5): strong tags only.

    A date would have to be a strong validator, which second-grained clocks make
    doubtful: then the answer is all of it, which is always right.
    """
    return not terms.if_range or strong_match(terms.if_range.strip(), stored.etag)


def _elsewhere(terms: Terms, miss: Miss) -> Miss | GatewayTimeout:
    # RFC 9111, section 5.2.1.7.
    return _GATEWAY_TIMEOUT if terms.asked.only_if_cached else miss


def _within(request: Request, terms: Terms, stored: Stored) -> bool:
    """Whether a part that is stored is all that is asked for (RFC 9111, 3.3)."""
    if request.method != "GET" or not terms.range or stored.length is None:
        return False
    if not if_range_holds(terms, stored):
        return False
    span = parse_range(terms.range, stored.length)
    end = stored.first + len(stored.body)
    return isinstance(span, Span) and stored.first <= span.first <= span.last < end


def _completing(
    request: Request, terms: Terms, stored: Stored, resident: float
) -> Miss:
    """Ask for the rest where the beginning is here and fresh (RFC 9111, 3.4)."""
    here = len(stored.body)
    if (
        request.method != "GET"
        or not terms.plain
        or not here
        or stored.first != 0
        or not strong(stored.etag)
        or stored.always_revalidate
        or stored.initial_age + resident >= stored.lifetime
    ):
        return _PARTIAL
    rest = b"bytes=%d-" % here
    return Miss("partial", ((b"range", rest), (b"if-range", stored.etag)))


def _heeded(terms: Terms, stored: Stored, age: float) -> bool:
    """Whether a fresh one is what the request's Cache-Control wants (5.2.1)."""
    asked = terms.asked
    return not (
        asked.no_cache
        or (asked.max_age is not None and age > asked.max_age)
        or (asked.min_fresh is not None and stored.lifetime - age < asked.min_fresh)
    )


def _may_be_stale(terms: Terms, stored: Stored, age: float, policy: HTTPPolicy) -> bool:
    # RFC 9111, section 4.2.4.
    if stored.never_stale or stored.always_revalidate:
        return False
    staleness = age - stored.lifetime
    asked = terms.asked
    if not policy.obey_requests or terms.plain:
        return staleness < stored.stale_while_revalidate
    if asked.no_cache or asked.min_fresh is not None:
        return False
    if asked.max_age is not None and age > asked.max_age and asked.max_stale is None:
        return False
    # What never was fresh is no answer to it: a page that says nothing.
    if asked.max_stale is not None and stored.lifetime > 0.0:
        return staleness <= max(asked.max_stale, stored.stale_while_revalidate)
    return staleness < stored.stale_while_revalidate


def _revalidate(
    terms: Terms, stored: Stored, age: float, reason: Literal["stale", "request"]
) -> Revalidate | GatewayTimeout:
    if terms.asked.only_if_cached:
        return _GATEWAY_TIMEOUT
    return Revalidate(age, validators(terms, stored), reason)


def validators(terms: Terms, stored: Stored) -> Headers:
    """Make the conditional fields that validate it (RFC 9111, section 4.3.1).

    The client's own entity tags go along, so that what it has may be found current.
    Its If-Modified-Since never does: a 304 would not say which of the two it means.
    """
    fields: Headers = ()
    if stored.etag:
        fields = ((b"if-none-match", _with_own(terms, stored)),)
    if stored.last_modified:
        fields = (*fields, (b"if-modified-since", stored.last_modified))
    return fields


def _with_own(terms: Terms, stored: Stored) -> bytes:
    own = own_etags(terms, stored)
    return b", ".join((stored.etag, own)) if own else stored.etag


def own_etags(terms: Terms, stored: Stored) -> bytes:
    """Name the entity tags that the client has and the cache has not; or empty."""
    value = terms.none_match
    if value is None or value.strip() in {b"", b"*", stored.etag}:
        return b""
    tags = [tag for one in members(value) if (tag := parse_etag(one)) is not None]
    return b", ".join(tag for tag in tags if tag != stored.etag)
