"""A lookup, from top to bottom: memory, Redis, the process's flight.

A lookup runs no load: it spawns the load's own flow and awaits the flight, until a
deadline that is fixed once at its start. Cancelling it ends only the awaiting.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Final, TypeVar

from hybridcache.core.decision import (
    Expired,
    Fetch,
    Fresh,
    Freshness,
    Serve,
    ServeAndRefresh,
    ServeHeldOff,
    assess,
    decide,
)
from hybridcache.core.errors import Closed, ReentrantLoad
from hybridcache.core.outcome import (
    HitFresh,
    HitStale,
    Outcome,
    Refresh,
    Scope,
    Tier,
)
from hybridcache.core.policy import RunIn
from hybridcache.engine.answers import Hit, Missing
from hybridcache.engine.command import Await, Flow, Spawn
from hybridcache.engine.context import Context, Query, deadline_of
from hybridcache.engine.current import CURRENT
from hybridcache.engine.flights import (
    Adopted,
    Failed,
    Flight,
    Handover,
    Landing,
    Loaded,
)
from hybridcache.engine.landed import outcome_of, too_late
from hybridcache.engine.lease_requests import Mode
from hybridcache.engine.load import load
from hybridcache.engine.own_lease import check_own_lease
from hybridcache.engine.plan import Plan
from hybridcache.engine.recall import fetch, fresh_in_memory, loads_from_cold, recall
from hybridcache.engine.request import Fault
from hybridcache.engine.traced import Ending, traced

V = TypeVar("V")

# For a lookup that no load makes: nobody has to see it wait.
NO_LOAD: Final = nullcontext()


def look_up(ctx: Context, query: Query[V]) -> Flow[Ending[V]]:
    """Serve *query* from memory, from Redis, or by a load."""
    begun = ctx.now()
    deadline = deadline_of(ctx, query, begun)
    plan = Plan()
    if not query.bypass:
        found = yield from recall(ctx, query, deadline)
        if isinstance(found, Hit):
            served = yield from serve(ctx, query, found, deadline)
            if served is not None:
                return served
            plan = Plan(rejected=found.identity, previous=found.form)
    rest = _beyond_memory(ctx, query, plan, begun, deadline)
    return (yield from traced(ctx, query, rest))


def _beyond_memory(
    ctx: Context, query: Query[V], plan: Plan, begun: float, deadline: float
) -> Flow[Ending[V]]:
    """Serve *query* from Redis, or by a load."""
    if ctx.redis is not None and not query.bypass and not loads_from_cold(ctx, query):
        answer = yield from fetch(ctx, ctx.redis, query, deadline)
        match answer:
            case Hit():
                served = yield from serve(ctx, query, answer, deadline)
                if served is not None:
                    return served
                plan = Plan(rejected=answer.identity, previous=answer.form)
            case Missing():
                plan = Plan(rejected=answer.identity, previous=plan.previous)
            case Fault():
                cause = _cause(ctx, answer, deadline)
                plan = Plan(previous=plan.previous, cause=cause)
    return (yield from fly(ctx, query, plan, begun, deadline))


def _cause(ctx: Context, fault: Fault, deadline: float) -> str | None:
    """Say why the load is to do without Redis.

    A caller out of time has learnt nothing of it: the load asks with time of its own.
    """
    return fault.cause if ctx.now() < deadline else None


def refresh(ctx: Context, query: Query[V]) -> Flow[Ending[V]]:
    """Load now, whatever the tiers hold; join a load that is under way."""
    return (yield from traced(ctx, query, _refresh(ctx, query)))


def _refresh(ctx: Context, query: Query[V]) -> Flow[Ending[V]]:
    begun = ctx.now()
    deadline = deadline_of(ctx, query, begun)
    plan = Plan(mode=Mode.FORCE)
    found = yield from recall(ctx, query, deadline)
    if isinstance(found, Hit):
        plan = Plan(mode=Mode.FORCE, previous=found.form)
    elif ctx.redis is not None and not query.bypass:
        # For the loader: it may ask for the previous value, or return NotModified.
        answer = yield from fetch(ctx, ctx.redis, query, deadline)
        if isinstance(answer, Hit) and not _expired(ctx, query, answer):
            plan = Plan(mode=Mode.FORCE, previous=answer.form)
        elif isinstance(answer, Fault):
            plan = Plan(mode=Mode.FORCE, cause=_cause(ctx, answer, deadline))
    return (yield from fly(ctx, query, plan, begun, deadline))


def _expired(ctx: Context, query: Query[V], hit: Hit) -> bool:
    return isinstance(assess(hit, query.policy, now=ctx.now()), Expired)


def serve(
    ctx: Context, query: Query[V], hit: Hit, deadline: float
) -> Flow[Outcome[V] | None]:
    """Serve what a tier holds and start its refresh if due; None if it won't do."""
    now = ctx.now()
    held_until = ctx.node.holds.held_off_until(query.key)
    state = assess(hit, query.policy, now=now)
    match decide(state, query.policy, now=now, held_until=held_until):
        case Fetch():
            return None
        case Serve():
            return HitFresh(query.open(hit.served), tier=hit.tier, age=state.age)
        case ServeHeldOff():
            return HitStale(
                query.open(hit.served),
                tier=hit.tier,
                age=state.age,
                refresh=ctx.node.holds.why_held_off(query.key, now),
            )
        case ServeAndRefresh():
            return (yield from _serve_and_refresh(ctx, query, hit, state, deadline))


