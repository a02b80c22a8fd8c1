"""Lead the load of what a request asks for, or have another's response if it may be had.

Rules of this module: who waited gets a response only if storage would serve it to that
very request; and nobody waits for what is likely to be for its client alone.
"""

from typing import Final, TypeAlias

from hybridcache.core.http.admission import Terms
from hybridcache.core.http.answers import Answer, answer, hit
from hybridcache.core.http.decision import Hit, StaleHit, decide
from hybridcache.core.http.message import Record, Stored, Variants
from hybridcache.core.http.status import Served, cache_status
from hybridcache.core.outcome import (
    HitFresh,
    HitStale,
    Outcome,
    Scope,
    Suppressed,
    UpstreamDown,
)
from hybridcache.core.outcome import Miss as Loaded
from hybridcache.engine.command import Flow
from hybridcache.engine.flights import Failed
from hybridcache.engine.http.exchange import Exchange
from hybridcache.engine.http.find import Found
from hybridcache.engine.http.later import later_for
from hybridcache.engine.http.leading import ExchangeGivenUp, Led, News, lead_or_follow
from hybridcache.engine.http.site import Site
from hybridcache.engine.plan import Plan

Course: TypeAlias = Answer | Exchange
"""What becomes of a request."""

# So many in turn lead in the place of who left.
TURNS: Final = 3


def lead(exchange: Exchange, found: Found, plan: Plan) -> Flow[Course | None]:
    """Lead the load of *found*'s key, or follow another's if that may be shared."""
    site, ctx = exchange.site, exchange.ctx
    if exchange.terms.asked.no_store:
        # What nobody else may have keeps nobody waiting, and drops nothing.
        return exchange
    if exchange.stored is None and _seldom_shared(exchange, found):
        exchange.later = later_for(ctx, exchange.request, exchange.terms, found.key)
        return exchange
    # What answers credentials is for them, as a rule, and what is validated each time
    # would not be served to who waited for it: nobody waits.
    stored = exchange.stored
    apart = _alone(site, exchange.terms) or (
        stored is not None and stored.always_revalidate
    )
    policy = site.beside if apart else site.lives
    until = ctx.now() + site.policy.wait_for
    news = yield from lead_or_follow(site, ctx, found.key, plan, policy)
    for _ in range(TURNS):
        if not _left(news) or ctx.now() >= until:
            break
        # One of those who waited leads in the place of who left, for the others.
        exchange.begin()
        news = yield from lead_or_follow(
            site, ctx, found.key, plan, policy, until=until
        )
    if isinstance(news, Led):
        exchange.led = news
        return exchange
    if news is None:
        return exchange
    if isinstance(news, Failed):
        # The origin failed, which a stale response may serve for, unless it is just
        # slow, or who asked it is. Without one it may yet not fail for this request.
        slow = isinstance(news.error, ExchangeGivenUp | TimeoutError)
        return exchange if slow else exchange.stale() or exchange
    record = news.value
    if isinstance(record, Variants):
        return None
    if not isinstance(record, Stored) or record is exchange.stored:
        return exchange
    return _followed(exchange, record, news)


def _left(news: News) -> bool:
    """Whether who led has gone away, cancelled or with half a response."""
    return isinstance(news, Failed) and (
        isinstance(news.error, ExchangeGivenUp) or not isinstance(news.error, Exception)
    )


def _followed(
    exchange: Exchange, stored: Stored, outcome: Outcome[Record]
) -> Course | None:
    """Give another request's response to this one, if it would be served from store."""
    site, request, wanted = exchange.site, exchange.request, exchange.terms
    resident = _resident(outcome)
    verdict = decide(request, wanted, stored, resident, site.policy)
    if not isinstance(verdict, Hit | StaleHit):
        # Of a part everyone may want the rest: one leads the load of that.
        return exchange if stored.complete else None
    if not isinstance(outcome, Suppressed):
        return hit(stored, request, wanted, verdict.age, site.policy)
    status = cache_status(exchange.why, collapsed=True)
    made = answer(stored, request, wanted, verdict.age, status, site.policy)
    return made._replace(served=Served.COLLAPSED)


def _resident(outcome: Outcome[Record]) -> float:
    """Return for how long at most a response that was waited for has been stored."""
    match outcome:
        case HitFresh(age=age) | HitStale(age=age):
            return age
        case Suppressed(waited=waited, scope=Scope.CLUSTER):
            return waited
        case Suppressed() | Loaded() | UpstreamDown():
            return 0.0


def mark_of(site: Site, wanted: Terms, found: Found) -> str:
    """Name what passes: what is refused to credentials says nothing of the rest."""
    return f"{found.key} authorization" if _alone(site, wanted) else found.key


def _seldom_shared(exchange: Exchange, found: Found) -> bool:
    """Whether nobody should wait for the response before its head is here.

    What answers credentials is for them, as a rule, and what answers the client's own
    condition is a 304 that is nobody else's.
    """
    site, ctx, wanted = exchange.site, exchange.ctx, exchange.terms
    if _alone(site, wanted):
        return True
    if wanted.none_match is None and not wanted.modified_since:
        return False
    return ctx.node.flights.look(found.key, ctx.now()) is None


def _alone(site: Site, wanted: Terms) -> bool:
    return wanted.authorised and site.policy.shared
