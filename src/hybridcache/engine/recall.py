"""Read the two tiers: what memory holds, trusted or checked, and what Redis holds.

Nothing that Redis holds is believed before it is parsed for this key and shape; what
will not do is reported and handed on as something to reject.
"""

from typing import TypeVar

from hybridcache.core import blob
from hybridcache.core.errors import Undecodable
from hybridcache.core.outcome import Tier
from hybridcache.core.policy import Policy
from hybridcache.engine.answers import Hit, Missing
from hybridcache.engine.command import Await, Flow
from hybridcache.engine.context import OUT_OF_TIME, Context, Query, Remote, ask
from hybridcache.engine.entry_requests import Found, Read
from hybridcache.engine.form import Form, Whole, held
from hybridcache.engine.kept import OVERHEAD, Kept
from hybridcache.engine.names import Names
from hybridcache.engine.poison import Fill
from hybridcache.engine.readings import Answer, Reading
from hybridcache.engine.request import Fault

V = TypeVar("V")


def fresh_in_memory(
    ctx: Context, key: str, policy: Policy, fingerprint: bytes, now: float
) -> Kept | None:
    """Return a record that can be served with nothing else to do, if there is one.

    This is the path of a memory hit: no lock, no generator, no record of an outcome.
    """
    node = ctx.node
    kept = node.recall(key, fingerprint, now)
    if kept is None or not node.trusts(kept):
        return None
    return kept if now < fresh_until(kept, policy) else None


def fresh_until(kept: Kept, policy: Policy) -> float:
    """Return the instant at which *kept* is due, stale or gone."""
    ahead = policy.refresh_ahead
    share = 1.0 if ahead is None else ahead
    return min(kept.written_at + share * kept.fresh_for, kept.expires_at)


def recall(ctx: Context, query: Query[V], deadline: float) -> Flow[Hit | None]:
    """Return what memory holds; a suspect record is checked with Redis first."""
    kept = ctx.node.recall(query.key, query.shape.fingerprint, ctx.now())
    if kept is None:
        return None
    if ctx.redis is not None and not ctx.node.trusts(kept):
        stands = yield from _still_stands(ctx, ctx.redis, query, kept, deadline)
        if not stands:
            ctx.node.forget(kept)
            return None
    return Hit(
        kept.form,
        Tier.MEMORY,
        kept.written_at,
        kept.fresh_for,
        kept.ttl,
        kept.identity,
    )


def _still_stands(
    ctx: Context, redis: Remote, query: Query[V], kept: Kept, deadline: float
) -> Flow[bool]:
    """Ask Redis whether it still holds this very entry; yes if it cannot answer.

    One caller asks; those who come meanwhile wait for what it learns.
    """
    node = ctx.node
    reader = ctx.reader + query.shape.fingerprint
    while (now := ctx.now()) < deadline:
        until = now + redis.timeout
        check = node.read(node.checks, query.key, reader, now, until)
        if isinstance(check, Reading):
            return (yield from _check(ctx, redis, query, kept, check, deadline))
        stands = yield from Await(check, min(redis.timeout, deadline - now))
        if stands is not None:
            return stands
    return True


def _check(
    ctx: Context,
    redis: Remote,
    query: Query[V],
    kept: Kept,
    check: Reading[bool],
    deadline: float,
) -> Flow[bool]:
    learnt: bool | None = None
    try:
        marker = _unknown_marker(ctx)
        read = Read(query.names(redis), marker=marker, header_only=True)
        answer = yield from ask(ctx, redis, read, deadline)
        if isinstance(answer, Fault):
            # Out of time, this caller learnt nothing for those who have more.
            learnt = True if ctx.now() < deadline else None
            return True
        learnt = same_entry(ctx, kept, answer)
        if learnt:
            ctx.node.vouch(kept, check.fill)
        return learnt
    finally:
        # Nothing, if the caller that checked was cancelled: a follower checks then.
        ctx.node.end_read(ctx.node.checks, check, learnt)


def same_entry(ctx: Context, kept: Kept, found: Found) -> bool:
    """Whether the header that Redis holds is of the very entry that *kept* is."""
    if not kept.identity or found.blob is None:
        return False
    return (
        blob.identity(found.blob) == kept.identity
        and len(found.blob) == blob.HEADER_SIZE
        and found.blob[blob.STAMP_AT : blob.STAMP_AT + blob.STAMP_SIZE]
        == wanted_stamp(ctx, found)
    )


