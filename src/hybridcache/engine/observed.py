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
    query.tally.add(outcome)
    report(ctx, query, outcome, ctx.now() - begun)
    return outcome


def report(ctx: Context, query: Query[V], outcome: Outcome[V], seconds: float) -> None:
    """Tell of an outcome; of a fresh hit in memory only if somebody wants to hear."""
    tier = served_by(outcome)
    if tier is Tier.MEMORY and isinstance(outcome, HitFresh) and not ctx.tells_hits:
        return
    age = outcome.age if isinstance(outcome, HitFresh | HitStale) else None
    ctx.observe(LookedUp(ctx.cache, query.function, outcome.tag, tier, age, seconds))


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
