"""What the design says of loads, their leases and what Redis stores of them."""

from collections.abc import Iterator

from hybridcache.core.policy import RunIn, Suppress
from hybridcache.testing.claims import (
    grant_of,
    lease_ended,
    may_be_forced,
    may_be_unstored,
    may_run_beside,
    rightly_lost,
)
from hybridcache.testing.evidence import Evidence
from hybridcache.testing.history import Granted, LeaseLost, LoadBegan, Stored
from hybridcache.testing.margins import AFTERMATH, ROOM, SOON
from hybridcache.testing.under_way import ended_before


def one_load_at_once(seen: Evidence, later: LoadBegan) -> Iterator[str]:
    """At most one load of a key runs, in the cluster and in each process (2, 7)."""
    suppress = seen.history.policies[later.key].suppress
    if suppress is Suppress.NONE:
        return
    for earlier in seen.loads_by_key[later.key][:-1]:
        if suppress is Suppress.PROCESS and earlier.process != later.process:
            continue
        if ended_before(seen, earlier, later) or may_run_beside(seen, earlier, later):
            continue
        yield f"rule 2: {later} began beside {earlier}"


def loads_have_leases(seen: Evidence, load: LoadBegan) -> Iterator[str]:
    """A load without a lease is one whose process had trouble with Redis (2, 4)."""
    # An answer that was lost, a breaker still open, or Redis away: it does without.
    if load.token is None and not seen.troubles.befell(
        load.process, load.at - AFTERMATH, load.at
    ):
        yield f"rule 2: {load} has no lease, and Redis was there"


def no_needless_lease(seen: Evidence, one: Granted) -> Iterator[str]:
    """A lease is taken only where no fresh entry stands, or for a refresh (2)."""
    if one.spared is not None and not may_be_forced(seen, one):
        yield f"rule 2: {one} though a fresh entry stood"


def leases_are_kept(seen: Evidence, one: LeaseLost) -> Iterator[str]:
    """A lease that nothing ended is not held to be lost (2)."""
    if not rightly_lost(seen, one):
        yield f"rule 2: {one}, and nothing had ended it"


def tokens_stand(seen: Evidence, stored: Stored) -> Iterator[str]:
    """Redis stores only what a load under a token that stands made (4)."""
    grant = grant_of(seen, stored.token, stored.number)
    if grant is None:
        yield f"rule 4: {stored} without a lease"
        return
    if seen.troubles.rolled_back(grant.number, stored.number):
        # The replica still has a lease that was ended since.
        return
    ended = lease_ended(seen, grant, stored.number)
    if ended is not None:
        yield f"rule 4: {stored} after its lease was ended by {ended}"


def loads_end(seen: Evidence) -> Iterator[str]:
    """A load goes on without its callers to its end (6)."""
    last = seen.last_at
    for load in seen.of(LoadBegan):
        end = seen.load_ends.get(load.value)
        if end is not None:
            inline = seen.history.policies[load.key].run_in is RunIn.CALLER
            if end.result == "cancelled" and not inline:
                yield f"rule 6: {load} was cancelled with a caller"
        # One that asks for another key waits for that; dead processes end nothing.
        elif not load.nested and not seen.troubles.gone_by(load.process, last):
            stood = seen.troubles.stood_still(load.process, load.at, last)
            if load.at + load.work + stood + SOON < last:
                yield f"rule 6: {load} never ended"


def what_was_made_is_stored(seen: Evidence) -> Iterator[str]:
    """What a load made, or found unmodified, is stored while its token stands (7)."""
    for load in seen.of(LoadBegan):
        end = seen.load_ends.get(load.value)
        if (
            end is not None
            and end.result in ("stored", "unmodified")
            and load.token is not None
            and end.at < load.until - ROOM
            and (load.token, end.value) not in seen.stored_under
            and not may_be_unstored(seen, load, end)
        ):
            yield f"rule 7: what {load} made was not stored"
