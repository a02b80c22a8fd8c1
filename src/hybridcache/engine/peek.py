"""A look at what the tiers hold: nothing is loaded, refreshed or changed."""

from typing import TypeVar

from hybridcache.core.decision import Fetch, Fresh, assess, decide
from hybridcache.core.outcome import (
    HitFresh,
    HitStale,
    Miss,
    Peeked,
    Tier,
    UpstreamDown,
)
from hybridcache.engine.answers import Hit
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context, Query, deadline_of
from hybridcache.engine.recall import fetch, recall
from hybridcache.engine.request import Fault

V = TypeVar("V")


def peek(ctx: Context, query: Query[V]) -> Flow[Peeked[V]]:
    """Say what the tiers would serve; load and refresh nothing."""
    deadline = deadline_of(ctx, query, ctx.now())
    found = yield from recall(ctx, query, deadline)
    if isinstance(found, Hit):
        shown = _shown(ctx, query, found)
        if shown is not None:
            return shown
    if ctx.redis is not None:
        answer = yield from fetch(ctx, ctx.redis, query, deadline)
        if isinstance(answer, Fault):
            return UpstreamDown(None, cause=answer.cause, tier=Tier.REDIS)
        if isinstance(answer, Hit):
            shown = _shown(ctx, query, answer)
            if shown is not None:
                return shown
    return Miss(None, load_seconds=0.0, stored=frozenset())


def _shown(ctx: Context, query: Query[V], hit: Hit) -> HitFresh[V] | HitStale[V] | None:
    now = ctx.now()
    held_until = ctx.node.holds.held_off_until(query.key)
    state = assess(hit, query.policy, now=now)
    decision = decide(state, query.policy, now=now, held_until=held_until)
    if isinstance(decision, Fetch):
        return None
    if isinstance(state, Fresh):
        return HitFresh(query.open(hit.served), tier=hit.tier, age=state.age)
    # Nothing is started by looking: a refresh is at most under way.
    doing = ctx.node.holds.why_held_off(query.key, now)
    return HitStale(query.open(hit.served), tier=hit.tier, age=state.age, refresh=doing)