def loads_from_cold(ctx: Context, query: Query[V]) -> bool:
    """Whether this process loads the key already and Redis is known to be empty.

    Only while messages arrive can nothing have passed that the flight missed.
    """
    if not len(ctx.node.flights) or query.alone or not ctx.node.whole:
        return False
    with ctx.node.lock:
        flight = ctx.node.flights.find(query.key, ctx.now())
    return (
        flight is not None
        and flight.cold
        and flight.fingerprint == query.shape.fingerprint
    )


def fetch(
    ctx: Context, redis: Remote, query: Query[V], deadline: float
) -> Flow[Answer]:
    """Read the entry from Redis and adopt it into memory.

    One caller reads; those who come meanwhile wait for what it learns. An invalidation
    lets go of the read: who comes after it reads anew.
    """
    node = ctx.node
    while True:
        barred = node.gate.barred()
        if barred is not None:
            # Redis is down: nothing to prepare.
            return barred
        now = ctx.now()
        if now >= deadline:
            return OUT_OF_TIME
        reader = ctx.reader + query.shape.fingerprint
        until = now + redis.timeout
        reading = node.read(node.readings, query.key, reader, now, until)
        if not isinstance(reading, Reading):
            shared = yield from Await(reading, min(redis.timeout, deadline - now))
            if shared is None:
                continue
            return shared.for_another() if isinstance(shared, Hit) else shared
        learnt: Answer | None = None
        try:
            names = query.names(redis)
            read = Read(names, _unknown_marker(ctx))
            found = yield from ask(ctx, redis, read, deadline)
            if isinstance(found, Fault):
                # Out of time, this caller learnt nothing for those who have more.
                learnt = found if ctx.now() < deadline else None
                return found
            learnt = adopt(ctx, names, query, found, reading.fill, now)
            return learnt
        finally:
            # Nothing, if the caller that read was cancelled: a follower reads then.
            node.end_read(node.readings, reading, learnt)


def adopt(
    ctx: Context,
    names: Names,
    query: Query[V],
    found: Found,
    fill: Fill,
    sent_at: float,
) -> Hit | Missing:
    """Judge what Redis holds; keep it in memory for the life that it has left."""
    if found.blob is None:
        return Missing()
    identity = blob.identity(found.blob)
    try:
        header, body = blob.parse(found.blob, names.entry, query.shape.fingerprint)
        if header.stamp != wanted_stamp(ctx, found):
            # Cleared since: no damage, so nothing to report.
            return Missing(identity)
        # The age by Redis's clock, and all of the round trip on top: never too young.
        age = blob.age(header, found.now_us)
        value = query.shape.decode(body)
    except Undecodable as error:
        ctx.undecodable(error.reason if found.blob else "type")
        return Missing(identity)
    form: Form[V] = held(value, body, query.shape, share=query.policy.share)
    hit = Hit(
        form,
        Tier.REDIS,
        sent_at - age,
        header.fresh_for,
        header.ttl,
        identity,
        opened=None if isinstance(form, Whole) else Whole(value),
    )
    if age < header.ttl and ctx.node.tier is not None:
        kept = kept_of(ctx, query, len(body), hit, header.version)
        ctx.node.keep(kept, fill, ctx.now(), confirmed=True)
    return hit


def kept_of(
    ctx: Context,
    query: Query[V],
    size: int,
    hit: Hit,
    version: int,
) -> Kept:
    """Make a record for memory, with the shortest of the lives that bound it."""
    node = ctx.node
    lives = (hit.ttl, query.policy.memory_ttl, node.max_ttl)
    now = ctx.now()
    bounds = [life for life in lives[1:] if life is not None]
    return Kept(
        key=(node.namespace, query.key),
        size=size + OVERHEAD,
        expires_at=min([hit.written_at + hit.ttl, *(now + life for life in bounds)]),
        form=hit.form,
        fingerprint=query.shape.fingerprint,
        written_at=hit.written_at,
        fresh_for=hit.fresh_for,
        ttl=hit.ttl,
        version=version,
        identity=hit.identity,
    )


def _unknown_marker(ctx: Context) -> str | None:
    """Name the marker, if this node does not know for certain what it is."""
    channel = ctx.node.channel
    if channel is None or (ctx.node.whole and ctx.node.marker is not None):
        return None
    return channel.marker


def wanted_stamp(ctx: Context, found: Found) -> bytes | None:
    """Return the marker that an entry must be stamped with; None fits no entry."""
    if ctx.node.whole and ctx.node.marker is not None:
        return blob.stamp_of(ctx.node.marker)
    return None if found.marker is None else blob.stamp_of(found.marker)
