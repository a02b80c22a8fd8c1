"""Which loads were under way in a lookup's time, and what it may end with for them."""

import math

from hybridcache.core.errors import LoadFailedElsewhere
from hybridcache.engine.keeper import SWEEP_EVERY
from hybridcache.testing.evidence import Evidence
from hybridcache.testing.history import (
    LoadBegan,
    LoadEnded,
    LookupBegan,
    LookupEnded,
    Stored,
)
from hybridcache.testing.margins import LEASE, RESULT, ROOM, ROUND_TRIP, SLOW


def ended_before(seen: Evidence, earlier: LoadBegan, later: LoadBegan) -> bool:
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


def failed_lately(seen: Evidence, end: LookupEnded, began: LookupBegan) -> bool:
    """Whether a load of its key failed whose failure *end* may have been told."""
    failures = seen.failed[end.key]
    # As long as it is held here; elsewhere as long as its record stays.
    since = began.at - seen.history.policies[end.key].error_ttl - ROOM
    if end.error == LoadFailedElsewhere.__name__ or seen.nests:
        since -= RESULT
    else:
        failures = [one for one in failures if one.process == end.process]
    return any(one.at >= since or _may_be_landing(seen, one, began) for one in failures)


def may_close_a_circle(seen: Evidence, end: LookupEnded, began: LookupBegan) -> bool:
    """Whether a load of its key may have been waiting, for what waits for that load."""
    return any(
        load.nested and load.process == end.process and not _is_over(seen, load, began)
        for load in seen.loads_by_key[end.key]
    )


def _is_over(seen: Evidence, load: LoadBegan, began: LookupBegan) -> bool:
    ended = seen.load_ends.get(load.value)
    return ended is not None and ended.number < began.number


def _may_be_landing(seen: Evidence, end: LoadEnded, began: LookupBegan) -> bool:
    if end.process != began.process and end.result == "stored":
        # Another process finds that in Redis, or not yet.
        return False
    # A round trip; where something befell it, until its lease ends.
    takes, process = ROUND_TRIP, end.process
    since = end.at - seen.history.timeout
    if seen.troubles.befell(process, since, began.at, names_of=end.key):
        takes = LEASE + seen.troubles.stood_still(process, end.at, began.at)
    return began.at - end.at <= takes + ROOM


def may_time_out(seen: Evidence, began: LookupBegan, end: LookupEnded) -> bool:
    """Whether something in *end*'s time explains a timeout."""
    if len(seen.processes) > 1 and any(
        load.nested and _ran_within(seen, load, began, end)
        for load in seen.loads.values()
    ):
        # "Cycles across processes end by wait_for."
        return True
    for load in seen.loads.values():
        if load.key != end.key and not seen.nests:
            continue
        ended = seen.load_ends.get(load.value)
        if ended is None and seen.troubles.gone_by(load.process, began.at + 1.0):
            # "A waiter never fails just because another process died."
            continue
        if load.work >= SLOW and _ran_within(seen, load, began, end):
            return True
    return seen.troubles.cost_a_lease(began.at - LEASE, end.at)


def _ran_within(
    seen: Evidence, load: LoadBegan, began: LookupBegan, end: LookupEnded
) -> bool:
    ended = seen.load_ends.get(load.value)
    # Its failure may have held the key for a while longer.
    held = seen.history.policies[load.key].error_ttl
    over = math.inf if ended is None else ended.at + held
    if load.key == end.key:
        # "abandon_after ends the claim", which takes until the next sweep.
        stood = seen.troubles.stood_still(load.process, load.at, end.at)
        over = min(over, load.until + SWEEP_EVERY + stood)
    return load.at <= end.at and over >= began.at - ROOM


def loaded_meanwhile(seen: Evidence, began: LookupBegan, end: LookupEnded) -> bool:
    """Whether a load began on *end*'s process in its time, its own perhaps."""
    return any(
        load.process == end.process and began.number < load.number < end.number
        for load in seen.loads.values()
    )
