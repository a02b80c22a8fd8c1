"""Whether a response may be stored, and for how long it is fresh.

Rules of this module: a response that is stored must say so itself, by explicit
freshness or ``public``, or have a status that is cacheable by default; everything that
forbids it is asked first. The words that come back are for people and logs.
"""

from typing import Final

import attrs

from hybridcache.core.http.admission import Terms
from hybridcache.core.http.age import lifetime
from hybridcache.core.http.cache_control import Control, parse_control
from hybridcache.core.http.codes import NOT_MODIFIED, OK
from hybridcache.core.http.dates import parse_date
from hybridcache.core.http.fields import lines, unsafe
from hybridcache.core.http.message import Head, Headers, Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.structured import parse_targeted
from hybridcache.core.http.vary import vary_names

# RFC 9110, section 15.1.
HEURISTIC: Final = frozenset(
    {200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501}
)
# The final status codes of RFC 9110, section 15, and 428 to 511 of RFC 6585: what the
# cache understands.
UNDERSTOOD: Final = frozenset(
    {
        *range(200, 207),
        *(300, 301, 302, 303, 305, 307, 308),
        *range(400, 418),
        *(421, 422, 426, 428, 429, 431),
        *range(500, 506),
        511,
    }
)
# RFC 9111, section 4.2.2: the choice of most caches, a day.
LONGEST_HEURISTIC: Final = 86400.0

# Enough for 2**63, which no body reaches.
MOST_DIGITS: Final = 18

_COOKIES: Final = frozenset({b"set-cookie"})


@attrs.frozen(kw_only=True)
class Said:
    """What a response says about its own caching.

    Attributes:

        control: Its Cache-Control, or the targeted field that replaces it.

        expires: Its Expires lines; none where a targeted field is there.

        silent: It has no field of the kind.

        date: Date's instant; None where it is absent or invalid.
    """

    control: Control
    expires: tuple[bytes, ...]
    silent: bool
    date: int | None


def said(headers: Headers, policy: HTTPPolicy, received_at: float) -> Said:
    """Read what a response says about its caching."""
    date = parse_date((lines(headers, b"date") or (b"",))[0], received_at)
    for target in policy.targets:
        values = lines(headers, target.encode("latin-1"))
        control = parse_targeted(values) if values else None
        if control is not None:
            # RFC 9213, section 2.2: the first valid one replaces both fields.
            return Said(control=control, expires=(), silent=False, date=date)
    values, expires = lines(headers, b"cache-control"), lines(headers, b"expires")
    return Said(
        control=parse_control(values),
        expires=expires,
        silent=not values and not expires,
        date=date,
    )


def withheld(said: Said, policy: HTTPPolicy) -> frozenset[bytes]:
    """Name the fields that are to be left out of what is stored.

    ``no-cache="f"`` (RFC 9111, section 5.2.2.4) and, in shared caches, ``private="f"``
    (section 5.2.2.7).
    """
    control = said.control
    if policy.shared:
        return control.no_cache_fields | control.private_fields
    return control.no_cache_fields


def never_stale(control: Control, policy: HTTPPolicy) -> bool:
    """Whether it must not be served stale (RFC 9111, section 4.2.4)."""
    # RFC 9111, section 5.2.2.10: s-maxage implies proxy-revalidate.
    return control.must_revalidate or (
        policy.shared and (control.proxy_revalidate or control.s_maxage is not None)
    )


def allows_authorised(control: Control, policy: HTTPPolicy) -> bool:
    """Whether it may serve all requests with Authorization (RFC 9111, section 3.5)."""
    return control.public or (
        policy.shared and (control.must_revalidate or control.s_maxage is not None)
    )


def freshness(
    request: Request,
    terms: Terms,
    policy: HTTPPolicy,
    head: Head,
    said: Said,
    received_at: float,
) -> float | None:
    """Say for how long a response is fresh; None if it has no lifetime of any kind."""
    explicit = lifetime(
        said.control, said.expires, said.date, received_at, shared=policy.shared
    )
    if explicit is not None:
        return explicit
    if policy.fresh_for is not None and _may_default(request, terms, head, said):
        return policy.fresh_for
    if policy.heuristic and (head.status in HEURISTIC or said.control.public):
        return _heuristic(head.headers, policy, said, received_at)
    return None


