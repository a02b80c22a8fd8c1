"""A request on its way to the origin, and how what is sent back to the client is made.

Rules of this module: whatever is sent says in Cache-Status why the request went forward
and what came of it (RFC 9211).
"""

from typing import Final

import attrs

from hybridcache.core.http.admission import Terms
from hybridcache.core.http.answers import Answer, answer
from hybridcache.core.http.decision import may_serve_on_error
from hybridcache.core.http.message import Head, Headers, Request, Stored, Variants
from hybridcache.core.http.status import Forward, Served, cache_status, with_status
from hybridcache.engine.context import Context
from hybridcache.engine.http.directives import Relay
from hybridcache.engine.http.later import Later
from hybridcache.engine.http.leading import Led
from hybridcache.engine.http.site import Site

# Why a request goes forward that nothing was looked up for.
NEVER_LOOKED: Final = frozenset(("bypass", "method", "request"))


@attrs.define(eq=False, kw_only=True)
class Asking:
    """A request on its way to the origin.

    Attributes:

        site: Whose it is.

        ctx: The cache's context, the same throughout.

        request: What is asked for.

        terms: What it says of caching.

        headers: The fields to send: the client's, or with validators of ours.

        why: Why it goes forward, as Cache-Status says it (RFC 9211, section 2.2).

        primary: The URL's key, if the request has one.

        stored: The response that is validated or completed.

        part: The part of a response that is stored: what comes may belong to it.

        age: Its age, seconds.

        variants: How the URL's responses vary, as far as is known.

        led: The load that waits for it, if one does.

        mark: Under what it is remembered that responses could not be shared, or None
            where the request is none of the cache's business.

        later: The GET that its response may serve, if no load waits for it until the
            head is here.

        requested_at: When it was made, seconds since 1970.
    """

    site: Site
    ctx: Context
    request: Request
    terms: Terms
    headers: Headers
    why: Forward
    primary: str | None = None
    stored: Stored | None = None
    part: Stored | None = None
    age: float = 0.0
    variants: Variants | None = None
    led: Led | None = None
    mark: str | None = None
    later: Later | None = None
    requested_at: float = attrs.field(init=False)
    _head: Head = attrs.field(default=Head(0), init=False)

    def __attrs_post_init__(self) -> None:
        """Note when the request is made."""
        self.begin()

    def begin(self) -> None:
        """Note that the request is made now."""
        self.requested_at = self.site.wall()

    @property
    def served(self) -> Served:
        """How a response that is relayed came about."""
        past = self.mark is None and self.led is None
        return Served.BYPASS if past and self.why in NEVER_LOOKED else Served.MISS

    def stale(self) -> Answer | None:
        """Return what is stored, if it may serve now that the origin has failed."""
        stored, age = self.stored, self.age
        # RFC 9111, section 3.4: a part is no answer to who asks for the whole.
        if stored is None or not (stored.complete or self.terms.range):
            return None
        if not may_serve_on_error(self.terms, stored, age, self.site.policy):
            return None
        return self._answer(stored, age, None, Served.STALE)

    def _relay(
        self,
        head: Head,
        *,
        prefix: bytes = b"",
        stored: bool = False,
        reason: str = "",
    ) -> Relay:
        detail = self.site.policy.detail
        status = cache_status(
            self.why,
            status=self._head.status,
            stored=stored,
            detail=reason if detail else "",
            key=self.primary or "" if detail else "",
        )
        headers = with_status(head.headers, status)
        return Relay(attrs.evolve(head, headers=headers), prefix)

    def _validated(self, stored: Stored, head: Head, own: Headers) -> Answer:
        made = self._answer(stored, stored.initial_age, head, Served.REVALIDATED)
        return made._replace(headers=own + made.headers)

    def _answer(
        self, stored: Stored, age: float, head: Head | None, served: Served
    ) -> Answer:
        answered = None if head is None else head.status
        status = cache_status(self.why, status=answered)
        made = answer(stored, self.request, self.terms, age, status, self.site.policy)
        return made._replace(served=served)
