"""Take a key's lease, or wait for who holds it, or find that neither is needed."""

import math
from contextlib import nullcontext
from typing import Final, TypeVar

import attrs

from hybridcache.core import blob
from hybridcache.core.decision import Fresh, assess
from hybridcache.core.errors import LoadFailedElsewhere, ReentrantLoad, Undecodable
from hybridcache.core.outcome import Scope
from hybridcache.core.policy import Suppress
from hybridcache.engine import records
from hybridcache.engine.answers import Missing
from hybridcache.engine.channel_requests import ReadMarker
from hybridcache.engine.command import Await, Flow
from hybridcache.engine.context import Context, Query, Remote, ask
from hybridcache.engine.entry_requests import Found
from hybridcache.engine.flights import Adopted, Failed, Flight, Handover, Landing
from hybridcache.engine.form import held
from hybridcache.engine.latch import Latch
from hybridcache.engine.lease_requests import (
    Acquire,
    Granted,
    Held,
    HeldOff,
    Mode,
    Record,
    term_ms,
)
from hybridcache.engine.names import Names
from hybridcache.engine.plan import Plan
from hybridcache.engine.recall import adopt
from hybridcache.engine.request import Fault, Trouble
from hybridcache.engine.storing import Claimed, Unclaimed

V = TypeVar("V")

# A waiter that cannot rely on messages asks again this often, seconds.
POLL_EVERY = 0.2
# A refresh is left to the process that is at it for this long before a second look,
# should the message that it ended be lost, seconds.
LEFT_FOR = 1.0
HELD_ELSEWHERE: Final = nullcontext()


@attrs.frozen
class Quest:
    """How far the taking of a lease has come.

    Attributes:

        rejected: Identity of the entry in Redis that will not do.

        awaited: Token of the load that is waited for, if any.

        awaited_at: When that load was known to run, on this process's clock.

        heedless: Whether records of failures are passed over: one was undecodable.
    """

    rejected: bytes
    awaited: str | None = None
    awaited_at: float = -math.inf
    heedless: bool = False


def claim(
    ctx: Context,
    redis: Remote,
    query: Query[V],
    flight: Flight,
    plan: Plan,
    deadline: float,
) -> Flow[Claimed | Unclaimed | Landing]:
    """Ask for the lease until it is ours or not needed, at most until *deadline*."""
    token = ctx.token()
    step: Claimed | Unclaimed | Landing | Quest = Quest(plan.rejected)
    try:
        while isinstance(step, Quest):
            if ctx.now() >= flight.abandon_at:
                # A load that began now would have no time of its own, and no lease.
                return Handover("it was given up before its load could begin")
            step = yield from _ask_once(
                ctx, redis, query, flight, plan, step, token, deadline
            )
    finally:
        if isinstance(step, Quest):
            # Ended from outside: Redis may have granted the lease meanwhile. What was
            # given up ended with its lease.
            names = query.names(redis)
            ctx.node.leases.unwanted(names, token, flight.abandon_at)
    return step


def _ask_once(
    ctx: Context,
    redis: Remote,
    query: Query[V],
    flight: Flight,
    plan: Plan,
    quest: Quest,
    token: str,
    deadline: float,
) -> Flow[Claimed | Unclaimed | Landing | Quest]:
    """Ask for the lease, and wait where another load holds it."""
    names = query.names(redis)
    # Registered before Redis is asked: no message can be lost between.
    watch = ctx.node.watches.add(query.key)
    try:
        sent_at = ctx.now()
        request = _request(
            query, plan, names, token, quest, flight.abandon_at - sent_at
        )
        answer = yield from ask(ctx, redis, request)
        marker = b""
        if isinstance(answer, Granted | Found | Record):
            # The script's slot is the key's: it cannot tell the marker along.
            told = yield from _marker(ctx, redis)
            if isinstance(told, Fault):
                return _unclaimed(ctx, names, flight, token, told, granted=True)
            marker = told
        match answer:
            case Granted():
                # This process may have stood still: then the lease has run out, and
                # another may have taken it. It is asked for again.
                lasts = ctx.now() - sent_at < request.lease_ms / 1000
                # Known before the load begins: what it makes is stamped with it.
                stamp = blob.stamp_of(marker)
                return Claimed(names, token, stamp) if lasts else quest
            case Held():
                # Another process's, or a load's of this one whose flight a clear let
                # go of: then that wait is seen, too.
                holder = ctx.node.leases.holder(answer.token)
                with (
                    HELD_ELSEWHERE
                    if holder is None
                    else ctx.node.waiting(flight, holder)
                ):
                    return (
                        yield from _wait(
                            ctx, query, plan, quest, answer, sent_at, watch, deadline
                        )
                    )
            case Found():
                found = attrs.evolve(answer, marker=marker)
                return _found(ctx, names, query, found, flight, sent_at, quest)
            case Record():
                stamp = blob.stamp_of(marker)
                return _told(ctx, redis, query, answer, quest, stamp, deadline)
            case HeldOff(left=left):
                now = ctx.now()
                ctx.node.holds.hold_off(query.key, now + left, now)
                return Handover("held off after a failure elsewhere")
            case Fault():
                return _unclaimed(ctx, names, flight, token, answer, granted=False)
    except ReentrantLoad as error:
        # Those who closed the cycle are told when they ask again, the others wait on.
        return Handover(str(error))
    finally:
        ctx.node.watches.remove(query.key, watch)