def _serve_and_refresh(
    ctx: Context, query: Query[V], hit: Hit, state: Freshness, deadline: float
) -> Flow[Outcome[V] | None]:
    now = ctx.now()
    flight, started = yield from start_refresh(ctx, query, hit)
    if isinstance(state, Fresh):
        return HitFresh(query.open(hit.served), tier=hit.tier, age=state.age)
    if query.policy.stale_wait > 0.0:
        landing = yield from _refreshed(ctx, query, flight, deadline)
        if not started:
            ctx.tracing.waited(Scope.PROCESS, flight.link, ctx.now() - now)
        if isinstance(landing, Loaded | Adopted):
            return outcome_of(ctx, query, landing, now, leads=started)
        if isinstance(assess(hit, query.policy, now=ctx.now()), Expired):
            # While it waited: nothing expired is served.
            return None
        if landing is not None:
            doing = ctx.node.holds.why_held_off(query.key, ctx.now())
            return HitStale(
                query.open(hit.served), tier=hit.tier, age=state.age, refresh=doing
            )
    doing = Refresh.STARTED if started else Refresh.UNDER_WAY
    return HitStale(query.open(hit.served), tier=hit.tier, age=state.age, refresh=doing)


def _refreshed(
    ctx: Context, query: Query[V], flight: Flight, deadline: float
) -> Flow[Landing | None]:
    """Wait for a refresh as the policy says; None if it takes longer."""
    policy = query.policy
    left = min(policy.stale_wait, policy.wait_for, deadline - ctx.now())
    try:
        with _waiting(ctx, flight):
            return (yield from Await(flight.latch, left))
    except ReentrantLoad:
        # It is this very load, or waits for it: the stale value is at hand.
        return None


def start_refresh(ctx: Context, query: Query[V], hit: Hit) -> Flow[tuple[Flight, bool]]:
    """Refresh in the background, unless this process does so already."""
    now = ctx.now()
    flight, started = ctx.node.join(
        ctx.node.flights,
        query.key,
        query.shape.fingerprint,
        now=now,
        owned_for=query.policy.owned_for,
        background=True,
    )
    if started:
        plan = Plan(mode=Mode.REFRESH, rejected=hit.identity, previous=hit.form)
        started = yield from _start(ctx, flight, query, plan, now, inline=False)
    return flight, started


