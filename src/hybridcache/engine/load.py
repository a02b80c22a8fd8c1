"""A load, from the lease to the landing: the flow that owns a flight.

It runs on its own, outlives its callers, and settles its flight whatever happens.
Where Redis does not answer it loads without it and writes nothing there.
"""

from contextlib import AbstractContextManager
from typing import TypeVar

from hybridcache.engine.claim import claim
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context, Query
from hybridcache.engine.events import RefreshEnded
from hybridcache.engine.flights import (
    Adopted,
    Failed,
    Flight,
    Handover,
    Landing,
    Loaded,
)
from hybridcache.engine.lead import error_of, lead
from hybridcache.engine.lease_requests import Mode
from hybridcache.engine.plan import Plan
from hybridcache.engine.storing import Claimed, Unclaimed
from hybridcache.engine.tracing import UNTRACED

V = TypeVar("V")


def load(
    ctx: Context,
    query: Query[V],
    flight: Flight,
    plan: Plan,
    deadline: float,
    *,
    inline: bool,
) -> Flow[None]:
    """Carry out the load of *flight* and settle it."""
    if not ctx.node.take_up(flight):
        return
    landing: Landing = Handover("its load was ended from outside")
    refreshes = plan.mode is Mode.REFRESH
    try:
        with _apart(ctx, query) if refreshes else UNTRACED:
            landing = yield from _land(
                ctx, query, flight, plan, deadline, inline=inline
            )
    except Exception as error:
        # A fault of ours or of a user's codec: those who wait must hear of it.
        landing = Failed(error, error.__traceback__)
        raise
    finally:
        ctx.node.land(flight, landing)
        if refreshes:
            ctx.observe(
                RefreshEnded(
                    ctx.cache, _result(landing), query.function, error_of(landing)
                )
            )


def _apart(ctx: Context, query: Query[V]) -> AbstractContextManager[object]:
    return ctx.tracing.refresh(query.function, query.key)


def _result(landing: Landing) -> str:
    match landing:
        case Loaded():
            return "loaded"
        case Adopted():
            return "adopted"
        case Failed():
            return "failed"
        case Handover():
            return "elsewhere"


def _land(
    ctx: Context,
    query: Query[V],
    flight: Flight,
    plan: Plan,
    deadline: float,
    *,
    inline: bool,
) -> Flow[Landing]:
    redis = ctx.redis
    if redis is None or query.bypass or plan.cause is not None:
        unclaimed = Unclaimed(plan.cause)
        return (yield from lead(ctx, query, flight, plan, unclaimed, inline=inline))
    claimed = yield from claim(ctx, redis, query, flight, plan, deadline)
    if isinstance(claimed, (Claimed, Unclaimed)):
        return (yield from lead(ctx, query, flight, plan, claimed, inline=inline))
    return claimed