def _request(
    query: Query[V],
    plan: Plan,
    names: Names,
    token: str,
    quest: Quest,
    owned_for: float,
) -> Acquire:
    return Acquire(
        names,
        token,
        mode=Mode.FORCE if quest.heedless else plan.mode,
        rejected=quest.rejected,
        entry_will_do=plan.mode is not Mode.FORCE or quest.awaited is not None,
        waits=True,
        takes=query.policy.suppress is not Suppress.CLUSTER,
        awaited=quest.awaited,
        lease_ms=term_ms(owned_for),
    )


def _unclaimed(
    ctx: Context,
    names: Names,
    flight: Flight,
    token: str,
    fault: Fault,
    *,
    granted: bool,
) -> Unclaimed:
    """Do without the lease, and have it given back where it may have been granted."""
    if granted or fault.unsure or fault.trouble is Trouble.DOWN:
        ctx.node.leases.unwanted(names, token, flight.abandon_at)
    return Unclaimed(fault.cause if fault.trouble is Trouble.DOWN else None)


def _wait(
    ctx: Context,
    query: Query[V],
    plan: Plan,
    quest: Quest,
    held_by: Held,
    asked_at: float,
    watch: Latch[str],
    deadline: float,
) -> Flow[Quest | Handover]:
    """Wait for a message about the key, at most for the rest of the lease.

    A refresh does not wait: the message, or a while, lets the next hit try again.
    """
    if plan.mode is Mode.REFRESH:
        until = ctx.now() + min(held_by.left, LEFT_FOR)
        ctx.node.holds.leave_to_another(query.key, until)
        return Handover("another process loads it")
    left = min(held_by.left, deadline - ctx.now())
    if not ctx.node.whole:
        left = min(left, POLL_EVERY)
    if left > 0.0:
        begun = ctx.now()
        yield from Await(watch, left)
        ctx.tracing.waited(Scope.CLUSTER, None, ctx.now() - begun)
    if ctx.now() >= deadline:
        return Handover("another process's load takes longer")
    return attrs.evolve(quest, awaited=held_by.token, awaited_at=asked_at)


def _marker(ctx: Context, redis: Remote) -> Flow[bytes | Fault]:
    """Return the marker, asked for where this node does not know it for certain."""
    channel = ctx.node.channel
    marker = ctx.node.marker if ctx.node.whole else None
    if marker is not None or channel is None:
        return marker or b""
    return (yield from ask(ctx, redis, ReadMarker(channel, ctx.token())))


def _found(
    ctx: Context,
    names: Names,
    query: Query[V],
    found: Found,
    flight: Flight,
    sent_at: float,
    quest: Quest,
) -> Landing | Quest:
    """Take the entry that stands in Redis now, if it will do.

    What was waited for will do until it expires; what merely turned up must be fresh.
    """
    hit = adopt(ctx, names, query, found, flight.fill, sent_at)
    if isinstance(hit, Missing):
        return attrs.evolve(quest, rejected=hit.identity)
    now = ctx.now()
    state = assess(hit, query.policy, now=now)
    if isinstance(state, Fresh) or (quest.awaited is not None and state.age < hit.ttl):
        scope = None if quest.awaited is None else Scope.CLUSTER
        return Adopted(hit.form, now - state.age, scope=scope)
    return attrs.evolve(quest, rejected=hit.identity)


def _told(
    ctx: Context,
    redis: Remote,
    query: Query[V],
    record: Record,
    quest: Quest,
    stamp: bytes,
    deadline: float,
) -> Landing | Quest:
    """Read what another load left, or find out for oneself.

    What was left before a `clear()` counts no more than an entry from before it.
    """
    on_its_own = attrs.evolve(quest, awaited=None, heedless=True)
    try:
        told = records.parse(record.data, query.shape.fingerprint)
        if told.stamp != stamp:
            return on_its_own
        if isinstance(told, records.Value):
            value = query.shape.decode(told.body)
            form = held(value, told.body, query.shape, share=False)
            return Adopted(form, quest.awaited_at, scope=Scope.CLUSTER)
    except Undecodable as error:
        ctx.undecodable(error.reason)
        return on_its_own
    # A waiter sees the real exception, unless it has no time left or the failure holds
    # the key.
    if record.left is not None or deadline - ctx.now() <= redis.timeout:
        return Failed(LoadFailedElsewhere(told.kind, told.message), elsewhere=True)
    return attrs.evolve(quest, awaited=None)
