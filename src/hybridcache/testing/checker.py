"""Judge a whole history: each rule of the design that can be judged from outside.

A rule is a function of what happened that names each breach. What the design itself
allows is an excuse, stated with its reason where it is made; an excuse names a fault
that was injected, so that a run without that fault is judged without the excuse.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from hybridcache.core.outcome import HitFresh, HitStale, Suppressed, UpstreamDown
from hybridcache.core.policy import Suppress
from hybridcache.testing.evidence import Evidence
from hybridcache.testing.history import (
    Granted,
    History,
    Invalidated,
    LoadBegan,
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
ALLOWED_ERRORS: Final = frozenset(
    {"", "LoaderFailed", "LoadFailedElsewhere", "LoadTimeout", "ReentrantLoad"}
)

Rule: TypeAlias = Callable[[Evidence], Iterator[str]]


def check(history: History) -> list[str]:
    """Return every breach of a rule, in words; none if all held."""
    evidence = Evidence(history)
    found = list(history.breaches)
    for rule in RULES:
        found += list(rule(evidence))
    found += [f"rule 14: left behind: {what}" for what in history.left_behind]
    return found


def values_are_loaded(seen: Evidence) -> Iterator[str]:
    """A value comes from a load of its own key, whatever bytes are in Redis (12)."""
    for end in seen.ends:
        if end.value is None:
            continue
        load = seen.loads.get(end.value)
        if load is None or load.key != end.key:
            yield f"rule 12: {end} has a value that no load of its key made"
        elif end.value not in seen.made:
            yield f"rule 12: {end} has a value before its load made it"


def nothing_expired(seen: Evidence) -> Iterator[str]:
    """Nothing expired is served (1), by no clock but Redis's and the reader's (9)."""
    for end in seen.ends:
        elsewhere = end.outcome == Suppressed.tag and end.tier == "redis"
        if end.value is None or not (end.outcome in HITS or elsewhere):
            continue
        if elsewhere and end.value in seen.unstored:
            # Told through a result record: handed over, not kept.
            continue
        last = seen.last_life(end.value, end.number)
        if last is None:
            continue
        # A process that stood still between judging and returning is not to blame.
        age = end.at - last - end.paused
        ttl = seen.history.policies[end.key].ttl
        if age >= ttl + ROOM:
            yield f"rule 1: {end} has a value {age:.3f} s old, ttl={ttl:g}"


def one_load_at_once(seen: Evidence) -> Iterator[str]:
    """At most one load of a key runs, in the cluster and in each process (2, 7)."""
    for key, loads in seen.loads_by_key.items():
        if seen.history.policies[key].suppress is not Suppress.CLUSTER:
            continue
        for place, later in enumerate(loads):
            for earlier in loads[:place]:
                if seen.ended_before(earlier, later) or seen.excused(earlier, later):
                    continue
                yield f"rule 2: {later} began beside {earlier}"


def no_needless_lease(seen: Evidence) -> Iterator[str]:
    """A lease is taken only where no fresh entry stands: it reads again (2)."""
    for one in seen.of(Granted):
        if one.spared is not None:
            yield f"rule 2: {one} though a fresh entry stood"


def loads_have_leases(seen: Evidence) -> Iterator[str]:
    """A load without a lease is one whose process had trouble with Redis (2, 4)."""
    for load in seen.of(LoadBegan):
        # An answer that was lost, a breaker still open, or Redis away: it does without.
        if load.token is None and not seen.troubles.befell(
            load.process, load.at - AFTERMATH, load.at
        ):
            yield f"rule 2: {load} has no lease, and Redis was there"


def invalidated_here(seen: Evidence) -> Iterator[str]:
    """After invalidate() returned, the node that called serves nothing older (3)."""
    for done in seen.of(Invalidated):
        call = seen.calls[done.call]
        for began, end in seen.lookups_on(done.process, done.key, done.number):
            value = end.value
            if value is None or seen.born(value, end.number) > call.number:
                continue
            if seen.troubles.rolled_back(call.number, end.number):
                # "A failover may lose an acknowledged invalidation."
                continue
            if not done.reached and seen.written(value, end.number):
                # Redis was not reached and still has it: Invalidated says so.
                continue
            yield f"rule 3: {end}, begun as {began.number}, after {done}"


def invalidated_elsewhere(seen: Evidence) -> Iterator[str]:
    """Other nodes follow with the message, or once they know that it may be lost."""
    for done in seen.of(Invalidated):
        if not done.reached:
            continue
        call = seen.calls[done.call]
        for process in seen.processes:
            if process == done.process:
                continue
            told = seen.carried_out(process, done.key, call.number, done.number)
            for began, end in seen.lookups_on(process, done.key, done.number):
                value = end.value
                if value is None or seen.born(value, end.number) > call.number:
                    continue
                if seen.troubles.rolled_back(call.number, end.number):
                    continue
                if told is not None and began.number > told:
                    yield f"rule 3: {end} on a node that was told of {done}"
                elif began.at > done.at + BLIND and not seen.troubles.deaf(
                    process, call.at, end.at
                ):
                    yield f"rule 3: {end} on another node long after {done}"


def tokens_stand(seen: Evidence) -> Iterator[str]:
    """Redis stores only what a load under a token that stands made (4)."""
    for stored in seen.of(Stored):
        grant = seen.grant(stored.token, stored.number)
        if grant is None:
            yield f"rule 4: {stored} without a lease"
            continue
        if seen.troubles.rolled_back(grant.number, stored.number):
            # The replica still has a lease that was ended since.
            continue
        ended = seen.lease_ended(grant, stored.number)
        if ended is not None:
            yield f"rule 4: {stored} after its lease was ended by {ended}"


def all_settle(seen: Evidence) -> Iterator[str]:
    """Each caller gets a value or an error that it may get, by its deadline (5)."""
    for end in seen.ends:
        began = seen.begins[end.lookup]
        policy = seen.history.policies[end.key]
        if end.error not in ALLOWED_ERRORS:
            yield f"rule 5: {end} raised {end.error}"
        if end.error == "ReentrantLoad" and not seen.nests:
            yield f"rule 13: {end}, and no loader asks for another key"
        # Once at entry: wait_for and one timeout of Redis.
        longest = policy.wait_for + seen.history.timeout + ROOM
        if end.at - began.at - end.paused > longest:
            yield f"rule 5: {end} took {end.at - began.at:.3f} s, {longest:g} allowed"
        if end.error == "LoadTimeout" and not seen.slow(began, end):
            yield f"rule 5: {end}, and neither a load nor Redis was slow"
        down = end.outcome == UpstreamDown.tag
        if down and not seen.troubles.befell(end.process, began.at - AFTERMATH, end.at):
            yield f"rule 5: {end}, and Redis was there"


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
        if end.result != "stored" or load.token is None or end.at >= load.until - ROOM:
            continue
        if seen.store_excused(load, end):
            continue
        if load.value not in seen.stored:
            yield f"rule 7: what {load} made was not stored"


RULES: Final[tuple[Rule, ...]] = (
    values_are_loaded,
    nothing_expired,
    one_load_at_once,
    no_needless_lease,
    loads_have_leases,
    invalidated_here,
    invalidated_elsewhere,
    tokens_stand,
    all_settle,
    loads_end,
)
