"""A request, from top to bottom: look, decide, and answer or go to the origin.

What it comes to is an answer, or an exchange that the face carries out. A fault of the
cache is never an error to the client: the request goes to the origin.
"""

from typing import Final, TypeAlias

import attrs

from hybridcache.core.http.admission import Bypass, admit
from hybridcache.core.http.answers import Answer, answer, gateway_timeout
from hybridcache.core.http.cache_control import Asked
from hybridcache.core.http.decision import (
    GatewayTimeout,
    Hit,
    Miss,
    Revalidate,
    StaleHit,
    decide,
)
from hybridcache.core.http.fields import lines, without
from hybridcache.core.http.key import primary_key
from hybridcache.core.http.message import Record, Request, Stored, Variants
from hybridcache.core.http.status import cache_status
from hybridcache.core.outcome import HitFresh, HitStale, Outcome, Suppressed
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context
from hybridcache.engine.flights import Failed
from hybridcache.engine.http.behind import CONDITIONS, refresh_behind
from hybridcache.engine.http.exchange import Exchange
from hybridcache.engine.http.find import Found, find
from hybridcache.engine.http.leading import Led, count, lead_or_follow
from hybridcache.engine.http.site import Fetcher, Site, nothing
from hybridcache.engine.lease_requests import Mode
from hybridcache.engine.plan import Plan

Course: TypeAlias = Answer | Exchange
"""What becomes of a request."""

# Who waited may find that its URL varies, and that its own variant is being loaded.
ROUNDS: Final = 3
NOTHING_ASKED: Final = Asked()


def serve(site: Site, request: Request, fetcher: Fetcher) -> Flow[Course]:
    """Answer *request* from the cache, or say how to ask the origin."""
    ctx = site.ctx()
    asked = admit(request, site.policy)
    if isinstance(asked, Bypass):
        return _alone(site, ctx, request, asked.reason)
    if site.bypassed() or ctx.closed():
        return _alone(site, ctx, request, "bypass")
    primary = primary_key(request, site.policy)
    if primary is None:
        return _alone(site, ctx, request, "bypass")
    for _ in range(ROUNDS):
        found = yield from find(site, ctx, request, primary)
        course = yield from _course(site, ctx, request, asked, found, fetcher)
        if course is not None:
            return course
    return _alone(site, ctx, request, "uri-miss", asked)


def _course(
    site: Site,
    ctx: Context,
    request: Request,
    asked: Asked,
    found: Found,
    fetcher: Fetcher,
) -> Flow[Course | None]:
    """Serve what was found, or load; None to look again."""
    stored = found.stored
    if stored is None:
        if asked.only_if_cached:
            return gateway_timeout(cache_status(fwd=found.missed))
        return (yield from _miss(site, ctx, request, asked, found, found.missed))
    verdict = decide(request, asked, stored, found.resident, site.policy)
    match verdict:
        case Hit(age=age):
            _count(site, ctx, found, stored)
            return _hit(site, request, stored, age)
        case StaleHit(age=age):
            fields = verdict.fields
            yield from refresh_behind(site, ctx, request, found, fields, fetcher)
            _count(site, ctx, found, stored, stale=True)
            return _hit(site, request, stored, age)
        case GatewayTimeout():
            return gateway_timeout(cache_status(fwd="stale"))
        case Revalidate():
            return (yield from _revalidate(site, ctx, request, asked, found, verdict))
        case Miss(reason=reason):
            return (yield from _miss(site, ctx, request, asked, found, reason))


def _hit(site: Site, request: Request, stored: Stored, age: float, *, collapsed: bool = False) -> Answer:
    ttl = int(stored.lifetime - age)
    status = cache_status(hit=not collapsed, ttl=ttl, collapsed=collapsed, fwd="uri-miss" if collapsed else "")
    return answer(stored, request, age, status, site.policy)


def _count(
    site: Site, ctx: Context, found: Found, stored: Stored, *, stale: bool = False
) -> None:
    """Count a hit, under the route of the response."""
    outcome: Outcome[Record] = HitFresh(stored, tier=found.tier, age=found.resident)
    if stale:
        doing = ctx.node.holds.why_held_off(found.key, ctx.now())
        outcome = HitStale(stored, tier=found.tier, age=found.resident, refresh=doing)
    query = site.query(found.key, nothing, site.lives)
    count(site, ctx, query, outcome, stored.route, 0.0)


