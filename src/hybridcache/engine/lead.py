"""Run the loader and put what it made where it belongs.

The leader's half of a load: with a token that stands, the value goes to Redis first
and then to memory; without one, to memory alone.
"""

from typing import TypeVar

from hybridcache.core.decision import jittered
from hybridcache.core.errors import Unencodable
from hybridcache.core.outcome import Tier
from hybridcache.core.reply import NotModified
from hybridcache.engine import records
from hybridcache.engine.command import CallLoader, Flow
from hybridcache.engine.context import NOWHERE, Context, Query, Remote, ask
from hybridcache.engine.current import CurrentLoad, Raised
from hybridcache.engine.events import LoadEnded, StoreEnded
from hybridcache.engine.flights import Failed, Flight, Landing, Loaded
from hybridcache.engine.lease_requests import Mode, Settle
from hybridcache.engine.leases import Lease
from hybridcache.engine.plan import Plan
from hybridcache.engine.request import Fault
from hybridcache.engine.storing import (
    LEASE_SECONDS,
    Claimed,
    Life,
    Unclaimed,
    encoded,
    store,
    value_and_lives,
)

V = TypeVar("V")


def lead(
    ctx: Context,
    query: Query[V],
    flight: Flight,
    plan: Plan,
    claim: Claimed | Unclaimed,
    *,
    inline: bool,
) -> Flow[Landing]:
    """Call the loader, store what it made, and say how the flight lands."""
    with ctx.tracing.load(query.function, query.key) as span:
        flight.link = span.link
        landing = yield from _lead(ctx, query, flight, plan, claim, inline=inline)
        error = landing.error if isinstance(landing, Failed) else None
        span.ended(_result(landing), error)
    return landing


def _lead(
    ctx: Context,
    query: Query[V],
    flight: Flight,
    plan: Plan,
    claim: Claimed | Unclaimed,
    *,
    inline: bool,
) -> Flow[Landing]:
    begun = ctx.now()
    ctx.node.begin_load(flight)
    if isinstance(claim, Claimed):
        lease = Lease(claim.names, claim.token, flight.abandon_at, flight)
        ctx.node.leases.hold(lease)
    ended = False
    try:
        answer = yield from _call(query, flight, plan, inline=inline)
        seconds = ctx.now() - begun
        landing: Landing
        if isinstance(answer, Raised):
            landing = yield from _failed(ctx, query, plan, claim, answer)
        else:
            landing = yield from _made(ctx, query, flight, plan, claim, answer, seconds)
        ended = True
    finally:
        if isinstance(claim, Claimed):
            if ended:
                ctx.node.leases.drop(claim.token)
            else:
                ctx.node.leases.unwanted(claim.names, claim.token, flight.abandon_at)
    result, error = _result(landing), error_of(landing)
    ctx.observe(LoadEnded(ctx.cache, query.function, result, seconds, error))
    return landing


def error_of(landing: Landing) -> str:
    """Return the type of what the loader raised, or nothing."""
    return type(landing.error).__qualname__ if isinstance(landing, Failed) else ""


def _result(landing: Landing) -> str:
    if isinstance(landing, Loaded):
        return "stored" if landing.stored else "unstored"
    return "error"


def _call(query: Query[V], flight: Flight, plan: Plan, *, inline: bool) -> Flow[object]:
    previous = None if plan.previous is None else plan.previous.open()
    current = CurrentLoad(
        query.key,
        previous,
        flight.abandon_at,
        plan.mode is Mode.REFRESH,
        flight,
    )
    answer = yield from CallLoader(query.loader, current, inline=inline)
    return answer


def _failed(
    ctx: Context,
    query: Query[V],
    plan: Plan,
    claim: Claimed | Unclaimed,
    raised: Raised,
) -> Flow[Failed]:
    """Tell the other processes and hold the key as the policy says."""
    policy = query.policy
    now = ctx.now()
    landing = Failed(raised.error, raised.traceback)
    # One that asks a thread or a process to end is no answer to who asks later.
    error_ttl = policy.error_ttl if isinstance(raised.error, Exception) else 0.0
    retry_after = 0.0
    if plan.mode is Mode.REFRESH:
        retry_after = policy.retry_after
        ctx.node.holds.hold_off(query.key, now + retry_after, now)
    if error_ttl > 0.0 and not query.bypass:
        ctx.node.holds.fail(query.key, landing, now + error_ttl, now)
    if isinstance(claim, Claimed) and ctx.redis is not None:
        record = records.of_failure(claim.stamp, raised.error)
        yield from _settle(
            ctx,
            ctx.redis,
            claim,
            record,
            error_ttl=error_ttl,
            retry_after=retry_after,
        )
    return landing


def _settle(
    ctx: Context,
    redis: Remote,
    claim: Claimed,
    record: bytes,
    *,
    error_ttl: float = 0.0,
    retry_after: float = 0.0,
) -> Flow[None]:
    """Give the lease back without an entry."""
    channel = ctx.node.channel
    if channel is None:
        return
    request = Settle(
        claim.names,
        claim.token,
        channel,
        record=record,
        error_ttl=error_ttl,
        retry_after=retry_after,
    )
    answer = yield from ask(ctx, redis, request)
    if isinstance(answer, Fault):
        ctx.node.leases.unwanted(claim.names, claim.token, ctx.now() + LEASE_SECONDS)


def _made(
    ctx: Context,
    query: Query[V],
    flight: Flight,
    plan: Plan,
    claim: Claimed | Unclaimed,
    reply: object,
    seconds: float,
) -> Flow[Landing]:
    """Store what the loader made, as far as it may be and can be."""
    policy = query.policy
    cause = claim.cause if isinstance(claim, Unclaimed) else None
    if isinstance(reply, NotModified) and plan.previous is None:
        msg = (
            f"the loader of {query.key!r} returned NotModified() for no previous value"
        )
        error = TypeError(msg)
        return (yield from _failed(ctx, query, plan, claim, Raised(error, None)))
    if plan.mode is Mode.REFRESH and cause is not None:
        now = ctx.now()
        ctx.node.holds.hold_off(query.key, now + policy.retry_after, now)
    value, lives = value_and_lives(query, plan, reply)
    body, form = encoded(ctx, query, value)
    # Invalidated meanwhile, perhaps without Redis hearing of it: kept nowhere.
    spoiled = flight.fill.spoiled
    too_large = ctx.redis is not None and len(body or b"") > ctx.redis.max_value_bytes
    if too_large:
        error_text = f"its encoding has {len(body or b'')} bytes"
        ctx.warn(query.function or "a loader", Unencodable(error_text))
        ctx.observe(StoreEnded(ctx.cache, Tier.REDIS, "too-large"))
    if body is None or lives is None or too_large or spoiled or query.bypass:
        if isinstance(claim, Claimed) and ctx.redis is not None:
            record = b""
            if body is not None and not spoiled:
                fingerprint = query.shape.fingerprint
                record = records.of_value(claim.stamp, body, fingerprint)
            yield from _settle(ctx, ctx.redis, claim, record)
        return Loaded(form, seconds, NOWHERE, cause)
    life = Life(jittered(lives.fresh_for, policy, draw=ctx.draw()), lives.ttl)
    stored = yield from store(ctx, query, flight, claim, form, body, life)
    return Loaded(form, seconds, stored, cause)
