"""Judge a history: each rule of the design that can be judged from outside.

A rule is a function of what happened that names each breach: most judge a record as
soon as it is taken down, some need the whole. What the design itself
allows is an excuse, stated with its reason where it is made; an excuse names a fault
that was injected, so that a run without that fault is judged without the excuse.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hybridcache.core.errors import LoadTimeout, Undecodable
from hybridcache.core.outcome import HitFresh, HitStale, Suppressed, Tier, UpstreamDown
from hybridcache.core.policy import Policy, RunIn, Suppress
from hybridcache.testing.evidence import Evidence
from hybridcache.testing.history import (
    Granted,
    Happening,
    History,
    LeaseLost,
    LoadBegan,
    LookupEnded,
    Stored,
)

# Instants are compared with this much room, seconds: clocks drift by 0.0005.
ROOM: Final = 0.02
# A lease lasts this long unrenewed; a fault this long ago can have ended it.
LEASE: Final = 3.0
# What a fault to a process's requests may still cause so many seconds later: a lease
# runs out, a breaker is open until a probe, a late request arrives.
AFTERMATH: Final = LEASE + 2.0
# Other nodes follow within this where their subscription is not whole (rule 3), plus
# one timeout of the request that makes it whole again and of the check.
BLIND: Final = 3.5

HITS: Final = frozenset({HitFresh.tag, HitStale.tag})
FAILURES: Final = frozenset({"LoaderFailed", "LoadFailedElsewhere"})
ALLOWED_ERRORS: Final = FAILURES | {"", "LoadTimeout", "ReentrantLoad"}


class Judge:
    """Judges a history: each record when it is taken down, and the whole at the end.

    Attributes:

        found: The breaches so far, in words.
    """

    def __init__(self, history: History) -> None:
        self._seen = Evidence(history)
        self.found: list[str] = []

    def saw(self, one: Happening) -> None:
        """Judge what happened next by what went before."""
        self._seen.take(one)
        for rule in AT_ONCE.get(type(one), ()):
            self.found += rule(self._seen, one)

    def whole(self) -> list[str]:
        """Judge what only the whole shows; return every breach."""
        for rule in AT_THE_END:
            self.found += rule(self._seen)
        return self.found


def check(history: History) -> list[str]:
    """Return every breach of a rule, in words; none if all held."""
    judge = Judge(history)
    for one in history.happenings:
        judge.saw(one)
    return [*history.breaches, *judge.whole()]


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
        or seen.may_be_kept_unstored(end.value)
        # While Redis is away, what is suspect serves.
        or seen.troubles.befell(
            end.process, seen.begins[end.lookup].at - AFTERMATH, end.at
        )
    ):
        yield f"rule 4: {end} has a value that Redis never stored"


def one_load_at_once(seen: Evidence, later: LoadBegan) -> Iterator[str]:
    """At most one load of a key runs, in the cluster and in each process (2, 7)."""
    suppress = seen.history.policies[later.key].suppress
    if suppress is Suppress.NONE:
        return
    for earlier in seen.loads_by_key[later.key][:-1]:
        if suppress is Suppress.PROCESS and earlier.process != later.process:
            continue
        if seen.ended_before(earlier, later) or seen.excused(earlier, later):
            continue
        yield f"rule 2: {later} began beside {earlier}"


def no_needless_lease(_: Evidence, one: Granted) -> Iterator[str]:
    """A lease is taken only where no fresh entry stands: it reads again (2)."""
    if one.spared is not None:
        yield f"rule 2: {one} though a fresh entry stood"


def leases_are_kept(seen: Evidence, one: LeaseLost) -> Iterator[str]:
    """A lease that nothing ended is not held to be lost (2)."""
    if not seen.rightly_lost(one):
        yield f"rule 2: {one}, and nothing had ended it"


def loads_have_leases(seen: Evidence, load: LoadBegan) -> Iterator[str]:
    """A load without a lease is one whose process had trouble with Redis (2, 4)."""
    # An answer that was lost, a breaker still open, or Redis away: it does without.
    if load.token is None and not seen.troubles.befell(
        load.process, load.at - AFTERMATH, load.at
    ):
        yield f"rule 2: {load} has no lease, and Redis was there"


def refreshes_are_new(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """A refresh has what a load made, or confirmed, that was under way or came later."""
    began = seen.begins[end.lookup]
    if began.kind != "refresh":
        return
    # A replica has an older entry, which nobody has seen.
    if end.value is not None and not (
        seen.was_under_way(end.value, began)
        or seen.troubles.rolled_back(began.number, end.number)
    ):
        yield f"refresh: {end}, begun as {began.number}, has what was there before"
    if end.error in FAILURES and not seen.failed_since(end.key, began):
        yield f"refresh: {end}, begun as {began.number}, and no load failed since"


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


def tokens_stand(seen: Evidence, stored: Stored) -> Iterator[str]:
    """Redis stores only what a load under a token that stands made (4)."""
    grant = seen.grant(stored.token, stored.number)
    if grant is None:
        yield f"rule 4: {stored} without a lease"
        return
    if seen.troubles.rolled_back(grant.number, stored.number):
        # The replica still has a lease that was ended since.
        return
    ended = seen.lease_ended(grant, stored.number)
    if ended is not None:
        yield f"rule 4: {stored} after its lease was ended by {ended}"


def settled_in_time(seen: Evidence, end: LookupEnded) -> Iterator[str]:
    """Each caller gets a value or an error that it may get, by its deadline (5)."""
    began = seen.begins[end.lookup]
    policy = seen.history.policies[end.key]
    if end.error == Undecodable.__name__:
        yield f"rule 12: {end}, and bytes in Redis are no reason to raise"
    elif end.error not in ALLOWED_ERRORS:
        yield f"rule 5: {end} raised {end.error}"
    if end.error in FAILURES and not seen.failed_lately(end.key, began):
        yield f"rule 5: {end}, and no load of its key failed lately"
    if end.error == "ReentrantLoad" and not seen.nests:
        yield f"rule 13: {end}, and no loader asks for another key"
    # Once at entry: wait_for and one timeout of Redis.
    longest = policy.wait_for + seen.history.timeout + ROOM
    # A loader that runs in its caller is not bounded by what that would wait.
    inline = policy.run_in is RunIn.CALLER and seen.loaded_meanwhile(began, end)
    if end.at - began.at - end.paused > longest and not inline:
        yield f"rule 5: {end} took {end.at - began.at:.3f} s, {longest:g} allowed"
    down = end.outcome == UpstreamDown.tag
    if down and not seen.troubles.befell(end.process, began.at - AFTERMATH, end.at):
        yield f"rule 5: {end}, and Redis was there"


def timeouts_have_reasons(seen: Evidence) -> Iterator[str]:
    """A caller waits in vain only for what was slow, hung or befell Redis (5, 13)."""
    for end in seen.ends:
        if end.error == LoadTimeout.__name__ and not seen.slow(
            seen.begins[end.lookup], end
        ):
            # One that asks for others may wait for itself.
            rule = "rule 13" if seen.nests else "rule 5"
            yield f"{rule}: {end}, and neither a load nor Redis was slow"


def loads_end(seen: Evidence) -> Iterator[str]:
    """A load goes on without its callers, and its value is stored (6, 7)."""
    last = seen.last_at
    for load in seen.of(LoadBegan):
        end = seen.load_ends.get(load.value)
        if end is None:
            due = load.at + load.work + 1.0 < last and not load.nested
            # Dead processes end nothing; a pause puts it off; a hanging one hangs.
            if due and not seen.hangs(load) and not seen.troubles.gone(load.process):
                yield f"rule 6: {load} never ended"
            continue
        policy = seen.history.policies[load.key]
        if end.result == "cancelled" and policy.run_in is not RunIn.CALLER:
            yield f"rule 6: {load} was cancelled with a caller"
        if end.result != "stored" or load.token is None or end.at >= load.until - ROOM:
            continue
        if seen.store_excused(load, end):
            continue
        if load.value not in seen.stored:
            yield f"rule 7: what {load} made was not stored"


def nothing_left(seen: Evidence) -> Iterator[str]:
    """When all is healed and closed nothing is left behind (14)."""
    for what in seen.history.left_behind:
        yield f"rule 14: left behind: {what}"


# What a record says is judged by what was taken down before it: no fault that comes
# later can have caused it. The types of the rules' records are the keys.
AT_ONCE: Final[Mapping[type, tuple[Callable[[Evidence, Any], Iterator[str]], ...]]] = {
    LookupEnded: (
        values_are_loaded,
        values_are_intact,
        nothing_expired,
        memory_forgets,
        only_stored_is_kept,
        invalidated_here,
        invalidated_elsewhere,
        refreshes_are_new,
        settled_in_time,
    ),
    LoadBegan: (one_load_at_once, loads_have_leases),
    Granted: (no_needless_lease,),
    LeaseLost: (leases_are_kept,),
    Stored: (tokens_stand,),
}
AT_THE_END: Final[tuple[Callable[[Evidence], Iterator[str]], ...]] = (
    timeouts_have_reasons,
    loads_end,
    nothing_left,
)
