"""Find what the tiers hold for a request: the response of its URL, or its variant."""

from typing import Final

import attrs

from hybridcache.core.http.key import variant_key
from hybridcache.core.http.message import Record, Request, Stored, Variants
from hybridcache.core.http.vary import selecting
from hybridcache.core.outcome import Tier
from hybridcache.engine.answers import Hit, Missing
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context, deadline_of
from hybridcache.engine.http.site import Site, nothing
from hybridcache.engine.plan import Plan
from hybridcache.engine.recall import fetch, loads_from_cold, recall
from hybridcache.engine.request import Fault

NOTHING: Final = Plan()


@attrs.frozen
class Found:
    """What there is for a request, and where more would go.

    Attributes:

        primary: The URL's key.

        key: Where this request's response belongs: *primary*, or its variant's key.

        variants: How the URL's responses vary, if its record says so.

        stored: The response, if there is one.

        resident: Seconds since it was stored.

        tier: Where it was.

        hit: The entry that holds it.

        plan: What a load would set out with.
    """

    primary: str
    key: str
    variants: Variants | None = None
    stored: Stored | None = None
    resident: float = 0.0
    tier: Tier = Tier.MEMORY
    hit: Hit | None = None
    plan: Plan = NOTHING


def find(site: Site, ctx: Context, request: Request, primary: str) -> Flow[Found]:
    """Look for the response to *request* under its URL's key, memory first."""
    hit, plan = yield from _look(site, ctx, primary)
    record = None if hit is None else _opened(site, hit)
    if not isinstance(record, Variants):
        return _found(ctx, primary, primary, None, record, hit, plan)
    values = selecting(record.vary, request.headers)
    key = variant_key(primary, record.generation, values)
    hit, plan = yield from _look(site, ctx, key)
    variant = None if hit is None else _opened(site, hit)
    return _found(ctx, primary, key, record, variant, hit, plan)


def _found(
    ctx: Context,
    primary: str,
    key: str,
    variants: Variants | None,
    record: Record | None,
    hit: Hit | None,
    plan: Plan,
) -> Found:
    if hit is None or not isinstance(record, Stored):
        return Found(primary, key, variants, plan=plan)
    resident = max(0.0, ctx.now() - hit.written_at)
    return Found(primary, key, variants, record, resident, hit.tier, hit, plan)


def _opened(site: Site, hit: Hit) -> Record:
    return site.query("", nothing, site.lives).open(hit.served)


def _look(site: Site, ctx: Context, key: str) -> Flow[tuple[Hit | None, Plan]]:
    """Return what is held under *key*, and what a load of it would set out with."""
    query = site.query(key, nothing, site.lives)
    deadline = deadline_of(ctx, query, ctx.now())
    found = yield from recall(ctx, query, deadline)
    if found is not None:
        return found, Plan(rejected=found.identity, previous=found.form)
    if ctx.redis is None or loads_from_cold(ctx, query):
        return None, NOTHING
    answer = yield from fetch(ctx, ctx.redis, query, deadline)
    match answer:
        case Hit():
            plan = Plan(rejected=answer.identity, previous=answer.form)
            expired = ctx.now() - answer.written_at >= answer.ttl
            return (None if expired else answer), plan
        case Missing():
            return None, Plan(rejected=answer.identity)
        case Fault():
            return None, Plan(cause=answer.cause)
