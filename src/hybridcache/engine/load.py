"""A load, from the lease to the landing: the flow that owns a flight.

It runs on its own, outlives its callers, and settles its flight whatever happens.
Where Redis does not answer it loads without it and writes nothing there.
"""

from typing import TypeVar

from hybridcache.core import blob
from hybridcache.core.decision import Fresh, assess
from hybridcache.core.errors import LoadFailedElsewhere, Undecodable
from hybridcache.core.outcome import Scope
from hybridcache.core.policy import Suppress
from hybridcache.engine import records
from hybridcache.engine.command import Await, Flow
from hybridcache.engine.context import Context, Query, Remote, ask
from hybridcache.engine.events import RefreshEnded
from hybridcache.engine.flights import (
    Adopted,
    Checked,
    Failed,
    Flight,
    Handover,
    Landing,
    Loaded,
)
from hybridcache.engine.form import held
from hybridcache.engine.lead import Claimed, Unclaimed, lead
from hybridcache.engine.plan import Plan
from hybridcache.engine.protocol import (
    Acquire,
    Fault,
    Found,
    Granted,
    Held,
    HeldOff,
    Mode,
    ReadMarker,
    Record,
    Trouble,
)
from hybridcache.engine.recall import Missing, adopt

V = TypeVar("V")

# A waiter that cannot rely on messages asks again this often, seconds.
POLL_EVERY = 0.2


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
    landing: Landing = Handover("its load was ended from outside")
    try:
        landing = yield from _land(ctx, query, flight, plan, deadline, inline=inline)
    except Exception as error:
        # A fault of ours or of a user's codec: those who wait must hear of it.
        landing = Failed(error, error.__traceback__)
        raise
    finally:
        ctx.node.land(flight, landing)
        if plan.mode is Mode.REFRESH:
            ctx.observe(RefreshEnded(ctx.cache, _result(landing)))


def _result(landing: Landing) -> str:
    match landing:
        case Loaded():
            return "loaded"
        case Adopted():
            return "adopted"
        case Failed():
            return "failed"
        case Handover() | Checked():
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
    claim = yield from _claim(ctx, redis, query, flight, plan, deadline)
    if isinstance(claim, Claimed | Unclaimed):
        return (yield from lead(ctx, query, flight, plan, claim, inline=inline))
    return claim


def _claim(
    ctx: Context,
    redis: Remote,
    query: Query[V],
    flight: Flight,
    plan: Plan,
    deadline: float,
) -> Flow[Claimed | Unclaimed | Landing]:
    """Take the lease, or wait for who holds it, or find that neither is needed."""
    names = query.names(redis)
    token = ctx.token()
    rejected = plan.rejected
    awaited: str | None = None
    waits = plan.mode is not Mode.REFRESH
    while True:
        # Registered before Redis is asked: no message can be lost between.
        watch = ctx.node.watch(query.key)
        try:
            sent_at = ctx.now()
            request = Acquire(
                names,
                token,
                mode=plan.mode,
                rejected=rejected,
                entry_will_do=plan.mode is not Mode.FORCE or awaited is not None,
                waits=waits,
                takes=query.policy.suppress is not Suppress.CLUSTER,
                awaited=awaited,
            )
            answer = yield from ask(ctx, redis, request)
            match answer:
                case Granted():
                    return (yield from _stamped(ctx, redis, query, flight, token))
                case Found():
                    landing = _found(
                        ctx, redis, query, answer, flight, sent_at, awaited
                    )
                    if not isinstance(landing, Missing):
                        return landing
                    rejected = landing.identity
                case Held():
                    if not waits:
                        return Handover("another process loads it")
                    awaited = answer.token
                    left = min(answer.left, deadline - ctx.now())
                    if not ctx.node.whole:
                        left = min(left, POLL_EVERY)
                    if left > 0.0:
                        yield from Await(watch, left)
                    if ctx.now() >= deadline:
                        return Handover("another process's load takes longer")
                case HeldOff(left=left):
                    now = ctx.now()
                    ctx.node.hold_off(query.key, now + left, now)
                    return Handover("held off after a failure elsewhere")
                case Record():
                    told = _told(ctx, redis, query, answer, deadline)
                    if told is not None:
                        return told
                    awaited = None
                case Fault():
                    ctx.node.leases.unwanted(names, token, flight.abandon_at)
                    down = answer.trouble is Trouble.DOWN
                    return Unclaimed(answer.cause if down else None)
        finally:
            ctx.node.unwatch(query.key, watch)


def _stamped(
    ctx: Context, redis: Remote, query: Query[V], flight: Flight, token: str
) -> Flow[Claimed | Unclaimed]:
    """Learn the marker before the load begins: what it makes is stamped with it."""
    names = query.names(redis)
    channel = ctx.node.channel
    marker = ctx.node.marker if ctx.node.whole else None
    if marker is None and channel is not None:
        answer = yield from ask(ctx, redis, ReadMarker(channel, ctx.token()))
        if isinstance(answer, Fault):
            ctx.node.leases.unwanted(names, token, flight.abandon_at)
            down = answer.trouble is Trouble.DOWN
            return Unclaimed(answer.cause if down else None)
        marker = answer
    return Claimed(names, token, blob.stamp_of(marker or b""))


def _found(
    ctx: Context,
    redis: Remote,
    query: Query[V],
    found: Found,
    flight: Flight,
    sent_at: float,
    awaited: str | None,
) -> Landing | Missing:
    """Take the entry that stands in Redis now, if it will do.

    What was waited for will do until it expires; what merely turned up must be fresh.
    """
    hit = adopt(ctx, redis, query, found, flight.fill, sent_at)
    if isinstance(hit, Missing):
        return hit
    now = ctx.now()
    state = assess(hit, query.policy, now=now)
    if isinstance(state, Fresh) or (awaited is not None and state.age < hit.ttl):
        scope = None if awaited is None else Scope.CLUSTER
        return Adopted(hit.form, state.age, scope=scope)
    return Missing(hit.identity)


def _told(
    ctx: Context, redis: Remote, query: Query[V], record: Record, deadline: float
) -> Landing | None:
    """Read what another load left; None if this one must find out for itself."""
    try:
        match records.parse(record.data, query.shape.fingerprint):
            case records.Value(body=body):
                value = query.shape.decode(body)
                form = held(value, body, query.shape, share=False)
                return Adopted(form, 0.0, scope=Scope.CLUSTER)
            case records.Failure(kind=kind, message=message):
                # A waiter sees the real exception, unless it has no time left or
                # the failure holds the key.
                no_time = deadline - ctx.now() <= redis.timeout
                if record.left is not None or no_time:
                    return Failed(LoadFailedElsewhere(kind, message))
    except Undecodable as error:
        ctx.undecodable(error.reason)
    return None
