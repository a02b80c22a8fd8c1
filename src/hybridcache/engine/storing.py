"""Put what a loader made where it belongs: Redis while the token stands, then memory."""

from typing import TypeVar, cast

import attrs

from hybridcache.core import blob
from hybridcache.core.errors import Unencodable
from hybridcache.core.outcome import Tier
from hybridcache.core.policy import LONGEST
from hybridcache.core.reply import NoStore, NotModified, Store
from hybridcache.engine.answers import Hit
from hybridcache.engine.command import Flow
from hybridcache.engine.context import NOWHERE, Context, Query, ask
from hybridcache.engine.entry_requests import Lost, Write, Written
from hybridcache.engine.events import StoreEnded
from hybridcache.engine.flights import Flight
from hybridcache.engine.form import Form, Shape, Whole, held, normalised
from hybridcache.engine.lease_requests import LEASE_MS
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


def value_and_lives(
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


def encoded(
    ctx: Context, query: Query[V], value: object
) -> tuple[bytes | None, Form[object]]:
    """Encode a value and choose its form; no bytes if it cannot be encoded."""
    # What a loader returns is checked at every node by the shape, at run time.
    shape = cast("Shape[object]", query.shape)
    try:
        normal, body = normalised(value, shape)
    except Unencodable as error:
        ctx.warn(query.function or "a loader", error)
        ctx.observe(StoreEnded(ctx.cache, Tier.LOADER, "unencodable"))
        return None, Whole(value)
    share = query.policy.share
    return body, held(value if share else normal, body, shape, share=share)


def store(
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
