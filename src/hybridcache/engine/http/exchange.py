"""One exchange with the origin, as a machine that is told what comes: head, body, end.

A face carries the exchange out: it sends what :attr:`Exchange.headers` says, tells of
the response as it comes, and does what :meth:`Exchange.head` answers. Whatever becomes
of it, the face tells of its end: :meth:`~Exchange.end`, :meth:`~Exchange.failed` or
:meth:`~Exchange.drop`. Nothing is stored but a response that came whole.
"""

import attrs

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.codes import SERVER_ERRORS
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
from hybridcache.core.http.making import combined
from hybridcache.core.http.message import Head, Stored
from hybridcache.core.http.receive import judge
from hybridcache.core.http.status import Served, cache_status, with_status
from hybridcache.engine.command import Flow
from hybridcache.engine.http.asking import Asking
from hybridcache.engine.http.content import Content
from hybridcache.engine.http.directives import Directive, Relay, Repeat, Replace
from hybridcache.engine.http.later import Later, watch
from hybridcache.engine.http.lives import UNSHARED
from hybridcache.engine.http.placing import Address, bury, lead_beside, store
from hybridcache.engine.http.site import Reply
from hybridcache.engine.invalidate import invalidate


class OriginFailed(Exception):  # noqa: N818 (an event that ends a load)
    """The origin answered with a server error where a stale response may serve."""


@attrs.define(eq=False, kw_only=True)
class Exchange(Asking):
    """A request on its way to the origin, as the face carries it out."""

    _route: str = attrs.field(default="", init=False)
    _content: Content | None = attrs.field(default=None, init=False)
    _dropped: bool = attrs.field(default=False, init=False)

    @property
    def keeping(self) -> bool:
        """Whether what comes may still be stored for others."""
        return self.led is not None and not self.led.settled

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
        return self._content is not None and self._content.whole

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
        if self._content is None or self._content.add(chunk):
            return
        self._content = None
        self._mark()
        self._settle(UNSHARED)

    def end(self) -> Flow[None]:
        """Store the response, which has come whole as far as the origin is concerned."""
        content, self._content = self._content, None
        if content is None:
            return
        stored = content.finished()
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

    def drop(self) -> None:
        """Keep nothing: the response ended early, or nobody is there to relay it."""
        self._dropped = True
        self._content = None
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
            most = self.site.policy.max_body
            self._content = Content(verdict.template, self._head, most)
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

    def _mark(self) -> None:
        if self.mark is not None:
            until = self.ctx.now() + self.site.policy.pass_for
            self.site.passes.mark(self.mark, until)

    def _settle(self, reply: Reply) -> None:
        if self.led is not None:
            self.led.settle(reply)

    def _fail(self, error: BaseException) -> None:
        if self.led is None:
            return
        if isinstance(error, Exception):
            self.led.settle(error)
        else:
            # What ends the request's thread is no answer to anybody else.
            self.led.give_up()

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
