"""Count and report what became of a lookup, once, whatever became of it."""

from typing import TypeVar

from hybridcache.core.errors import (
    Closed,
    LoadTimeout,
    ReentrantLoad,
    WouldBlockLoop,
)
from hybridcache.core.outcome import HitFresh, HitStale, Outcome, Tier
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context, Query
from hybridcache.engine.events import LookedUp, LookupFailed, Reason
from hybridcache.engine.flights import Failed
from hybridcache.engine.tally import served_by
from hybridcache.engine.traced import Ending, in_span

V = TypeVar("V")


def observed(ctx: Context, query: Query[V], flow: Flow[Ending[V]]) -> Flow[Outcome[V]]:
    """Run *flow*; count its outcome, or why it raised, whatever that was.

    Raises:

        BaseException: What the loader raised, to all who waited for it.
    """
    begun = ctx.now()
    if ctx.tracing.recording():
        flow = in_span(ctx, query, flow)
    try:
        ending = yield from flow
    except BaseException as error:
        failed(ctx, query, reason_of(error))
        raise
    counted(ctx, query, ending, ctx.now() - begun)
    if isinstance(ending, Failed):
        # Raised in several threads: each starts from the loader's traceback.
        raise ending.error.with_traceback(ending.traceback)
    return ending


def counted(ctx: Context, query: Query[V], ending: Ending[V], seconds: float) -> None:
    """Count and report how a lookup ended, whose error is the loader's if it has one."""
    if isinstance(ending, Failed):
        failed(ctx, query, Reason.ELSEWHERE if ending.elsewhere else Reason.LOADER)
        return
    tier = served_by(ending)
    query.tally.add(ending.tag, tier)
    report(ctx, query, ending, tier, seconds)


def failed(ctx: Context, query: Query[V], reason: Reason) -> None:
    """Count and tell that a lookup raised."""
    query.tally.fail(reason)
    ctx.observe(LookupFailed(ctx.cache, query.function, reason))


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


def reason_of(error: BaseException) -> Reason:
    """Say why a lookup has no outcome, as a metric label; the loader is not to blame."""
    match error:
        case LoadTimeout():
            return Reason.TIMEOUT
        case ReentrantLoad() | WouldBlockLoop():
            return Reason.REENTRANT
        case Closed():
            return Reason.CLOSED
        case Exception():
            # A fault of ours, or of a user's codec.
            return Reason.LOADER
        case _:
            return Reason.CANCELLED