def fly(
    ctx: Context, query: Query[V], plan: Plan, begun: float, deadline: float
) -> Flow[Ending[V]]:
    """Join the key's flight, or start it, until it lands or the deadline is there."""
    policy = query.policy
    while True:
        if ctx.closed():
            msg = f"the cache {ctx.cache!r} was closed while {query.key!r} was loading"
            raise Closed(msg)
        check_own_lease(ctx, query.key, policy, bypass=query.bypass)
        now = ctx.now()
        failure = ctx.node.holds.failure_of(query.key, now)
        if failure is not None and plan.mode is not Mode.FORCE and not query.bypass:
            return failure
        flight, leads = ctx.node.join(
            ctx.node.flights,
            query.key,
            query.shape.fingerprint,
            now=now,
            owned_for=policy.owned_for,
            alone=query.alone,
        )
        if leads:
            # Out of time, Redis may have been asked nothing.
            flight.cold = plan.cold and now < deadline
        # From before the start, for an inline load runs within it.
        with _waiting(ctx, flight):
            if leads:
                inline = policy.run_in is RunIn.CALLER
                yield from _start(ctx, flight, query, plan, deadline, inline=inline)
            landing = yield from Await(flight.latch, deadline - ctx.now())
        if not leads:
            ctx.tracing.waited(Scope.PROCESS, flight.link, ctx.now() - now)
        ending = _ending(ctx, query, plan, landing, begun, leads=leads)
        if ending is not None:
            return ending
        # Handed over, too old, or its loop is gone; else the caller has waited enough.
        again = landing is not None or flight.latch.orphaned()
        if not again or ctx.now() >= deadline:
            raise too_late(query, flight, landing)
        plan = plan.again()


def _ending(
    ctx: Context,
    query: Query[V],
    plan: Plan,
    landing: Landing | None,
    begun: float,
    *,
    leads: bool,
) -> Ending[V] | None:
    """Turn a landing into this caller's ending; None if it is none.

    Nor is it one for a refresh if it is from before that began: the load that was
    waited for may have died, or the one that was joined merely read.
    """
    refreshes = plan.mode is Mode.FORCE
    match landing:
        case Adopted(made_at=made_at) if refreshes and made_at < begun:
            return None
        case Failed(elsewhere=True) if refreshes and not leads:
            return None
        case Failed():
            return landing
        case Loaded() | Adopted():
            return outcome_of(ctx, query, landing, begun, leads=leads)
        case _:
            return None


def _landed_meanwhile(ctx: Context, query: Query[V], flight: Flight) -> bool:
    """Land *flight* at once if a load ended between our look and its start."""
    now = ctx.now()
    fingerprint = query.shape.fingerprint
    kept = fresh_in_memory(ctx, query.key, query.policy, fingerprint, now)
    if kept is None:
        return False
    ctx.node.land(flight, Adopted(kept.form, kept.written_at, tier=Tier.MEMORY))
    return True


def _start(
    ctx: Context,
    flight: Flight,
    query: Query[V],
    plan: Plan,
    deadline: float,
    *,
    inline: bool,
) -> Flow[bool]:
    """Start the load of *flight*; False if memory has had its value meanwhile."""
    looks = plan.mode is not Mode.FORCE and not query.bypass
    try:
        if looks and _landed_meanwhile(ctx, query, flight):
            return False
        flow = load(ctx, query, flight, plan, deadline, inline=inline)
        yield from Spawn(flow, flight.latch, inline=inline)
        return True
    except BaseException:
        # A signal handler may raise anywhere: nobody is to wait for what never began.
        ctx.node.give_up(flight, Handover("its load could not be started"))
        raise


def _waiting(ctx: Context, flight: Flight) -> AbstractContextManager[None]:
    """Let the load that this lookup is part of be seen to wait for *flight*."""
    parent = CURRENT.get()
    return NO_LOAD if parent is None else ctx.node.waiting(parent.flight, flight)
