"""Look at one key in all places, change nothing, and say what a lookup would do.

No entry is adopted, no read counted, no lease taken, no marker made; nor does what
comes of asking Redis count for or against it.
"""

from hybridcache.core.explanation import Explanation, Hold, RunningLoad
from hybridcache.core.shown_entry import InMemory
from hybridcache.engine.circle import circle_of
from hybridcache.engine.command import Ask, Flow
from hybridcache.engine.context import Context, Remote
from hybridcache.engine.entry_requests import Found
from hybridcache.engine.flights import Flight
from hybridcache.engine.foresee import Circle, Side, Sight, foresee
from hybridcache.engine.inquiry import Inquiry
from hybridcache.engine.inspect_requests import Inspect, Inspected
from hybridcache.engine.kept import Kept
from hybridcache.engine.names import Channel, Names, names_of
from hybridcache.engine.recall import same_entry
from hybridcache.engine.request import Fault
from hybridcache.engine.standing import (
    Standing,
    aged,
    header_of,
    lease_of,
    recorded_failure,
    standing_of,
)


def explain(ctx: Context, inquiry: Inquiry) -> Flow[Explanation]:
    """Say what the tiers hold of a key and what a lookup would do."""
    redis, channel = ctx.redis, ctx.node.channel
    names, standing, down = None, None, ""
    if redis is not None and channel is not None:
        names = names_of(redis.prefix, inquiry.key)
        sent_at = ctx.now()
        answer = yield from _inspect(ctx, redis, names, channel)
        if isinstance(answer, Fault):
            down = answer.cause
        else:
            standing = standing_of(ctx, inquiry, names, answer, sent_at)
    circle = yield from circle_of(ctx, inquiry)
    return _explained(ctx, inquiry, names, standing, down, circle)


def _inspect(
    ctx: Context, redis: Remote, names: Names, channel: Channel
) -> Flow[Inspected | Fault]:
    """Ask Redis as a lookup would, but for the counting."""
    barred = ctx.node.gate.barred()
    if barred is not None:
        return barred
    return (yield from Ask(Inspect(names, channel.marker), redis.timeout))


def _explained(
    ctx: Context,
    inquiry: Inquiry,
    names: Names | None,
    standing: Standing | None,
    down: str,
    circle: Circle | None,
) -> Explanation:
    node, key, now = ctx.node, inquiry.key, ctx.now()
    with node.lock:
        tier = node.tier
        kept = None if tier is None else tier.peek((node.namespace, key), now)
        flight = node.flights.look(key, now)
    lease = None if standing is None else lease_of(ctx, standing.seen)
    load = _load(inquiry, flight, now)
    holds = _holds(ctx, inquiry, standing, now)
    found = None if standing is None else header_of(standing.seen.found)
    sight = Sight(
        now,
        inquiry.policy,
        inquiry.bypass,
        _memory_side(ctx, inquiry, kept, found),
        _redis_side(names, standing, down),
        standing is not None,
        kept is not None and found is not None and not same_entry(ctx, kept, found),
        holds,
        lease,
        load,
        node.gate.refusal if now < node.gate.refused_until else "",
        circle,
    )
    return Explanation(
        key=key,
        name="" if names is None else names.entry,
        lookup=foresee(sight),
        memory=None if kept is None else _in_memory(ctx, inquiry, kept, now),
        redis=None if standing is None else standing.shown,
        lease=lease,
        load=load,
        holds=holds,
        has_memory=tier is not None,
        has_redis=names is not None,
        down=down,
        blind=not node.whole,
    )


def _memory_side(
    ctx: Context, inquiry: Inquiry, kept: Kept | None, found: Found | None
) -> Side:
    if kept is None:
        return Side(None, "" if ctx.node.tier is None else "memory holds nothing")
    if not inquiry.fits(kept.fingerprint):
        return Side(None, "what memory holds is of another declared type")
    if ctx.redis is None or ctx.node.trusts(kept):
        return Side(kept)
    if found is None:
        return Side(kept, doubt=" (suspect, and Redis cannot be asked)")
    if same_entry(ctx, kept, found):
        return Side(kept, doubt=" (suspect, and Redis still holds it)")
    return Side(None, "what memory holds is suspect, and Redis holds it no more")


def _redis_side(names: Names | None, standing: Standing | None, down: str) -> Side:
    if standing is not None:
        return standing.side
    return Side(None, "" if names is None else f"Redis cannot be asked: {down}")


def _in_memory(ctx: Context, inquiry: Inquiry, kept: Kept, now: float) -> InMemory:
    state, age = aged(kept, now)
    return InMemory(
        state=state,
        age=age,
        fresh_for=kept.fresh_for,
        ttl=kept.ttl,
        version=kept.version,
        leaves_in=kept.expires_at - now,
        size=kept.size,
        trusted=ctx.redis is None or ctx.node.trusts(kept),
        other_type=not inquiry.fits(kept.fingerprint),
    )


def _load(inquiry: Inquiry, flight: Flight | None, now: float) -> RunningLoad | None:
    if flight is None or flight.latch.answer is not None or flight.latch.orphaned():
        return None
    if not inquiry.fits(flight.fingerprint):
        return None
    return RunningLoad(
        seconds=max(0.0, now - flight.began_at),
        callers=flight.latch.waiting,
        background=flight.background,
        loads=flight.loads,
        abandoned_in=flight.abandon_at - now,
    )


def _holds(
    ctx: Context, inquiry: Inquiry, standing: Standing | None, now: float
) -> tuple[Hold, ...]:
    here = ctx.node.holds.of(inquiry.key, now)
    holds: list[Hold] = []
    if here.failed is not None and here.failure > 0.0:
        error = here.failed.error
        text = f"{type(error).__qualname__}: {_text(error)}"
        holds.append(
            Hold(kind="failure", where="process", left=here.failure, error=text)
        )
    if here.retry > 0.0:
        holds.append(Hold(kind="retry", where="process", left=here.retry))
    if here.elsewhere > 0.0:
        holds.append(Hold(kind="elsewhere", where="process", left=here.elsewhere))
    if standing is None:
        return tuple(holds)
    failure = recorded_failure(ctx, standing.seen)
    if failure is not None:
        holds.append(failure)
    if standing.seen.retry > 0.0:
        holds.append(Hold(kind="retry", where="redis", left=standing.seen.retry))
    return tuple(holds)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 (the user's class made it)
        return "(its text could not be made)"
