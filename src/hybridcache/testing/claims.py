"""Leases and the loads under them: what ended a claim, and what excuses a breach.

Each excuse is one that the design makes, stated where it is made.
"""

from hybridcache.core.policy import RunIn, Suppress
from hybridcache.testing.evidence import Evidence
from hybridcache.testing.history import (
    CarriedOut,
    Deleted,
    Granted,
    Happening,
    LeaseLost,
    LoadBegan,
    LoadEnded,
    Stored,
)
from hybridcache.testing.margins import LEASE, REFUSAL, ROOM, SOON


def grant_of(seen: Evidence, token: str, before: int) -> Granted | None:
    """Return where the lease under *token* was granted."""
    for one in reversed(seen.of(Granted)):
        if one.token == token and one.number < before:
            return one
    return None


def _claimed(seen: Evidence, load: LoadBegan) -> int:
    """Return where the lease of *load* was granted, or its place without one."""
    grant = None if load.token is None else grant_of(seen, load.token, load.number)
    return load.number if grant is None else grant.number


def _started(seen: Evidence, load: LoadBegan) -> float:
    """Return when the flight of *load* started: it asks for the lease first."""
    # Less the little that sums of floats may be off.
    return load.until - seen.history.policies[load.key].owned_for - ROOM


def may_be_forced(seen: Evidence, one: Granted) -> bool:
    """Whether a refresh may have asked for that lease, which heeds no entry."""
    longest = seen.history.policies[one.key].wait_for + seen.history.timeout
    return any(
        began.kind == "refresh"
        and began.key == one.key
        and began.process == one.process
        and one.at - began.at
        <= longest + ROOM + seen.troubles.stood_still(one.process, began.at, one.at)
        for began in seen.begins.values()
    )


def lease_ended(seen: Evidence, grant: Granted, before: int) -> Happening | None:
    """Return what ended a lease before that place: another's, an invalidation."""
    ends: list[Deleted | Granted | Stored] = [
        *seen.of(Deleted),
        *seen.of(Granted),
        *seen.of(Stored),
    ]
    for one in ends:
        if not grant.number < one.number < before:
            continue
        if isinstance(one, Deleted):
            # clear() changes the marker; a lease it leaves, for the stamp tells.
            if one.key == grant.key:
                return one
        elif one.key == grant.key and one.token != grant.token:
            return one
    return None


def rightly_lost(seen: Evidence, lost: LeaseLost) -> bool:
    """Whether something ended that lease: its load, another, or a fault."""
    grant = grant_of(seen, lost.token, lost.number)
    if grant is None or lease_ended(seen, grant, lost.number) is not None:
        return grant is not None
    ended = any(
        (
            load.value in seen.load_ends
            and seen.load_ends[load.value].number < lost.number
        )
        # "Then its lease is no longer renewed", and Redis's clock may be ahead.
        or lost.at >= load.until - ROOM
        for load in seen.loads.values()
        if load.token == lost.token
    )
    # A fault may lie long back: at any time since it was granted.
    return ended or seen.troubles.befell(
        lost.process, grant.at, lost.at, names_of=grant.key
    )


def may_run_beside(seen: Evidence, earlier: LoadBegan, later: LoadBegan) -> bool:
    """Whether *later* may run beside *earlier*, a load of the same key."""
    if later.at >= earlier.until - ROOM:
        # "abandon_after ends the claim."
        return True
    # "An invalidation ends the claim": of either, for the later load may have been
    # granted its lease first. In Redis, or where it is carried out late, for the
    # lease is given back there; in one process only what that carried out counts.
    if any(
        one.process == earlier.process
        and one.key in (None, earlier.key)
        and min(_started(seen, earlier), _started(seen, later)) <= one.at
        and one.number <= later.number
        for one in seen.of(CarriedOut)
    ):
        return True
    if earlier.process == later.process:
        # It lets go of a load when it learns that the lease is gone.
        return any(
            one.token == earlier.token and one.number <= later.number
            for one in seen.of(LeaseLost)
        )
    since = min(_claimed(seen, earlier), _claimed(seen, later))
    if any(
        one.key in (None, earlier.key) and since <= one.number <= later.number
        for one in seen.of(Deleted)
    ):
        return True
    if earlier.token is None or later.token is None:
        # "With Redis down, at most one per process": that it was is judged by
        # itself, of every load without a lease.
        return True
    # A lease that could not be renewed, was evicted or went with the data is not
    # kept. With room for the end of a lease to be noticed.
    begun = earlier.at - LEASE
    return seen.troubles.befell(earlier.process, begun, later.at, names_of=earlier.key)


def may_be_unstored(seen: Evidence, load: LoadBegan, end: LoadEnded) -> bool:
    """Whether something before it could be stored kept Redis from what *load* made."""
    until = end.at + SOON
    ends: list[Deleted | CarriedOut] = [*seen.of(Deleted), *seen.of(CarriedOut)]
    claimed = _claimed(seen, load)
    if any(
        one.key in (None, load.key) and one.number >= claimed and one.at <= until
        for one in ends
    ):
        return True
    policy = seen.history.policies[load.key]
    if policy.run_in is RunIn.CALLER and _may_be_cancelled(seen, load):
        # Its lease is given back, which may come before what it stores.
        return True
    if policy.suppress is not Suppress.CLUSTER and any(
        one.key == load.key
        and one.token != load.token
        and one.number > claimed
        and one.at <= until
        for one in seen.of(Granted)
    ):
        # Others may load beside it: the latest has the lease.
        return True
    # A request lost, a lease run out, a process gone.
    return seen.troubles.befell(load.process, load.at - LEASE, until, names_of=load.key)


def _may_be_cancelled(seen: Evidence, load: LoadBegan) -> bool:
    """Whether a lookup that may lead *load* in its own thread never ended."""
    return any(
        began.process == load.process
        and began.key == load.key
        and began.number < load.number
        and began.lookup not in seen.lookup_ends
        for began in seen.begins.values()
    )


def may_be_kept_unstored(seen: Evidence, value: int) -> bool:
    """Whether memory alone may keep *value*: Redis refused to store it."""
    load, end = seen.loads.get(value), seen.load_ends.get(value)
    return (
        load is not None
        and end is not None
        and seen.troubles.refused(load.process, load.at - REFUSAL, end.at + REFUSAL)
    )
