"""Count and report what became of a lookup, once, whatever became of it."""

from typing import TypeVar

from hybridcache.core.errors import (
    Closed,
    LoadFailedElsewhere,
    LoadTimeout,
    ReentrantLoad,
    WouldBlockLoop,
)
from hybridcache.core.outcome import HitFresh, HitStale, Outcome, Tier
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context, Query
from hybridcache.engine.events import LookedUp, LookupFailed, Reason
from hybridcache.engine.tally import served_by

V = TypeVar("V")


def observed(ctx: Context, query: Query[V], flow: Flow[Outcome[V]]) -> Flow[Outcome[V]]:
    """Run *flow*; count its outcome, or why it raised.

    A caller that is cancelled is counted nowhere: it has no outcome.
    """
    begun = ctx.now()
    try:
        outcome = yield from flow
    except Exception as error:
        reason = reason_of(error)
        query.tally.fail(reason)
        ctx.observe(LookupFailed(ctx.cache, query.function, reason))
        raise
    tier = served_by(outcome)
    query.tally.add(outcome.tag, tier)
    report(ctx, query, outcome, tier, ctx.now() - begun)
    return outcome


def report(
    ctx: Context, query: Query[V], outcome: Outcome[V], tier: Tier, seconds: float
) -> None:
    """Measure an outcome, and tell of it."""
    age = outcome.age if isinstance(outcome, (HitFresh, HitStale)) else None
    tag = outcome.tag
    if ctx.heard:
        ctx.observe(LookedUp(ctx.cache, query.function, tag, tier, age, seconds))
    else:
        ctx.figures.looked_up(ctx.cache, tag, tier, age, seconds)


def reason_of(error: Exception) -> Reason:
    """Say why a lookup raised, as a metric label."""
    match error:
        case LoadTimeout():
            return Reason.TIMEOUT
        case LoadFailedElsewhere():
            return Reason.ELSEWHERE
        case ReentrantLoad() | WouldBlockLoop():
            return Reason.REENTRANT
        case Closed():
            return Reason.CLOSED
        case _:
            return Reason.LOADER
