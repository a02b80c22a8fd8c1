"""Stored responses: made from a head, finished with a body, updated, combined.

Rules of this module: what a stored response says about itself is parsed here, once.
What is not whole, or is longer than it said, never becomes a stored response.
"""

import attrs

from hybridcache.core.http.admission import Terms
from hybridcache.core.http.age import corrected_initial_age, parse_age
from hybridcache.core.http.codes import (
    NO_CONTENT,
    OK,
    PARTIAL_CONTENT,
    REDIRECTIONS,
)
from hybridcache.core.http.etags import parse_etag, strong_match
from hybridcache.core.http.fields import hop_by_hop, lines, without
from hybridcache.core.http.message import Head, Headers, Request, Stored
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.ranges import (
    OF_THE_PART,
    ContentRange,
    parse_content_range,
)
from hybridcache.core.http.storable import (
    Said,
    allows_authorised,
    content_length,
    freshness,
    never_stale,
    withheld,
)
from hybridcache.core.http.vary import selecting, vary_names


def make(
    request: Request,
    terms: Terms,
    policy: HTTPPolicy,
    head: Head,
    said: Said,
    *,
    requested_at: float,
    received_at: float,
    route: str = "",
) -> Stored:
    """Make what is stored of a response, but for its body."""
    control, headers = said.control, head.headers
    partial = head.status == PARTIAL_CONTENT
    status = OK if partial else head.status
    # A precondition means nothing where the answer is no success: RFC 9110, 13.2.1.
    success = OK <= status < REDIRECTIONS
    lasts, slack, slack_on_error, strict = _times(
        request, terms, policy, head, said, received_at
    )
    names = _names(terms, policy, headers, said)
    out = hop_by_hop(headers) | withheld(said, policy) | {b"age"}
    return Stored(
        status=status,
        headers=without(headers, out | OF_THE_PART if partial else out),
        body=b"",
        reason=b"OK" if partial else head.reason,
        length=None,
        lifetime=lasts,
        initial_age=corrected_initial_age(
            age=parse_age(lines(headers, b"age")),
            date=said.date,
            requested_at=requested_at,
            received_at=received_at,
        )
        if policy.forced is None
        else 0.0,
        stale_while_revalidate=slack,
        stale_if_error=slack_on_error,
        always_revalidate=policy.forced is None and control.no_cache,
        never_stale=strict,
        authorised=policy.forced is not None
        or allows_authorised(control, policy)
        or (terms.authorised and not policy.shared),
        vary=names,
        selecting=selecting(names, request.headers),
        etag=_etag(headers) if success else b"",
        last_modified=_last_modified(headers) if success else b"",
        date=int(received_at) if said.date is None else said.date,
        route=route,
    )


def _times(
    request: Request,
    terms: Terms,
    policy: HTTPPolicy,
    head: Head,
    said: Said,
    received_at: float,
) -> tuple[float, float, float, bool]:
    """Lifetime, stale-while-revalidate, stale-if-error, and whether never stale."""
    if policy.forced is not None:
        fresh_for, ttl = policy.forced
        return fresh_for, ttl - fresh_for, ttl - fresh_for, False
    lasts = freshness(request, terms, policy, head, said, received_at) or 0.0
    control = said.control
    if never_stale(control, policy) or control.no_cache:
        return lasts, 0.0, 0.0, True
    # The policy's defaults are for what is fresh at first: what never is, as a page
    # that says nothing, is not for everyone without the origin's word.
    slack, on_error = policy.stale_while_revalidate, policy.stale_if_error
    return (
        lasts,
        _first(control.stale_while_revalidate, slack if lasts else None),
        _first(control.stale_if_error, on_error if lasts else None),
        False,
    )


def _first(said: int | None, default: float | None) -> float:
    return float(said) if said is not None else default or 0.0


def _names(
    terms: Terms, policy: HTTPPolicy, headers: Headers, said: Said
) -> tuple[bytes, ...]:
    """Name what selects it among the responses of its URL."""
    if policy.forced is not None:
        return ()
    # `*` is refused before: it never comes here to be stored.
    names = vary_names(lines(headers, b"vary")) or ()
    if policy.shared or not terms.authorised or said.control.public:
        return names
    # A private cache has one user, and one program may act for many of them.
    return tuple(sorted({*names, b"authorization"}))


def _etag(headers: Headers) -> bytes:
    values = lines(headers, b"etag")
    return (parse_etag(values[0]) or b"") if len(values) == 1 else b""


def _last_modified(headers: Headers) -> bytes:
    values = lines(headers, b"last-modified")
    return values[0].strip() if len(values) == 1 else b""


def finished(template: Stored, body: bytes, head: Head) -> Stored | None:
    """Put the body to the rest; None if it is truncated or too long.

    Args:

        template: What the head came to.

        body: All that came with it.

        head: What the origin said of it.
    """
    if template.length is not None:
        part = part_of(head)
        if part is None or len(body) != part.last - part.first + 1:
            return None
        headers = with_length(template.headers, template.length)
        return attrs.evolve(template, body=body, headers=headers)
    expected = content_length(head.headers)
    if expected is not None and len(body) != expected:
        return None
    if template.status != NO_CONTENT:
        headers = with_length(template.headers, len(body))
    elif body:
        return None
    else:
        # RFC 9110, section 8.6: a 204 has none.
        headers = without(template.headers, {b"content-length"})
    return attrs.evolve(template, body=body, headers=headers, length=len(body))


def part_of(head: Head) -> ContentRange | None:
    """Read which part came; None if that is not certain (RFC 9110, 15.3.7)."""
    values = lines(head.headers, b"content-range")
    part = parse_content_range(values[0]) if len(values) == 1 else None
    if part is None or part.length is None:
        return None
    size = content_length(head.headers)
    return part if size in {None, part.last - part.first + 1} else None


def with_length(headers: Headers, length: int) -> Headers:
    """Have one Content-Length, in the place of the first that was there."""
    ours = b"%d" % length
    found = [name for name, _ in headers if name.lower() == b"content-length"]
    if not found:
        return (*headers, (b"content-length", ours))
    if len(found) == 1 and (found[0], ours) in headers:
        return headers
    kept: list[tuple[bytes, bytes]] = []
    named = False
    for name, value in headers:
        if name.lower() != b"content-length":
            kept.append((name, value))
        elif not named:
            kept.append((name, ours))
            named = True
    return tuple(kept)


def combined(old: Stored, new: Stored) -> Stored | None:
    """Put two parts of one representation together (RFC 9111, section 3.4).

    None if they are not surely of the same one, or leave a gap. What *new* says holds.
    """
    if (
        old.length is None
        or old.length != new.length
        or not strong_match(old.etag, new.etag)
        or old.vary != new.vary
        or old.selecting != new.selecting
    ):
        return None
    old_end, new_end = old.first + len(old.body), new.first + len(new.body)
    if old.first > new_end or new.first > old_end:
        return None
    before = old.body[: max(0, new.first - old.first)]
    after = old.body[new_end - old.first :] if new_end < old_end else b""
    return attrs.evolve(
        new, first=min(old.first, new.first), body=before + new.body + after
    )


def grace(stored: Stored, policy: HTTPPolicy) -> float:
    """Say how long past its freshness it is kept, seconds."""
    asked_for = policy.obey_requests and not stored.never_stale
    validated = bool(stored.etag or stored.last_modified)
    return max(
        stored.stale_while_revalidate,
        stored.stale_if_error,
        policy.keep if validated or asked_for else 0.0,
    )
