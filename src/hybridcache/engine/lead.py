"""Run the loader and put what it made where it belongs.

The leader's half of a load: with a token that stands, the value goes to Redis first
and then to memory; without one, to memory alone.
"""

from typing import TypeVar, cast

import attrs

from hybridcache.core import blob
from hybridcache.core.decision import jittered
from hybridcache.core.errors import Unencodable
from hybridcache.core.outcome import Tier
from hybridcache.core.policy import LONGEST
from hybridcache.core.reply import NoStore, NotModified, Store
from hybridcache.engine import records
from hybridcache.engine.answers import Hit
from hybridcache.engine.command import CallLoader, Flow
from hybridcache.engine.context import NOWHERE, Context, Query, Remote, ask
from hybridcache.engine.current import CurrentLoad, Raised
from hybridcache.engine.entry_requests import Lost, Write, Written
from hybridcache.engine.events import LoadEnded, StoreEnded
from hybridcache.engine.flights import Failed, Flight, Landing, Loaded
from hybridcache.engine.form import Form, Shape, Whole, held, normalised
from hybridcache.engine.lease_requests import LEASE_MS, Mode, Settle
from hybridcache.engine.leases import Lease
from hybridcache.engine.names import Names
from hybridcache.engine.plan import Plan
from hybridcache.engine.recall import kept_of
from hybridcache.engine.request import Fault, Trouble

V = TypeVar("V")

LEASE_SECONDS = LEASE_MS / 1000


@attrs.frozen
class Claimed:
    """The lease is ours, under *token*; what the load makes bears *stamp*."""

    names: Names
    token: str
    stamp: bytes


@attrs.frozen
class Unclaimed:
    """There is no lease: nothing may be written to Redis. *cause* if it is down."""

    cause: str | None = None


@attrs.frozen
class Life:
    """How long a value is fresh and how long it lives, seconds."""

    fresh_for: float
    ttl: float


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
    if ctx.heard:
        ctx.observe(LoadEnded(ctx.cache, query.function, _result(landing), seconds))
    return landing


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
    retry_after = 0.0
    if plan.mode is Mode.REFRESH:
        retry_after = policy.retry_after
        ctx.node.hold_off(query.key, now + retry_after, now)
    if policy.error_ttl > 0.0 and not query.bypass:
        ctx.node.fail(query.key, landing, now + policy.error_ttl, now)
    if isinstance(claim, Claimed) and ctx.redis is not None:
        record = records.of_failure(raised.error)
        yield from _settle(
            ctx,
            ctx.redis,
            claim,
            record,
            error_ttl=policy.error_ttl,
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
        ctx.node.hold_off(query.key, now + policy.retry_after, now)
    value, lives = _value_and_lives(query, plan, reply)
    body, form = _encoded(ctx, query, value)
    # Invalidated meanwhile, perhaps without Redis hearing of it: kept nowhere.
    spoiled = flight.fill.spoiled
    too_large = ctx.redis is not None and len(body or b"") > ctx.redis.max_value_bytes
    if too_large:
        error_text = f"its encoding has {len(body or b'')} bytes"
        ctx.warn(query.function or query.key, Unencodable(error_text))
        ctx.observe(StoreEnded(ctx.cache, Tier.REDIS, "too-large"))
    if body is None or lives is None or too_large or spoiled or query.bypass:
        if isinstance(claim, Claimed) and ctx.redis is not None:
            record = b"" if body is None or spoiled else _record(query, body)
            yield from _settle(ctx, ctx.redis, claim, record)
        return Loaded(form, seconds, NOWHERE, cause)
    life = Life(jittered(lives.fresh_for, policy, draw=ctx.draw()), lives.ttl)
    stored = yield from _store(ctx, query, flight, claim, form, body, life)
    return Loaded(form, seconds, stored, cause)


def _record(query: Query[V], body: bytes) -> bytes:
    return records.of_value(body, query.shape.fingerprint)


def _value_and_lives(
    query: Query[V], plan: Plan, reply: object
) -> tuple[object, Life | None]:
    """Take the value out of a reply, and how long it lives; None: keep it nowhere."""
    policy = query.policy
    match reply:
        case NoStore(value):
            return value, None
        case NotModified():
            # Checked by the caller: there is a previous value.
            value = None if plan.previous is None else plan.previous.open()
            return value, Life(policy.fresh_for, policy.ttl)
        case Store(value):
            fresh_for = policy.fresh_for if reply.fresh_for is None else reply.fresh_for
            ttl = max(policy.ttl, fresh_for) if reply.ttl is None else reply.ttl
            if ttl <= 0.0:
                return value, None
            ttl = min(ttl, LONGEST)
            return value, Life(min(fresh_for, ttl), ttl)
        case _:
            return reply, Life(policy.fresh_for, policy.ttl)


def _encoded(
    ctx: Context, query: Query[V], value: object
) -> tuple[bytes | None, Form[object]]:
    """Encode a value and choose its form; no bytes if it cannot be encoded."""
    # What a loader returns is checked at every node by the shape, at run time.
    shape = cast("Shape[object]", query.shape)
    try:
        normal, body = normalised(value, shape)
    except Unencodable as error:
        ctx.warn(query.function or query.key, error)
        ctx.observe(StoreEnded(ctx.cache, Tier.LOADER, "unencodable"))
        return None, Whole(value)
    share = query.policy.share
    return body, held(value if share else normal, body, shape, share=share)


def _store(
    ctx: Context,
    query: Query[V],
    flight: Flight,
    claim: Claimed | Unclaimed,
    form: Form[object],
    body: bytes,
    life: Life,
) -> Flow[frozenset[Tier]]:
    """Write to Redis if the token stands, then to memory; say which tiers took it."""
    stored: set[Tier] = set()
    version, identity = 0, b""
    sent_at = ctx.now()
    confirmed = True
    channel = ctx.node.channel
    if isinstance(claim, Unclaimed):
        confirmed = claim.cause is None
    elif ctx.redis is not None and channel is not None:
        rest = blob.rest(
            fresh_for=life.fresh_for,
            ttl=life.ttl,
            stamp=claim.stamp,
            fingerprint=query.shape.fingerprint,
            body=body,
        )
        request = Write(claim.names, claim.token, channel, life.ttl, rest)
        answer: Written | Lost | Fault = yield from ask(ctx, ctx.redis, request)
        match answer:
            case Written(version=version, instant_us=instant):
                identity = blob.identity_of(
                    claim.names.entry, version=version, instant_us=instant
                )
                stored.add(Tier.REDIS)
                ctx.observe(StoreEnded(ctx.cache, Tier.REDIS, "stored"))
            case Lost():
                ctx.observe(StoreEnded(ctx.cache, Tier.REDIS, "lost"))
                return NOWHERE
            case Fault(trouble=trouble):
                confirmed = trouble is Trouble.REFUSED
                ctx.node.leases.unwanted(
                    claim.names, claim.token, ctx.now() + LEASE_SECONDS
                )
                ctx.observe(StoreEnded(ctx.cache, Tier.REDIS, trouble.value))
    if ctx.node.tier is None:
        return frozenset(stored)
    hit = Hit(form, Tier.LOADER, sent_at, life.fresh_for, life.ttl, identity)
    kept = kept_of(ctx, query, len(body), hit, version)
    if ctx.node.keep(kept, flight.fill, ctx.now(), confirmed=confirmed):
        stored.add(Tier.MEMORY)
        ctx.observe(StoreEnded(ctx.cache, Tier.MEMORY, "stored"))
    else:
        ctx.observe(StoreEnded(ctx.cache, Tier.MEMORY, "not-kept"))
    return frozenset(stored)
