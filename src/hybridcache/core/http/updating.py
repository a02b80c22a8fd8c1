"""Bringing a stored response up to date with what the origin says of it.

Rules of this module: only where the validators say that it is this one (RFC 9111,
section 4.3.4). What describes the stored content itself stays as it is.
"""

from typing import Final

import attrs

from hybridcache.core.http.admission import Terms
from hybridcache.core.http.codes import OK
from hybridcache.core.http.decision import own_etags
from hybridcache.core.http.etags import (
    matches_any,
    parse_etag,
    strong,
    strong_match,
    weak_match,
)
from hybridcache.core.http.fields import hop_by_hop, lines, without
from hybridcache.core.http.making import make
from hybridcache.core.http.message import Head, Headers, Request, Stored
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.storable import (
    Refusal,
    content_length,
    refusal,
    said,
    withheld,
)

# RFC 9111, section 3.2: these describe content that a 304 does not bring.
_OF_THE_CONTENT: Final = frozenset(
    {b"content-length", b"content-encoding", b"content-range"}
)


@attrs.frozen
class Updated:
    """A stored response with what the origin now says of it.

    Attributes:

        stored: It.

        refused: What now forbids storing it; None if nothing does.

        own: Lines of the newer head that may be sent on and not stored.
    """

    stored: Stored
    refused: Refusal | None
    own: Headers = ()


def merged(stored: Stored, headers: Headers) -> Headers:
    """Put the lines of a newer head in the place of the stored ones (RFC 9111, 3.2)."""
    new = without(headers, hop_by_hop(headers) | _OF_THE_CONTENT)
    return without(stored.headers, {name.lower() for name, _ in new}) + new


def update(
    request: Request,
    terms: Terms,
    policy: HTTPPolicy,
    head: Head,
    stored: Stored,
    *,
    requested_at: float,
    received_at: float,
    route: str = "",
) -> Updated:
    """Take over what *head* says of *stored*, whose content stays.

    Age and lifetime count anew from *head*; without a Date of its own, from when it
    came.
    """
    whole = Head(stored.status, merged(stored, head.headers), stored.reason)
    date = said(head.headers, policy, received_at).date
    about = attrs.evolve(said(whole.headers, policy, received_at), date=date)
    fresh = make(
        request,
        terms,
        policy,
        whole,
        about,
        requested_at=requested_at,
        received_at=received_at,
        route=route or stored.route,
    )
    out = withheld(about, policy) - hop_by_hop(head.headers) - _OF_THE_CONTENT
    return Updated(
        attrs.evolve(fresh, body=stored.body, first=stored.first, length=stored.length),
        refusal(terms, policy, whole, about),
        tuple([line for line in head.headers if line[0].lower() in out]),
    )


def confirms(terms: Terms, stored: Stored, headers: Headers) -> bool:
    """Whether a 304 with these lines speaks of what is stored (RFC 9111, 4.3.4)."""
    etag = _etag(headers)
    if etag:
        if strong(etag):
            return strong_match(etag, stored.etag)
        return weak_match(etag, stored.etag)
    # Without a tag it may mean the one that the client has.
    if own_etags(terms, stored) and stored.etag:
        return False
    modified = lines(headers, b"last-modified")
    return not modified or modified[0].strip() == stored.last_modified


def confirms_own(terms: Terms, stored: Stored, headers: Headers) -> bool:
    """Whether a 304 speaks of what the client has and the cache has not."""
    etag, own = _etag(headers), own_etags(terms, stored)
    return bool(etag and own) and matches_any(own, etag)


def describes(stored: Stored, head: Head) -> bool:
    """Whether a HEAD's response is about what is stored (RFC 9111, section 4.3.5).

    One that names neither a validator nor a length could be about anything.
    """
    if head.status != OK or stored.status != OK or stored.length is None:
        return False
    etag = _etag(head.headers)
    modified = lines(head.headers, b"last-modified")
    length = content_length(head.headers)
    if etag and etag != stored.etag:
        return False
    if modified and modified[0].strip() != stored.last_modified:
        return False
    if length is not None and length != stored.length:
        return False
    return bool(etag or modified or length is not None)


def _etag(headers: Headers) -> bytes:
    values = lines(headers, b"etag")
    return (parse_etag(values[0]) or b"") if values else b""