def _may_default(request: Request, terms: Terms, head: Head, said: Said) -> bool:
    return (
        said.silent
        and request.method == "GET"
        and head.status == OK
        and not terms.cookie
        and not terms.authorised
        and not sets_cookie(head.headers)
    )


def _heuristic(
    headers: Headers, policy: HTTPPolicy, said: Said, received_at: float
) -> float | None:
    """Guess from Last-Modified (RFC 9111, section 4.2.2)."""
    values = lines(headers, b"last-modified")
    modified = parse_date(values[0], received_at) if len(values) == 1 else None
    if modified is None:
        return None
    date = received_at if said.date is None else said.date
    return min(LONGEST_HEURISTIC, max(0.0, date - modified) * policy.heuristic)


def sets_cookie(headers: Headers) -> bool:
    """Whether the response sets a cookie."""
    return any(name.lower() in _COOKIES for name, _ in headers)


@attrs.frozen
class Refusal:
    """Why a response is not stored.

    Attributes:

        reason: In words, for logs and for people.

        lasting: The response says so, not what is peculiar to this request.
    """

    reason: str
    lasting: bool = True


def refusal(terms: Terms, policy: HTTPPolicy, head: Head, said: Said) -> Refusal | None:
    """Say what forbids storing a final response to a GET (RFC 9111, section 3)."""
    if head.status < OK or head.status == NOT_MODIFIED:
        return Refusal("status", lasting=False)
    # A name or value that would end a line, when it is replayed, begins another.
    if unsafe(head.headers):
        return Refusal("unsafe field")
    if terms.asked.no_store:
        return Refusal("request no-store", lasting=False)
    if policy.accept_response is not None and not policy.accept_response(head):
        return Refusal("accept_response")
    if policy.set_cookie == "skip" and _keeps_cookie(head, policy, said):
        return Refusal("set-cookie")
    if too_long(head, policy):
        return Refusal("too long")
    if _endless(head.headers):
        return Refusal("event stream")
    return None if policy.forced is not None else _said_no(terms, policy, head, said)


def _said_no(
    terms: Terms, policy: HTTPPolicy, head: Head, said: Said
) -> Refusal | None:
    control = said.control
    # RFC 9111, section 5.2.2.3: must-understand puts the status in no-store's place.
    if control.must_understand:
        if head.status not in UNDERSTOOD:
            return Refusal("must-understand")
    elif control.no_store:
        return Refusal("no-store")
    if control.private and policy.shared:
        return Refusal("private")
    if policy.shared and terms.authorised and not allows_authorised(control, policy):
        return Refusal("authorization", lasting=False)
    names = vary_names(lines(head.headers, b"vary"))
    if names is None:
        return Refusal("vary *")
    if len(names) > policy.max_vary:
        return Refusal("vary too long")
    return None


def _keeps_cookie(head: Head, policy: HTTPPolicy, said: Said) -> bool:
    out = withheld(said, policy)
    return not said.control.public and any(
        (key := name.lower()) in _COOKIES and key not in out for name, _ in head.headers
    )


def too_long(head: Head, policy: HTTPPolicy) -> bool:
    """Whether Content-Length says that the body is not worth copying."""
    length = content_length(head.headers)
    return length is not None and not 0 <= length <= policy.max_body


def content_length(headers: Headers) -> int | None:
    """Read Content-Length; -1 where it contradicts itself (RFC 9110, section 8.6)."""
    values = set(lines(headers, b"content-length"))
    if not values:
        return None
    value = values.pop().strip()
    if values or not value.isdigit() or len(value) > MOST_DIGITS:
        return -1
    return int(value)


def _endless(headers: Headers) -> bool:
    # Server-sent events never end.
    return any(
        value.lower().startswith(b"text/event-stream")
        for value in lines(headers, b"content-type")
    )
