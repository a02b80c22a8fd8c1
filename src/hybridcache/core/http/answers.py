"""Answers made from what is stored, ready to be sent.

Rules of this module: the stored field lines go out as they are, and after them Age and
this cache's Cache-Status; Content-Length says what is sent. A plain GET copies nothing
but the tuple of lines.
"""

from typing import Final, NamedTuple

from hybridcache.core.http.admission import Terms
from hybridcache.core.http.codes import OK, REDIRECTIONS
from hybridcache.core.http.dates import parse_date
from hybridcache.core.http.decision import if_range_holds
from hybridcache.core.http.etags import matches_any
from hybridcache.core.http.fields import without
from hybridcache.core.http.message import Headers, Request, Stored
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.ranges import OF_THE_PART, Span, Unsatisfiable, parse_range
from hybridcache.core.http.status import STATUS, Served, hit_status, with_status

AGE: Final = b"age"

# RFC 9110, section 15.4.5, with Last-Modified where there is no tag to go by.
_OF_A_304: Final = frozenset(
    {
        b"cache-control",
        b"cache-status",
        b"content-location",
        b"date",
        b"etag",
        b"expires",
        b"vary",
    }
)
_OF_A_416: Final = frozenset({b"cache-status", b"date"})


class Answer(NamedTuple):
    """A response to send.

    A named tuple: each hit makes one, in less than half the time that attrs takes.

    Attributes:

        status: Status code.

        headers: Field lines.

        body: Content; empty for a HEAD, whatever Content-Length says.

        reason: Reason phrase; empty for the usual one.

        served: How it came about.
    """

    status: int
    headers: Headers
    body: bytes = b""
    reason: bytes = b""
    served: Served = Served.HIT


def answer(
    stored: Stored,
    request: Request,
    terms: Terms,
    age: float,
    status_field: bytes,
    policy: HTTPPolicy,
) -> Answer:
    """Answer a request from what is stored, which may serve it.

    Args:

        stored: What is stored.

        request: What is asked for.

        terms: Its terms.

        age: Age of *stored* now, seconds.

        status_field: This cache's member of Cache-Status.

        policy: The cache's.
    """
    # RFC 9111, section 5.1: not negative, whole seconds.
    whole = b"%d" % age if age > 0.0 else b"0"
    end = ((AGE, whole), (STATUS, status_field))
    if not terms.plain:
        # RFC 9110, section 13.2.2: conditions first, then Range.
        if _not_modified(stored, terms, age):
            return Answer(304, _of_a_304(stored, policy) + end)
        if terms.range and request.method == "GET" and stored.status == OK:
            part = _part(stored, terms)
            if part is not None:
                return part._replace(headers=part.headers + end)
    body = b"" if request.method == "HEAD" else stored.body
    return Answer(stored.status, stored.headers + end, body, stored.reason)


def hit(
    stored: Stored, request: Request, terms: Terms, age: float, policy: HTTPPolicy
) -> Answer:
    """Answer from what is stored, the origin not being asked."""
    status = hit_status(stored.lifetime - age)
    return answer(stored, request, terms, age, status, policy)


def gateway_timeout(status_field: bytes) -> Answer:
    """Answer a request that wants nothing but what is stored (RFC 9111, 5.2.1.7)."""
    headers = with_status(((b"content-length", b"0"),), status_field)
    return Answer(504, headers, served=Served.MISS)


def _not_modified(stored: Stored, terms: Terms, age: float) -> bool:
    """Whether the client has it already (RFC 9111, section 4.3.2)."""
    # RFC 9110, section 13.2.1: conditions count only where it would be a success.
    if not OK <= stored.status < REDIRECTIONS:
        return False
    if terms.none_match is not None:
        # RFC 9110, section 13.1.3: then If-Modified-Since is ignored.
        return matches_any(terms.none_match, stored.etag)
    if not terms.modified_since:
        return False
    # For the century of a two-digit year: close enough to now.
    now = stored.date + age
    since = parse_date(terms.modified_since, now)
    if since is None:
        return False
    modified = parse_date(stored.last_modified, now) if stored.last_modified else None
    # RFC 9111, section 4.3.2: without Last-Modified, Date.
    return (stored.date if modified is None else modified) <= since


def _of_a_304(stored: Stored, policy: HTTPPolicy) -> Headers:
    names = _OF_A_304.union(target.encode("latin-1") for target in policy.targets)
    if not stored.etag:
        names |= {b"last-modified"}
    return tuple([line for line in stored.headers if line[0].lower() in names])


def _part(stored: Stored, terms: Terms) -> Answer | None:
    """Answer with one range (RFC 9110, section 14.2); None: with all of it."""
    length = stored.length
    if length is None or not if_range_holds(terms, stored):
        return None
    span = parse_range(terms.range, length)
    if span is None:
        return None
    if isinstance(span, Unsatisfiable):
        return Answer(
            416,
            (
                *[line for line in stored.headers if line[0].lower() in _OF_A_416],
                (b"content-range", b"bytes */%d" % length),
                (b"content-length", b"0"),
            ),
        )
    return _slice(stored, span, length)


def _slice(stored: Stored, span: Span, length: int) -> Answer:
    body = stored.body[span.first - stored.first : span.last + 1 - stored.first]
    return Answer(
        206,
        (
            *without(stored.headers, OF_THE_PART),
            (b"content-range", b"bytes %d-%d/%d" % (span.first, span.last, length)),
            (b"content-length", b"%d" % len(body)),
        ),
        body,
    )
