"""A request, from top to bottom: look, decide, and answer or go to the origin.

What it comes to is an answer, or an exchange that the face carries out. A fault of the
cache is never an error to the client: the request goes to the origin.
"""

from typing import Final

import attrs

from hybridcache.core.http.admission import Bypass, Terms, admit, terms
from hybridcache.core.http.answers import gateway_timeout, hit
from hybridcache.core.http.decision import (
    GatewayTimeout,
    Hit,
    Miss,
    Revalidate,
    StaleHit,
    absent,
    decide,
)
from hybridcache.core.http.fields import without
from hybridcache.core.http.key import primary_key
from hybridcache.core.http.message import Record, Request, Stored
from hybridcache.core.http.status import Forward, Served, cache_status
from hybridcache.core.outcome import HitFresh, HitStale, Outcome
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context
from hybridcache.engine.http.behind import CONDITIONS, refresh_behind, replaced
from hybridcache.engine.http.collapsing import Course, lead, mark_of
from hybridcache.engine.http.exchange import Exchange
from hybridcache.engine.http.find import Found, find
from hybridcache.engine.http.later import later_of
from hybridcache.engine.http.leading import of_route
from hybridcache.engine.http.site import Fetcher, Site, nothing
from hybridcache.engine.lease_requests import Mode
from hybridcache.engine.observed import counted
from hybridcache.engine.traced import Ending, in_span

# Who waited may find that its URL varies, and that its own variant is being loaded.
ROUNDS: Final = 3


def serve(site: Site, request: Request, fetcher: Fetcher) -> Flow[Course]:
    """Answer *request* from the cache, or say how to ask the origin."""
    ctx = site.ctx()
    admitted = admit(request, site.policy)
    if isinstance(admitted, Bypass):
        return _past(site, ctx, request, admitted.reason)
    primary = primary_key(request, site.policy)
    if primary is None or site.bypassed() or ctx.closed():
        return _past(site, ctx, request, "bypass")
    for _ in range(ROUNDS):
        found = yield from find(site, ctx, request, primary)
        course = yield from _course(site, ctx, request, admitted, found, fetcher)
        if course is not None:
            break
    else:
        return _past(site, ctx, request, "miss")
    if isinstance(course, Exchange):
        # Not from before it waited for another's: that would count as its age.
        course.begin()
    return course


def _past(site: Site, ctx: Context, request: Request, why: Forward) -> Exchange:
    """Ask the origin and keep nothing."""
    return Exchange(
        site=site,
        ctx=ctx,
        request=request,
        terms=terms(request.headers),
        headers=request.headers,
        why=why,
        later=later_of(site, ctx, request),
    )


def _course(
    site: Site,
    ctx: Context,
    request: Request,
    wanted: Terms,
    found: Found,
    fetcher: Fetcher,
) -> Flow[Course | None]:
    """Serve what was found, or load; None to look again."""
    stored = found.stored
    if stored is None:
        missing = absent(wanted, varies=found.variants is not None)
        return (yield from _miss(site, ctx, request, wanted, found, missing))
    match decide(request, wanted, stored, found.resident, site.policy):
        case Hit(age=age):
            yield from _count(site, ctx, found, stored)
            return hit(stored, request, wanted, age, site.policy)
        case StaleHit(age=age):
            yield from refresh_behind(site, ctx, request, found, fetcher)
            yield from _count(site, ctx, found, stored, stale=True)
            stale = hit(stored, request, wanted, age, site.policy)
            return stale._replace(served=Served.STALE)
        case Revalidate() as verdict:
            return (yield from _revalidate(site, ctx, request, wanted, found, verdict))
        case Miss() | GatewayTimeout() as verdict:
            return (yield from _miss(site, ctx, request, wanted, found, verdict))


def _count(
    site: Site, ctx: Context, found: Found, stored: Stored, *, stale: bool = False
) -> Flow[None]:
    """Count and trace a hit, under the route of the response."""
    outcome: Outcome[Record] = HitFresh(stored, tier=found.tier, age=found.resident)
    if stale:
        doing = ctx.node.holds.why_held_off(found.key, ctx.now())
        outcome = HitStale(stored, tier=found.tier, age=found.resident, refresh=doing)
    query = of_route(site, site.query(found.key, nothing, site.lives), stored.route)
    if ctx.tracing.recording():
        yield from in_span(ctx, query, _known(outcome))
    counted(ctx, query, outcome, 0.0)


def _known(outcome: Outcome[Record]) -> Flow[Ending[Record]]:
    """Stand for a lookup whose outcome is known: a flow that asks for nothing."""
    yield from ()
    return outcome


def _miss(
    site: Site,
    ctx: Context,
    request: Request,
    wanted: Terms,
    found: Found,
    verdict: Miss | GatewayTimeout,
) -> Flow[Course | None]:
    """Ask the origin for what the cache does not hold, or have another's response."""
    if isinstance(verdict, GatewayTimeout):
        return gateway_timeout(cache_status("miss"))
    if request.method == "HEAD" or _too_rare(site, found):
        return _past(site, ctx, request, verdict.reason)
    stored = found.stored
    part = None if stored is None or stored.complete else stored
    exchange = Exchange(
        site=site,
        ctx=ctx,
        request=request,
        terms=wanted,
        headers=replaced(request.headers, verdict.fields),
        why=verdict.reason,
        primary=found.primary,
        stored=part if verdict.fields else None,
        part=part,
        variants=found.variants,
        mark=mark_of(site, wanted, found),
    )
    if exchange.mark is not None and site.passes.lets(exchange.mark, ctx.now()):
        return exchange
    plan = found.plan
    if found.stored is not None:
        # What is there is fresh as far as the engine knows, and not for this request.
        plan = attrs.evolve(plan, mode=Mode.FORCE)
    return (yield from lead(exchange, found, plan))


def _too_rare(site: Site, found: Found) -> bool:
    """Whether nobody is likely to ask again for what would be stored."""
    if site.policy.min_uses == 1:
        return False
    return site.uses.count(found.primary) < site.policy.min_uses


def _revalidate(
    site: Site,
    ctx: Context,
    request: Request,
    wanted: Terms,
    found: Found,
    verdict: Revalidate,
) -> Flow[Course | None]:
    """Ask the origin whether what the cache holds will still do."""
    exchange = Exchange(
        site=site,
        ctx=ctx,
        request=request,
        terms=wanted,
        headers=(*without(request.headers, CONDITIONS), *verdict.fields),
        why=verdict.reason,
        primary=found.primary,
        stored=found.stored,
        age=verdict.age,
        variants=found.variants,
        mark=mark_of(site, wanted, found),
    )
    plan = found.plan
    if verdict.reason == "request":
        # The client will not have what is there, fresh as it may be.
        plan = attrs.evolve(plan, mode=Mode.FORCE)
    return (yield from lead(exchange, found, plan))
