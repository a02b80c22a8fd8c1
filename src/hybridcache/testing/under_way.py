"""Which loads were under way in a lookup's time, and what it may end with for them."""

import math

from hybridcache.core.errors import LoadFailedElsewhere, ReentrantLoad
from hybridcache.engine.keeper import SWEEP_EVERY
from hybridcache.testing.evidence import Evidence
from hybridcache.testing.history import (
    LoadBegan,
    LoadEnded,
    LookupBegan,
    LookupEnded,
    Stored,
)
from hybridcache.testing.margins import LEASE, RESULT, ROOM, ROUND_TRIP, SLOW, SOON


def ended_before(
    seen: Evidence, earlier: LoadBegan, later: LoadBegan | LookupBegan
) -> bool:
    """Whether *earlier* was over when *later* began."""
    end = seen.load_ends.get(earlier.value)
    if end is not None:
        return end.number < later.number
    return seen.troubles.crashed_before(earlier.process, later.number)


def was_under_way(seen: Evidence, value: int, began: LookupBegan) -> bool:
    """Whether a load of *value* had not landed yet when that lookup began."""
    ends: list[LoadEnded | Stored] = [*seen.of(LoadEnded), *seen.of(Stored)]
    if any(one.value == value and one.number > began.number for one in ends):
        return True
    # It had ended, and its callers are told after it was stored or given back.
    return any(
        one.value == value and _may_be_landing(seen, one, began)
        for one in seen.of(LoadEnded)
    )


def failed_since(seen: Evidence, key: str, began: LookupBegan) -> bool:
    """Whether a load of *key* failed that had not landed when that lookup began."""
    return any(
        one.number > began.number or _may_be_landing(seen, one, began)
        for one in seen.failed[key]
    )


def failed_lately(seen: Evidence, began: LookupBegan, end: LookupEnded) -> bool:
    """Whether a load of its key failed whose failure *end* may have been told."""
    failures = seen.failed[end.key]
    # As long as it is held here; elsewhere as long as its record stays.
    since = began.at - seen.history.policies[end.key].error_ttl - ROOM
    circle = end.error == ReentrantLoad.__name__
    if end.error == LoadFailedElsewhere.__name__ or (seen.nests and not circle):
        since -= RESULT
    else:
        failures = [one for one in failures if one.process == end.process]
    if circle:
        # Only one that asks for another key can have failed so.
        failures = [one for one in failures if seen.loads[one.load].nested]
    return any(one.at >= since or _may_be_landing(seen, one, began) for one in failures)


def may_close_a_circle(seen: Evidence, began: LookupBegan) -> bool:
    """Whether a load of its key that asks for another ran there when it began."""
    return any(
        load.nested
        and load.process == began.process
        and not ended_before(seen, load, began)
        for load in seen.loads_by_key[began.key]
    )


def _may_be_landing(seen: Evidence, loaded: LoadEnded, began: LookupBegan) -> bool:
    if loaded.process != began.process and loaded.result == "stored":
        # Another process finds that in Redis, or not yet.
        return False
    # A round trip; where something befell it, until its lease ends.
    takes, process = ROUND_TRIP, loaded.process
    since = loaded.at - seen.history.timeout
    if seen.troubles.befell(process, since, began.at, names_of=loaded.key):
        takes = LEASE + seen.troubles.stood_still(process, loaded.at, began.at)
    return began.at - loaded.at <= takes + ROOM


def may_time_out(seen: Evidence, began: LookupBegan, end: LookupEnded) -> bool:
    """Whether something in *end*'s time explains a timeout."""
    if len(seen.processes) > 1 and any(
        load.nested and _overlap(seen, load, began, end) >= -ROOM
        for load in seen.loads.values()
    ):
        # "Cycles across processes end by wait_for."
        return True
    for load in seen.loads.values():
        if load.key != end.key and not seen.nests:
            continue
        ended = seen.load_ends.get(load.value)
        if ended is None and seen.troubles.gone_by(load.process, began.at + SOON):
            # "A waiter never fails just because another process died."
            continue
        if load.work >= SLOW and _overlap(seen, load, began, end) >= SLOW - ROOM:
            return True
    return seen.troubles.cost_a_lease(began.at - LEASE, end.at)


def _overlap(
    seen: Evidence, load: LoadBegan, began: LookupBegan, end: LookupEnded
) -> float:
    """Return for how much of that lookup's time, seconds, *load* held its key."""
    ended = seen.load_ends.get(load.value)
    # Its failure may have held the key for a while longer.
    held = seen.history.policies[load.key].error_ttl
    over = math.inf if ended is None else ended.at + held
    if load.key == end.key:
        # "abandon_after ends the claim", which takes until the next sweep.
        stood = seen.troubles.stood_still(load.process, load.at, end.at)
        over = min(over, load.until + SWEEP_EVERY + stood)
    return min(over, end.at) - max(load.at, began.at)


def loaded_meanwhile(seen: Evidence, began: LookupBegan, end: LookupEnded) -> bool:
    """Whether a load began on *end*'s process in its time, its own perhaps."""
    return any(
        load.process == end.process and began.number < load.number < end.number
        for load in seen.loads.values()
    )
