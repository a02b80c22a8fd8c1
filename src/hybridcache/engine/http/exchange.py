"""One exchange with the origin, as a machine that is told what comes: head, body, end.

A face carries the exchange out: it sends what :attr:`Exchange.headers` says, tells of
the response as it comes, and does what :meth:`Exchange.head` answers. Whatever becomes
of it, the face tells of its end: :meth:`~Exchange.end`, :meth:`~Exchange.failed` or
:meth:`~Exchange.drop`. Nothing is stored but a response that came whole.
"""

from typing import Final

import attrs

from hybridcache.core.http.admission import Terms
from hybridcache.core.http.answers import Answer, answer
from hybridcache.core.http.codes import SERVER_ERRORS
from hybridcache.core.http.decision import may_serve_on_error
from hybridcache.core.http.invalidation import invalidates, serves_later_get
from hybridcache.core.http.judgement import (
    Again,
    Freshened,
    Judgement,
    Keep,
    Pass,
    ServeOnce,
    UseStale,
)
from hybridcache.core.http.key import primary_key
from hybridcache.core.http.making import combined, finished
from hybridcache.core.http.message import (
    Head,
    Headers,
    Request,
    Stored,
    Variants,
)
from hybridcache.core.http.receive import judge
from hybridcache.core.http.status import Forward, Served, cache_status, with_status
from hybridcache.core.http.storable import content_length
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context
from hybridcache.engine.http.directives import Directive, Relay, Repeat, Replace
from hybridcache.engine.http.later import Later, watch
from hybridcache.engine.http.leading import Led
from hybridcache.engine.http.lives import UNSHARED
from hybridcache.engine.http.placing import Address, bury, lead_beside, store
from hybridcache.engine.http.site import Reply, Site
from hybridcache.engine.invalidate import invalidate

# Why a request goes forward that nothing was looked up for.
NEVER_LOOKED: Final = frozenset(("bypass", "method", "request"))


class OriginFailed(Exception):  # noqa: N818 (an event that ends a load)
    """The origin answered with a server error where a stale response may serve."""


