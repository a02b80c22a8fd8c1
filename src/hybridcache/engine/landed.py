"""What a flight's landing is to one of those who waited for it."""

from typing import TypeVar

from hybridcache.core.errors import LoadTimeout
from hybridcache.core.outcome import (
    HitFresh,
    Miss,
    Outcome,
    Scope,
    Suppressed,
    Tier,
    UpstreamDown,
)
from hybridcache.engine.context import Context, Query
from hybridcache.engine.events import WaitEnded
from hybridcache.engine.flights import (
    Adopted,
    Failed,
    Flight,
    Handover,
    Landing,
    Loaded,
)

V = TypeVar("V")


def outcome_of(
    ctx: Context,
    query: Query[V],
    landing: Loaded[object] | Adopted[object],
    begun: float,
    *,
    leads: bool,
) -> Outcome[V]:
    """Turn a flight's landing into this caller's outcome."""
    waited = ctx.now() - begun
    match landing:
        case Adopted(scope=None):
            value = query.open(landing.form)
            age = max(0.0, ctx.now() - landing.made_at)
            return HitFresh(value, tier=landing.tier, age=age)
        case Loaded() if leads:
            value = query.open(landing.form)
            if landing.cause is not None:
                return UpstreamDown(value, cause=landing.cause, tier=Tier.LOADER)
            return Miss(value, load_seconds=landing.load_seconds, stored=landing.stored)
        case Loaded() | Adopted():
            scope = Scope.PROCESS if isinstance(landing, Loaded) else Scope.CLUSTER
            ctx.observe(WaitEnded(ctx.cache, scope, waited))
            return Suppressed(query.open(landing.form), waited=waited, scope=scope)


def too_late(query: Query[V], flight: Flight, landing: Landing | None) -> LoadTimeout:
    """Say what became of the load, as far as this process knows."""
    if isinstance(landing, Handover):
        doing = landing.why
    elif isinstance(landing, Adopted | Failed):
        doing = "what there was is from before this refresh"
    elif flight.latch.orphaned():
        doing = "the event loop that ran its load is gone"
    elif not flight.loads:
        doing = "its load has yet to begin: Redis or another process is waited for"
    elif query.bypass:
        doing = "its load goes on, and nothing is kept of it (bypass)"
    else:
        doing = "its load goes on, and what may be kept will be there for later calls"
    msg = (
        f"no value for {query.key!r} within wait_for={query.policy.wait_for:g} s:"
        f" {doing}; a loader that takes so long needs a longer wait_for"
    )
    return LoadTimeout(msg)