def _miss(
    site: Site,
    ctx: Context,
    request: Request,
    asked: Asked,
    found: Found,
    why: str,
) -> Flow[Course | None]:
    """Ask the origin for what the cache does not hold, or have another's response."""
    if request.method == "HEAD":
        return _alone(site, ctx, request, why, asked)
    mark = _mark(site, request, found)
    exchange = Exchange(
        site=site,
        ctx=ctx,
        request=request,
        headers=request.headers,
        why=why,
        primary=found.primary,
        asked=asked,
        variants=found.variants,
        mark=mark,
        credentials=_has_credentials(site, request),
    )
    if site.passes.lets(mark, ctx.now()):
        return exchange
    if site.uses.count(found.primary) < site.policy.min_uses:
        return _alone(site, ctx, request, why, asked)
    return (yield from _lead(exchange, found, found.plan))


def _revalidate(
    site: Site,
    ctx: Context,
    request: Request,
    asked: Asked,
    found: Found,
    verdict: Revalidate,
) -> Flow[Course | None]:
    """Ask the origin whether what the cache holds will still do."""
    if request.method == "HEAD":
        return _alone(site, ctx, request, verdict.reason, asked)
    exchange = Exchange(
        site=site,
        ctx=ctx,
        request=request,
        headers=(*without(request.headers, CONDITIONS), *verdict.fields),
        why=verdict.reason,
        primary=found.primary,
        asked=asked,
        stored=found.stored,
        age=verdict.age,
        variants=found.variants,
        mark=_mark(site, request, found),
        credentials=_has_credentials(site, request),
    )
    plan = found.plan
    if verdict.reason == "request":
        # The client will not have what is there, fresh as it may be.
        plan = attrs.evolve(plan, mode=Mode.FORCE)
    return (yield from _lead(exchange, found, plan))


def _lead(exchange: Exchange, found: Found, plan: Plan) -> Flow[Course | None]:
    """Lead the load of *found*'s key, or follow another's if that may be shared."""
    site, ctx, request = exchange.site, exchange.ctx, exchange.request
    policy = site.beside if exchange.credentials else site.lives
    news = yield from lead_or_follow(site, ctx, found.key, plan, policy)
    if isinstance(news, Led):
        exchange.led = news
        return exchange
    if news is None:
        return exchange
    if isinstance(news, Failed):
        # What failed for another may not fail for this one; a stale response will do.
        return exchange.failed(news.error) or exchange
    record = news.value
    if isinstance(record, Variants):
        return None
    if not isinstance(record, Stored) or record is exchange.stored:
        return exchange
    return _followed(exchange, record, news)


def _followed(exchange: Exchange, stored: Stored, outcome: Outcome[Record]) -> Course:
    """Give another request's response to this one, if it would be served from store."""
    site, request = exchange.site, exchange.request
    resident = outcome.age if isinstance(outcome, HitFresh | HitStale) else 0.0
    match decide(request, exchange.asked, stored, resident, site.policy):
        case Hit(age=age) | StaleHit(age=age):
            collapsed = isinstance(outcome, Suppressed)
            return _hit(site, request, stored, age, collapsed=collapsed)
        case Revalidate() | Miss() | GatewayTimeout():
            return exchange


def _alone(
    site: Site, ctx: Context, request: Request, why: str, asked: Asked = NOTHING_ASKED
) -> Exchange:
    """Ask the origin and keep nothing."""
    return Exchange(
        site=site, ctx=ctx, request=request, headers=request.headers, why=why, asked=asked
    )


def _mark(site: Site, request: Request, found: Found) -> str:
    """Name what passes: what is refused to credentials says nothing of the rest."""
    return f"{found.key} authorization" if _has_credentials(site, request) else found.key


def _has_credentials(site: Site, request: Request) -> bool:
    return site.policy.shared and bool(lines(request.headers, b"authorization"))
