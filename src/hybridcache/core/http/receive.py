"""What becomes of the origin's response, once its head is there.

Rules of this module: the client gets what the origin said, whatever is stored; what
is stored is what may serve others. A 304 updates only what it surely speaks of.
"""

from typing import Final

import attrs

from hybridcache.core.http.admission import Terms
from hybridcache.core.http.codes import (
    NOT_MODIFIED,
    PARTIAL_CONTENT,
    SERVER_ERRORS,
    UNSATISFIABLE,
)
from hybridcache.core.http.decision import may_serve_on_error
from hybridcache.core.http.etags import strong_match
from hybridcache.core.http.fields import lines, unsafe
from hybridcache.core.http.judgement import (
    Again,
    Freshened,
    Judgement,
    Keep,
    Pass,
    ServeOnce,
    UseStale,
)
from hybridcache.core.http.making import grace, make, part_of, with_length
from hybridcache.core.http.message import Head, Request, Stored
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.storable import (
    HEURISTIC,
    Said,
    freshness,
    refusal,
    said,
)
from hybridcache.core.http.updating import (
    Updated,
    confirms,
    confirms_own,
    describes,
    update,
)

# RFC 5861, section 4: what counts as an error.
FAILURES: Final = frozenset({500, 502, 503, 504})


def judge(
    request: Request,
    terms: Terms,
    policy: HTTPPolicy,
    head: Head,
    *,
    stored: Stored | None,
    age: float,
    requested_at: float,
    received_at: float,
    route: str = "",
) -> Judgement:
    """Say what becomes of the origin's response.

    Args:

        request: The client's request, as it came; a GET or HEAD that was admitted.

        terms: Its terms.

        policy: The cache's.

        head: The origin's answer.

        stored: What the request to the origin revalidates or completes, if anything.

        age: How old that is now, seconds; any number where there is none.

        requested_at: When the request was sent: seconds since 1970.

        received_at: When the head came.

        route: The framework's route pattern.
    """
    came = _Came(
        request=request,
        terms=terms,
        policy=policy,
        head=head,
        requested_at=requested_at,
        received_at=received_at,
        route=route,
    )
    if stored is None:
        return _kept(came)
    if not stored.complete and request.method == "GET" and not terms.range:
        # What is here in part never serves alone, the origin failing or not.
        return _completed(came, stored)
    if head.status == NOT_MODIFIED:
        return _not_modified(came, stored)
    if head.status in FAILURES and may_serve_on_error(terms, stored, age, policy):
        return UseStale(stored)
    if request.method == "HEAD" and describes(stored, head):
        return _freshened(_update(came, stored))
    return _kept(came)


@attrs.frozen(kw_only=True)
class _Came:
    """A response and all that judging it takes."""

    request: Request
    terms: Terms
    policy: HTTPPolicy
    head: Head
    requested_at: float
    received_at: float
    route: str


def _kept(came: _Came) -> Keep | Pass:
    """Store it if it may be stored and can ever serve."""
    head, policy = came.head, came.policy
    if head.status == NOT_MODIFIED:
        # The client's own condition holds; there is nothing to store.
        return Pass("not modified")
    if came.request.method != "GET":
        return Pass("method")
    about = said(head.headers, policy, came.received_at)
    refused = refusal(came.terms, policy, head, about)
    if refused is not None:
        return _pass(head, refused.reason, lasting=refused.lasting)
    if policy.forced is None and not _invited(came, about):
        return _pass(head, "no freshness", lasting=True)
    template = _template(came, about)
    if not _useful(template, policy):
        transient = template.lifetime > 0.0 and not template.always_revalidate
        why = "no freshness" if about.silent else "already stale"
        return _pass(head, why, lasting=not transient)
    if head.status != PARTIAL_CONTENT:
        return Keep(template=template)
    part = part_of(head)
    if part is None or not came.terms.range or policy.forced is not None:
        return Pass("partial")
    if part.last - part.first >= policy.max_body:
        return Pass("too long")
    return Keep(template=attrs.evolve(template, first=part.first, length=part.length))


def _pass(head: Head, reason: str, *, lasting: bool) -> Pass:
    # An error says nothing about the response that comes after it.
    return Pass(reason, lasting=lasting and head.status < SERVER_ERRORS)


def _template(came: _Came, about: Said) -> Stored:
    return make(
        came.request,
        came.terms,
        came.policy,
        came.head,
        about,
        requested_at=came.requested_at,
        received_at=came.received_at,
        route=came.route,
    )


def _update(came: _Came, stored: Stored) -> Updated:
    return update(
        came.request,
        came.terms,
        came.policy,
        came.head,
        stored,
        requested_at=came.requested_at,
        received_at=came.received_at,
        route=came.route,
    )


def _invited(came: _Came, about: Said) -> bool:
    """Whether something says that it may be stored (RFC 9111, section 3)."""
    control = about.control
    return (
        came.head.status in HEURISTIC
        or control.public
        or (control.private and not came.policy.shared)
        or freshness(
            came.request, came.terms, came.policy, came.head, about, came.received_at
        )
        is not None
    )


def _useful(template: Stored, policy: HTTPPolicy) -> bool:
    """Whether it can ever serve, at least by being revalidated."""
    if template.etag or template.last_modified:
        return True
    if template.always_revalidate:
        return False
    left = template.lifetime - template.initial_age
    said_stale = max(template.stale_while_revalidate, template.stale_if_error)
    # What was never fresh and says nothing of being stale is never used again.
    slack = grace(template, policy) if template.lifetime > 0.0 else said_stale
    return left + slack > 0.0


def _completed(came: _Came, stored: Stored) -> Keep | Pass | Again:
    """Judge the answer to the range that completes what is stored (RFC 9111, 3.4)."""
    if came.head.status in {UNSATISFIABLE, NOT_MODIFIED}:
        return Again()
    if came.head.status != PARTIAL_CONTENT:
        return _kept(came)
    part, updated = part_of(came.head), _update(came, stored)
    if (
        part is None
        or stored.first != 0
        or part.first != len(stored.body)
        or part.length is None
        or part.length != stored.length
        or part.last + 1 != part.length
        or updated.refused is not None
        or not strong_match(stored.etag, updated.stored.etag)
        or not lines(came.head.headers, b"etag")
    ):
        return Again()
    whole = updated.stored
    sent = with_length(whole.headers, part.length) + updated.own
    return Keep(
        template=attrs.evolve(whole, body=b"", first=part.first),
        prefix=stored.body,
        head=Head(whole.status, sent, whole.reason),
    )


def _freshened(updated: Updated) -> Freshened | ServeOnce:
    if updated.refused is None:
        return Freshened(updated.stored, updated.own)
    return ServeOnce(updated.stored, updated.own)


def _not_modified(came: _Came, stored: Stored) -> Freshened | ServeOnce | Pass | Again:
    """Judge a 304 (RFC 9111, section 4.3.3)."""
    headers = came.head.headers
    if not stored.etag and not stored.last_modified:
        return Pass("not modified")
    if confirms(came.terms, stored, headers):
        # What must not be replayed is not merged into what is.
        return Again() if unsafe(headers) else _freshened(_update(came, stored))
    if confirms_own(came.terms, stored, headers):
        return Pass("not modified")
    return Again()