@attrs.define(eq=False, kw_only=True)
class Exchange:
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
    _route: str = attrs.field(default="", init=False)
    _kept: Keep | None = attrs.field(default=None, init=False)
    _chunks: list[bytes] = attrs.field(factory=list, init=False)
    _size: int = attrs.field(default=0, init=False)
    _dropped: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        """Note when the request is made."""
        self.begin()

    def begin(self) -> None:
        """Note that the request is made now."""
        self.requested_at = self.site.wall()

    @property
    def keeping(self) -> bool:
        """Whether what comes may still be stored for others."""
        return self.led is not None and not self.led.settled

    @property
    def served(self) -> Served:
        """How a response that is relayed came about."""
        past = self.mark is None and self.led is None
        return Served.BYPASS if past and self.why in NEVER_LOOKED else Served.MISS

    @property
    def awaited(self) -> bool:
        """Whether others in this process wait for what comes."""
        if self.led is None:
            return False
        flight = self.ctx.node.flights.look(self.led.key, self.ctx.now())
        if flight is None:
            return False
        # On an event loop the lookup of this very request waits, too.
        own = flight.latch.carrier is not None
        return flight.latch.waiting > own

    @property
    def whole(self) -> bool:
        """Whether all has come that the head announced: there is no need to read on."""
        return self._kept is not None and self._size == content_length(
            self._head.headers
        )

    # What the face tells

    def head(self, head: Head, route: str = "") -> Flow[Directive]:
        """Say what to do with the origin's final response, now that its head is here."""
        self._head, self._route = head, route
        if self.led is not None:
            self.led.route = route
        later = self._unwatched()
        yield from self._invalidate(head)
        if self.led is None and self.mark is None:
            return (yield from self._apart(head, later))
        verdict = self._judged(head)
        match verdict:
            case Keep() if later is not None:
                return (yield from self._keep_late(head, verdict, later))
            case Keep():
                return self._keep(head, verdict)
            case Freshened(stored=stored, own=own):
                yield from self._place(stored)
                return Replace(self._validated(stored, head, own))
            case ServeOnce(stored=stored, own=own):
                yield from self._bury()
                return Replace(self._validated(stored, head, own))
            case UseStale(stored=stored):
                self._fail(OriginFailed(f"it answered {head.status}"))
                return Replace(self._answer(stored, self.age, head, Served.STALE))
            case Again():
                self.stored = None
                self.headers = self.request.headers
                self.begin()
                return Repeat(self.headers)
            case Pass(reason=reason, lasting=lasting):
                yield from self._pass(head, lasting=lasting)
                return self._relay(head, reason=reason)

    def body(self, chunk: bytes) -> None:
        """Take a part of the body that is relayed."""
        if self._kept is None:
            return
        self._size += len(chunk)
        if self._size <= self.site.policy.max_body:
            self._chunks.append(chunk)
            return
        self._forget()
        self._mark()
        self._settle(UNSHARED)

    def end(self) -> Flow[None]:
        """Store the response, which has come whole as far as the origin is concerned."""
        kept = self._kept
        if kept is None:
            return
        body = b"".join(self._chunks)
        self._forget()
        stored = finished(kept.template, body, self._head)
        if stored is None:
            self._settle(UNSHARED)
            return
        yield from self._place(self._with_what_is_here(stored))

    def failed(self, error: BaseException) -> Answer | None:
        """Return what to send though the origin failed before its head; None to fail."""
        self._unwatched()
        self._fail(error)
        if not isinstance(error, Exception):
            return None
        stale = self.stale()
        handler = self.site.policy.error_handler
        if stale is not None or handler is None:
            return stale
        head, body = handler(self.request, error)
        headers = with_status(head.headers, cache_status(self.why))
        return Answer(head.status, headers, body, head.reason, Served.MISS)

    def stale(self) -> Answer | None:
        """Return what is stored, if it may serve now that the origin has failed."""
        stored, age = self.stored, self.age
        # RFC 9111, section 3.4: a part is no answer to who asks for the whole.
        if stored is None or not (stored.complete or self.terms.range):
            return None
        if not may_serve_on_error(self.terms, stored, age, self.site.policy):
            return None
        return self._answer(stored, age, None, Served.STALE)

    def drop(self) -> None:
        """Keep nothing: the response ended early, or nobody is there to relay it."""
        self._dropped = True
        self._forget()
        self._unwatched()
        if self.led is not None:
            self.led.give_up()

    # What follows from it

    def _judged(self, head: Head) -> Judgement:
        return judge(
            self.request,
            self.terms,
            self.site.policy,
            head,
            stored=self.stored,
            age=self.age,
            requested_at=self.requested_at,
            received_at=self.site.wall(),
            route=self._route,
        )

    def _keep(self, head: Head, verdict: Keep) -> Relay:
        stored = self.led is not None
        if stored:
            self._kept = verdict
        elif self.mark is not None:
            # The next request may lead: a load for this one would begin too late to
            # hear of an invalidation that passed since it was made.
            self.site.passes.lift(self.mark)
        sent = verdict.head or head
        return self._relay(sent, prefix=verdict.prefix, stored=stored)

    def _place(self, stored: Stored) -> Flow[None]:
        """Have *stored* kept where this request, and those like it, will look."""
        if self.led is not None and self.primary is not None:
            address = Address(self.site, self.ctx, self.primary, self.variants)
            yield from store(address, self.led, stored)

    def _bury(self) -> Flow[None]:
        """Have what is stored used no more."""
        if self.led is not None:
            yield from bury(self.site, self.led)

    def _unwatched(self) -> Later | None:
        """Return *later* once, and only if it was not invalidated meanwhile."""
        later, self.later = self.later, None
        return later if later is not None and later.watch.ended() else None

    def _apart(self, head: Head, later: Later | None) -> Flow[Relay]:
        """Relay the response to a request that is none of the cache's business.

        A POST's may serve a later GET (RFC 9110, section 9.3.3).
        """
        post, policy = self.request, self.site.policy
        if later is None or serves_later_get(post, head, policy) is None:
            return self._relay(head)
        self.request, self.primary, self.terms = later.get, later.key, later.terms
        verdict = self._judged(head)
        if not isinstance(verdict, Keep):
            return self._relay(head)
        return (yield from self._keep_late(head, verdict, later))

    def _keep_late(self, head: Head, verdict: Keep, later: Later) -> Flow[Relay]:
        """Lead the load of what has come so far, now that it is known to be of use."""
        # From when *later* heard the last until the load can hear for itself.
        hearing = watch(self.ctx, later.key)
        try:
            self.led = yield from lead_beside(
                self.site, self.ctx, later.key, self._route
            )
        finally:
            sound = hearing.ended()
        if sound and not self._dropped:
            return self._keep(head, verdict)
        self.drop()
        return self._relay(head)

    def _pass(self, head: Head, *, lasting: bool) -> Flow[None]:
        if lasting or self.terms.authorised:
            self._mark()
        if self.led is None:
            return
        # A HEAD's response says nothing of the content unless it fits what is stored.
        of_content = self.request.method != "HEAD" and head.status < SERVER_ERRORS
        if self.stored is None or not of_content:
            self.led.settle(UNSHARED)
            return
        yield from self._bury()

    def _forget(self) -> None:
        self._kept = None
        self._chunks.clear()

    def _mark(self) -> None:
        if self.mark is not None:
            until = self.ctx.now() + self.site.policy.pass_for
            self.site.passes.mark(self.mark, until)

    def _settle(self, reply: Reply) -> None:
        if self.led is not None:
            self.led.settle(reply)

    def _fail(self, error: BaseException) -> None:
        if self.led is not None:
            self.led.settle(error)

    def _invalidate(self, head: Head) -> Flow[None]:
        """Drop what an unsafe request made wrong (RFC 9111, section 4.4)."""
        # The target itself comes first there, and last here: what may be stored of
        # this response is so right after.
        for target in reversed(invalidates(self.request, head, self.site.policy)):
            key = primary_key(target, self.site.policy)
            if key is not None:
                yield from invalidate(self.ctx, key)

    def _with_what_is_here(self, new: Stored) -> Stored:
        """Combine a part with the part that is stored, if they belong together."""
        if self.part is None or new.complete:
            return new
        both = combined(self.part, new)
        return new if both is None or self._too_long(both) else both

    def _too_long(self, stored: Stored) -> bool:
        return len(stored.body) > self.site.policy.max_body

    # What is sent

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
