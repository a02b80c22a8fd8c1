"""What the design says of how lookups end: with what value or error, and when."""

from collections.abc import Iterator
from typing import Final

from hybridcache.core.errors import LoadTimeout, ReentrantLoad, Undecodable
from hybridcache.core.outcome import HitFresh, HitStale, Suppressed, Tier, UpstreamDown
from hybridcache.core.policy import Policy, RunIn
from hybridcache.testing.claims import may_be_kept_unstored
from hybridcache.testing.evidence import Evidence
from hybridcache.testing.history import LookupEnded
from hybridcache.testing.margins import AFTERMATH, ROOM
from hybridcache.testing.under_way import (
    failed_lately,
    failed_since,
    loaded_meanwhile,
    may_close_a_circle,
    may_time_out,
    was_under_way,
)

HITS: Final = frozenset({HitFresh.tag, HitStale.tag})
FAILURES: Final = frozenset({"LoaderFailed", "LoadFailedElsewhere"})
ALLOWED_ERRORS: Final = FAILURES | {"", "LoadTimeout", "ReentrantLoad"}


def values_are_loaded(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """A value comes from a load of its own key, whatever bytes are in Redis (12)."""
    if end.value is None:
        return
    load = seen.loads.get(end.value)
    if load is None or load.key != end.key:
        yield f"rule 12: {end} has a value that no load of its key made"
    elif end.value not in seen.made:
        yield f"rule 12: {end} has a value before its load made it"


def values_are_intact(_: Evidence, end: LookupEnded) -> Iterator[str]:
    """A caller gets what the load made, whatever callers did to what they got (8)."""
    if end.altered:
        yield f"rule 8: {end} is not what load {end.value} made"


def nothing_expired(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """Nothing expired is served (1), by no clock but Redis's and the reader's (9)."""
    elsewhere = end.outcome == Suppressed.tag and end.tier == "redis"
    if end.value is None or not (end.outcome in HITS or elsewhere):
        return
    if elsewhere and end.value in seen.unstored:
        # Told through a result record: handed over, not kept.
        return
    last = seen.last_life(end.value, end.number)
    if last is None:
        return
    # A process that stood still between judging and returning is not to blame.
    age = end.at - last - end.paused
    longest = _longest(seen.history.policies[end.key], end.outcome)
    if age >= longest + ROOM:
        yield f"rule 1: {end} has a value {age:.3f} s old, {longest:g} allowed"


def _longest(policy: Policy, outcome: str) -> float:
    """Return the age, seconds, up to which a value may be served in *outcome*."""
    if outcome == HitFresh.tag:
        return policy.fresh_for
    if outcome == HitStale.tag and policy.max_stale is not None:
        return min(policy.ttl, policy.fresh_for + policy.max_stale)
    return policy.ttl


def memory_forgets(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """Memory keeps a value for its `memory_ttl` at most (1)."""
    policy = seen.history.policies[end.key]
    if end.value is None or policy.memory_ttl is None or end.tier != Tier.MEMORY.value:
        return
    met = seen.met_by(end.process, end.value)
    # It was there when it was looked for; who is served what is stale may wait first.
    found = seen.begins[end.lookup].at
    kept = found - met - seen.troubles.stood_still(end.process, met, found)
    # The reply that brought it may have taken one timeout.
    longest = policy.memory_ttl + seen.history.timeout
    if kept >= longest + ROOM:
        yield f"rule 1: {end} was kept for {kept:.3f} s, {longest:g} allowed"


def only_stored_is_kept(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """A value that Redis never stored is served from no tier once Redis is there (4)."""
    if end.value is None or end.outcome not in HITS:
        return
    if end.value in seen.unstored:
        yield f"rule 4: {end} has a value that was not to be stored"
    elif end.tier == Tier.MEMORY.value and not (
        end.value in seen.stored
        or may_be_kept_unstored(seen, end.value)
        # While Redis is away, what is suspect serves.
        or seen.troubles.befell(
            end.process, seen.begins[end.lookup].at - AFTERMATH, end.at
        )
    ):
        yield f"rule 4: {end} has a value that Redis never stored"


def refreshes_are_new(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """A refresh has what a load made, or confirmed, that was under way or came later."""
    began = seen.begins[end.lookup]
    if began.kind != "refresh":
        return
    # A replica has an older entry, which nobody has seen.
    if end.value is not None and not (
        was_under_way(seen, end.value, began)
        or seen.troubles.rolled_back(began.number, end.number)
    ):
        yield f"refresh: {end}, begun as {began.number}, has what was there before"
    if end.error in FAILURES and not failed_since(seen, end.key, began):
        yield f"refresh: {end}, begun as {began.number}, and no load failed since"


def handed_to_who_waited(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """What is not to be stored is for those who waited for its load (4)."""
    if end.outcome != Suppressed.tag or end.value not in seen.unstored:
        return
    began = seen.begins[end.lookup]
    longest = seen.history.policies[end.key].wait_for + seen.history.timeout + ROOM
    # Whoever joins one that still waits for news of it is told with that. One that was
    # cancelled has no end: it would have waited until its deadline.
    beside = [
        one
        for one in seen.waiting_beside(began)
        if began.at - one.at
        <= longest + seen.troubles.stood_still(one.process, one.at, began.at)
    ]
    if not any(was_under_way(seen, end.value, one) for one in (began, *beside)):
        yield f"rule 4: {end}, begun as {began.number}, has what was not to be stored"


def ended_with_something(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """Who does not merely look gets a value or an error (5)."""
    kind = seen.begins[end.lookup].kind
    if end.value is None and not end.error and kind != "peek":
        yield f"rule 5: {end} ended with neither a value nor an error"


def errors_have_reasons(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """A caller gets a load's error, lately made, or learns that there is a circle (5)."""
    began = seen.begins[end.lookup]
    if end.error == Undecodable.__name__:
        yield f"rule 12: {end}, and bytes in Redis are no reason to raise"
    elif end.error not in ALLOWED_ERRORS:
        yield f"rule 5: {end} raised {end.error}"
    if end.error in FAILURES and not failed_lately(seen, began, end):
        yield f"rule 5: {end}, and no load of its key failed lately"
    if end.error == ReentrantLoad.__name__ and not (
        failed_lately(seen, began, end) or may_close_a_circle(seen, began)
    ):
        yield f"rule 13: {end}, and no load of its key asks for another"


def settled_in_time(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """Each caller is answered by its deadline, and gives up no sooner (5)."""
    began = seen.begins[end.lookup]
    policy = seen.history.policies[end.key]
    took = end.at - began.at
    # Once at entry: wait_for and one timeout of Redis.
    longest = policy.wait_for + seen.history.timeout + ROOM
    # A loader that runs in its caller is not bounded by what that would wait.
    inline = policy.run_in is RunIn.CALLER and loaded_meanwhile(seen, began, end)
    if took - end.paused > longest and not inline:
        yield f"rule 5: {end} took {took - end.paused:.3f} s, {longest:g} allowed"
    # A loader that asks for another key may hand on that one's.
    gave_up = end.error == LoadTimeout.__name__ and not seen.nests
    if gave_up and took < policy.wait_for - ROOM:
        yield f"rule 5: {end} gave up after {took:.3f} s of {policy.wait_for:g}"


def down_where_redis_was(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """Who is told that Redis was needed and away had trouble with it (5)."""
    since = seen.begins[end.lookup].at - AFTERMATH
    down = end.outcome == UpstreamDown.tag
    if down and not seen.troubles.befell(end.process, since, end.at):
        yield f"rule 5: {end}, and Redis was there"


def timeouts_have_reasons(seen: Evidence) -> Iterator[str]:
    """A caller waits in vain only for what was slow, hung or befell Redis (5, 13)."""
    for end in seen.ends:
        if end.error == LoadTimeout.__name__ and not may_time_out(
            seen, seen.begins[end.lookup], end
        ):
            # One that asks for others may wait for itself.
            rule = "rule 13" if seen.nests else "rule 5"
            yield f"{rule}: {end}, and neither a load nor Redis was slow"
