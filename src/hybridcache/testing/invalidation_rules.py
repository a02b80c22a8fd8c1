"""What the design says of invalidations: who serves nothing older, and from when on."""

from collections.abc import Iterator

from hybridcache.core.outcome import Tier
from hybridcache.testing.evidence import Evidence
from hybridcache.testing.history import (
    CarriedOut,
    Deleted,
    Invalidated,
    Invalidating,
    LookupEnded,
)
from hybridcache.testing.margins import AFTERMATH, BLIND


def invalidated_here(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """After invalidate() returned, the node that called serves nothing older (3)."""
    if end.value is None:
        return
    born = seen.born(end.value, end.number)
    for done in seen.invalidations_before(end):
        call = seen.calls[done.call].number
        if done.process != end.process or born > call:
            continue
        if seen.troubles.rolled_back(call, end.number):
            # "A failover may lose an acknowledged invalidation."
            continue
        if not done.reached and (
            end.tier == Tier.REDIS.value or seen.written(end.value, end.number)
        ):
            # Redis was not reached and still had it, as an entry or as a record that
            # a load left its waiters: Invalidated says so.
            continue
        began = seen.begins[end.lookup].number
        yield f"rule 3: {end}, begun as {began}, after {done}"


def invalidated_elsewhere(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """Other nodes follow with the message, or once they know that it may be lost."""
    if end.value is None:
        return
    born = seen.born(end.value, end.number)
    for done in seen.invalidations_before(end):
        call, began = seen.calls[done.call], seen.begins[end.lookup]
        if done.process == end.process or not done.reached or born > call.number:
            continue
        if seen.troubles.rolled_back(call.number, end.number):
            continue
        told = seen.carried_out(end.process, done.key, call.number, done.number)
        if told is not None and began.number > told:
            yield f"rule 3: {end} on a node that was told of {done}"
        elif began.at > done.at + BLIND and not seen.troubles.deaf(
            end.process, call.at, end.at
        ):
            yield f"rule 3: {end} on another node long after {done}"


def carried_out_by_who_called(seen: Evidence, done: Invalidated) -> Iterator[str]:
    """The node that calls drops what it has, whether or not Redis was reached (3)."""
    called = seen.calls[done.call].number
    if not any(
        one.process == done.process and one.key == done.key and one.number > called
        for one in seen.of(CarriedOut)
    ):
        yield f"rule 3: {done}, and it was not carried out there"


def nothing_else_is_invalidated(
    seen: Evidence, one: CarriedOut | Deleted
) -> Iterator[str]:
    """What nobody invalidated stays, and so do the claims of its loads (2, 3)."""
    if any(
        call.key == one.key and _may_lead_to(seen, call, one)
        for call in seen.calls.values()
    ):
        return
    # A marker that Redis lost is noticed with the next entry, however late.
    if one.key is None and seen.troubles.lost_marker(one.process, one.at):
        return
    since = one.at - AFTERMATH
    if not seen.troubles.befell(one.process, since, one.at, names_of=one.key or ""):
        yield f"rule 3: {one}, and nobody had invalidated that"


def _may_lead_to(seen: Evidence, call: Invalidating, one: CarriedOut | Deleted) -> bool:
    # A message comes a second late, and waits for a process that stands still.
    stood = seen.troubles.stood_still(one.process, call.at, one.at)
    if one.at - call.at <= AFTERMATH + stood:
        return True
    # One that was lost is learned of with the next marker that is read.
    return one.key is None and not any(
        other.process == one.process
        and other.key is None
        and call.number < other.number < one.number
        for other in seen.of(CarriedOut)
    )
