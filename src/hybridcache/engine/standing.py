"""What Redis answered of one key, judged as a lookup would judge it."""

import attrs

from hybridcache.core import blob
from hybridcache.core.decision import Expired, Fresh, Stale, assess
from hybridcache.core.entry import Dated, Entry
from hybridcache.core.errors import Undecodable
from hybridcache.core.explanation import HeldLease, Hold
from hybridcache.core.shown_entry import Foreign, InRedis, State
from hybridcache.engine import records
from hybridcache.engine.context import Context
from hybridcache.engine.entry_requests import Found
from hybridcache.engine.foresee import Side
from hybridcache.engine.inquiry import ANY_POLICY, Declared, Inquiry
from hybridcache.engine.inspect_requests import Inspected
from hybridcache.engine.names import Names
from hybridcache.engine.recall import wanted_stamp
from hybridcache.engine.scripts import TOKEN_SIZE


@attrs.frozen
class Standing:
    """What Redis answered, judged.

    Attributes:

        seen: The answer.

        shown: The entry as it is shown.

        side: The entry as a lookup takes it.
    """

    seen: Inspected
    shown: InRedis | Foreign | None
    side: Side


def standing_of(
    ctx: Context, inquiry: Inquiry, names: Names, seen: Inspected, sent_at: float
) -> Standing:
    """Judge the entry that Redis answered to a request sent at that instant."""
    found = seen.found
    if found.blob is None:
        return Standing(seen, None, Side(None, "Redis holds nothing"))
    try:
        header = _read(found.blob, names.entry, inquiry.shape)
        cleared = header.stamp != wanted_stamp(ctx, found)
        # What was cleared is passed over, of the future or not.
        latest = header.instant_us if cleared else 0
        past = blob.age(header, max(found.now_us, latest))
    except Undecodable as error:
        reason = error.reason if found.blob else "type"
        foreign = Foreign(
            reason=reason,
            detail=error.detail if found.blob else "another Redis type, or empty",
            size=len(found.blob) or None,
            left=seen.left,
        )
        return Standing(
            seen, foreign, Side(None, f"what Redis holds cannot be read: {reason}")
        )
    entry = Entry(
        None, written_at=sent_at - past, fresh_for=header.fresh_for, ttl=header.ttl
    )
    state, age = aged(entry, ctx.now())
    shown = InRedis(
        state=state,
        age=age,
        fresh_for=header.fresh_for,
        ttl=header.ttl,
        version=header.version,
        left=seen.left,
        size=len(found.blob),
        cleared=cleared,
    )
    lacks = "what Redis holds was cleared since"
    return Standing(seen, shown, Side(None, lacks) if cleared else Side(entry))


def _read(data: bytes, name: str, shape: Declared | None) -> blob.Header:
    """Read an entry as a lookup would, its body included where the type is known.

    Raises:

        Undecodable: It is none. Of the body no detail is told: that has the value.
    """
    fingerprint = blob.fingerprint(data) if shape is None else shape.fingerprint
    header, body = blob.parse(data, name, fingerprint)
    if shape is not None:
        try:
            shape.decode(body)
        except Undecodable as error:
            raise Undecodable(error.reason) from None
    return header


def aged(entry: Dated, now: float) -> tuple[State, float]:
    """Return the state of *entry* by its own lives, and its age in seconds."""
    match assess(entry, ANY_POLICY, now=now):
        case Fresh(age=age):
            return "fresh", age
        case Stale(age=age):
            return "stale", age
        case Expired(age=age):
            return "expired", age


def header_of(found: Found) -> Found:
    """Return what a read of the header alone finds."""
    data = found.blob
    return found if data is None else attrs.evolve(found, blob=data[: blob.HEADER_SIZE])


def lease_of(ctx: Context, seen: Inspected) -> HeldLease | None:
    """Return the lease that Redis knows, and whose it is."""
    if seen.lease is None:
        return None
    token = seen.lease.data[:TOKEN_SIZE].decode("latin-1")
    return HeldLease(
        token=token,
        left=seen.lease.left,
        here=ctx.node.leases.has(token),
        awaited=len(seen.lease.data) > TOKEN_SIZE,
    )


def recorded_failure(ctx: Context, seen: Inspected) -> Hold | None:
    """Return the failure that Redis has on record, if it still counts."""
    if seen.failure is None:
        return None
    try:
        told = records.parse(seen.failure.data, b"")
    except Undecodable:
        return None
    if isinstance(told, records.Value) or told.stamp != wanted_stamp(ctx, seen.found):
        return None
    return Hold(
        kind="failure",
        where="redis",
        left=seen.failure.left,
        error=f"{told.kind}: {told.message}",
    )
