"""A history, indexed for the rules that judge it, and what excuses a breach.

It grows with the history, so that each step can be judged by what went before.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeVar

from hybridcache.core.policy import RunIn, Suppress
from hybridcache.engine.lease_requests import RESULT_MS
from hybridcache.testing.history import (
    CarriedOut,
    Deleted,
    Granted,
    Happening,
    History,
    Invalidated,
    Invalidating,
    LeaseLost,
    LoadBegan,
    LoadEnded,
    LookupBegan,
    LookupEnded,
    Stored,
    Told,
    Trouble,
)
from hybridcache.testing.troubles import Troubles

H = TypeVar("H", bound=Happening)

# See `checker`.
_LEASE = 3.0
_ROOM = 0.02
# What a refusal may still cause so many seconds later.
_AFTERMATH = 2.0
# There, in Redis and back, by `network`, seconds.
_ROUND_TRIP = 0.005
# What a load left for its waiters stays so long, seconds.
_RESULT = RESULT_MS / 1000
# A load that works this long, or waits for one that does, may outlast a caller.
_SLOW = 1.0


class Evidence:
    """What happened, by what is asked of it."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._by_type: dict[type, list[Happening]] = defaultdict(list)
        self.last_at = 0.0
        self.begins: dict[int, LookupBegan] = {}
        self.ends = self.of(LookupEnded)
        self.ended: set[int] = set()
        self.calls: dict[int, Invalidating] = {}
        self.loads: dict[int, LoadBegan] = {}
        self.load_ends: dict[int, LoadEnded] = {}
        self.made: set[int] = set()
        self.unstored: set[int] = set()
        self.stored: set[int] = set()
        self.failed: dict[str, list[LoadEnded]] = defaultdict(list)
        self.nests = False
        self.processes: set[int] = set()
        self.loads_by_key: dict[str, list[LoadBegan]] = defaultdict(list)
        self._lives: dict[int, list[tuple[int, float]]] = defaultdict(list)
        self._births: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.troubles = Troubles(history)

    def take(self, one: Happening) -> None:
        """Take in what happened next."""
        self._by_type[type(one)].append(one)
        self.last_at = one.at
        match one:
            case LookupBegan():
                self.begins[one.lookup] = one
                self.processes.add(one.process)
            case LookupEnded():
                self.ended.add(one.lookup)
            case Invalidating():
                self.calls[one.call] = one
            case LoadBegan():
                self.loads[one.value] = one
                self.loads_by_key[one.key].append(one)
                self.nests |= one.nested
            case LoadEnded():
                self._take_end(one)
            case Stored():
                self.stored.add(one.value)
                self._lives[one.value].append((one.number, one.at))
            case Trouble():
                self.troubles.take(one)
            case _:
                return

    def _take_end(self, one: LoadEnded) -> None:
        self.load_ends[one.load] = one
        if one.result == "failed":
            self.failed[one.key].append(one)
        if one.value is None:
            return
        self.made.add(one.value)
        if one.result == "unstored":
            self.unstored.add(one.value)
        self._lives[one.value].append((one.number, one.at))
        # What was found unmodified is as new as the load that found it so.
        began = self.loads[one.load]
        self._births[one.value].append((one.number, began.number))

    def of(self, kind: type[H]) -> list[H]:
        """Return what happened of that kind, in order."""
        return self._by_type[kind]  # type: ignore[return-value]  # filed by type

    # Values

    def last_life(self, value: int, before: int) -> float | None:
        """Return when *value* was last made or stored."""
        return max(
            (at for number, at in self._lives[value] if number < before), default=None
        )

    def born(self, value: int, before: int) -> int:
        """Return where the load began that made *value*, or confirmed it last."""
        return max(
            (began for number, began in self._births[value] if number < before),
            default=before,
        )

    def written(self, value: int, before: int) -> bool:
        """Whether Redis ever had *value*, or may have without a witness."""
        return any(one.value == value for one in self.of(Stored) if one.number < before)

    def was_under_way(self, value: int, began: LookupBegan) -> bool:
        """Whether a load of *value* had not landed yet when that lookup began."""
        if any(one.value == value and one.number > began.number for one in self._ends):
            return True
        # It had ended, and its callers are told after it was stored or given back.
        return any(
            one.value == value and self._may_be_landing(one, began)
            for one in self.of(LoadEnded)
        )

    def failed_since(self, key: str, began: LookupBegan) -> bool:
        """Whether a load of *key* failed that had not landed when that lookup began."""
        return any(
            one.number > began.number or self._may_be_landing(one, began)
            for one in self.failed[key]
        )

    def failed_lately(self, key: str, began: LookupBegan) -> bool:
        """Whether a load of *key* failed whose failure that lookup may be told."""
        held = self.history.policies[key].error_ttl + _RESULT
        return any(one.at >= began.at - held for one in self.failed[key])

    def _may_be_landing(self, end: LoadEnded, began: LookupBegan) -> bool:
        if end.process != began.process and end.result == "stored":
            # Another process finds that in Redis, or not yet.
            return False
        # A round trip; where something befell it, until its lease ends.
        takes, process = _ROUND_TRIP, end.process
        since = end.at - self.history.timeout
        if self.troubles.befell(process, since, began.at, names_of=end.key):
            takes = _LEASE + self.troubles.stood_still(process, end.at, began.at)
        return began.at - end.at <= takes + _ROOM

    @property
    def _ends(self) -> Iterator[LoadEnded | Stored]:
        yield from self.of(LoadEnded)
        yield from self.of(Stored)

    def met_by(self, process: int, value: int) -> float:
        """Return when *process* last made *value*, or was sent it."""
        made = [
            one.at
            for one in self.of(LoadEnded)
            if one.process == process and one.value == value
        ]
        told = [
            one.at
            for one in self.of(Told)
            if one.process == process and one.value == value
        ]
        return max((*made, *told), default=0.0)

    def may_be_kept_unstored(self, value: int) -> bool:
        """Whether memory alone may keep *value*: Redis refused to store it."""
        load, end = self.loads.get(value), self.load_ends.get(value)
        return (
            load is not None
            and end is not None
            and self.troubles.refused(
                load.process, load.at - _AFTERMATH, end.at + _AFTERMATH
            )
        )

    # Lookups

    def invalidations_before(self, end: LookupEnded) -> Iterator[Invalidated]:
        """Return the invalidations of its key that returned before it began."""
        began = self.begins[end.lookup].number
        for done in self.of(Invalidated):
            if done.number < began and done.key in (None, end.key):
                yield done

    def slow(self, began: LookupBegan, end: LookupEnded) -> bool:
        """Whether something in *end*'s time explains a timeout."""
        if len(self.processes) > 1 and any(
            load.nested and self._ran_within(load, began, end)
            for load in self.loads.values()
        ):
            # "Cycles across processes end by wait_for."
            return True
        for load in self.loads.values():
            if load.key != end.key and not self.nests:
                continue
            ended = self.load_ends.get(load.value)
            if ended is None and self.troubles.gone_by(load.process, began.at + 1.0):
                # "A waiter never fails just because another process died."
                continue
            if (
                load.work >= _SLOW or (ended is None and self.hangs(load))
            ) and self._ran_within(load, began, end):
                return True
        return self.troubles.cost_a_lease(began.at - _LEASE, end.at)

    def _ran_within(
        self, load: LoadBegan, began: LookupBegan, end: LookupEnded
    ) -> bool:
        ended = self.load_ends.get(load.value)
        # Its failure may have held the key for a while longer.
        held = self.history.policies[load.key].error_ttl
        return load.at <= end.at and (
            ended is None or ended.at + held >= began.at - _ROOM
        )

    def loaded_meanwhile(self, began: LookupBegan, end: LookupEnded) -> bool:
        """Whether a load began on *end*'s process in its time, its own perhaps."""
        return any(
            load.process == end.process and began.number < load.number < end.number
            for load in self.loads.values()
        )

    # Loads

    def ended_before(self, earlier: LoadBegan, later: LoadBegan) -> bool:
        """Whether *earlier* was over when *later* began."""
        end = self.load_ends.get(earlier.value)
        if end is not None:
            return end.number < later.number
        return self.troubles.crashed_before(earlier.process, later.number)

    def hangs(self, load: LoadBegan) -> bool:
        """Whether its loader hangs: it was due long ago."""
        return load.value not in self.load_ends and load.at + load.work < self.last_at

    def excused(self, earlier: LoadBegan, later: LoadBegan) -> bool:
        """Whether *later* may run beside *earlier*, a load of the same key."""
        if later.at >= earlier.until - _ROOM:
            # "abandon_after ends the claim."
            return True
        # "An invalidation ends the claim": of either, for the later load may have been
        # granted its lease first. In Redis, or where it is carried out late, for the
        # lease is given back there; in one process only what that carried out counts.
        if any(
            one.process == earlier.process
            and one.key in (None, earlier.key)
            and min(self._started(earlier), self._started(later)) <= one.at
            and one.number <= later.number
            for one in self.of(CarriedOut)
        ):
            return True
        if earlier.process == later.process:
            # It lets go of a load when it learns that the lease is gone.
            return any(
                one.token == earlier.token and one.number <= later.number
                for one in self.of(LeaseLost)
            )
        since = min(self._claimed(earlier), self._claimed(later))
        if any(
            one.key in (None, earlier.key) and since <= one.number <= later.number
            for one in self.of(Deleted)
        ):
            return True
        if earlier.token is None or later.token is None:
            # "With Redis down, at most one per process": that it was is judged by
            # itself, of every load without a lease.
            return True
        # A lease that could not be renewed, was evicted or went with the data is not
        # kept. With room for the end of a lease to be noticed.
        begun = earlier.at - _LEASE
        return self.troubles.befell(
            earlier.process, begun, later.at, names_of=earlier.key
        )

    def _started(self, load: LoadBegan) -> float:
        """Return when the flight of *load* started: it asks for the lease first."""
        # Less the little that sums of floats may be off.
        return load.until - self.history.policies[load.key].owned_for - _ROOM

    def _claimed(self, load: LoadBegan) -> int:
        """Return where the lease of *load* was granted, or its place without one."""
        grant = None if load.token is None else self.grant(load.token, load.number)
        return load.number if grant is None else grant.number

    def store_excused(self, load: LoadBegan, end: LoadEnded) -> bool:
        """Whether what *load* made may have been stored nowhere."""
        ends: list[Deleted | CarriedOut] = [*self.of(Deleted), *self.of(CarriedOut)]
        claimed = self._claimed(load)
        if any(one.key in (None, load.key) and one.number >= claimed for one in ends):
            return True
        policy = self.history.policies[load.key]
        if policy.run_in is RunIn.CALLER and self._may_be_cancelled(load):
            # Its lease is given back, which may come before what it stores.
            return True
        if policy.suppress is not Suppress.CLUSTER and any(
            one.key == load.key and one.token != load.token and one.number > claimed
            for one in self.of(Granted)
        ):
            # Others may load beside it: the latest has the lease.
            return True
        # A request lost, a lease run out, a process gone.
        until = end.at + 1.0
        return self.troubles.befell(
            load.process, load.at - _LEASE, until, names_of=load.key
        )

    def _may_be_cancelled(self, load: LoadBegan) -> bool:
        """Whether a lookup that may lead *load* in its own thread never ended."""
        return any(
            began.process == load.process
            and began.key == load.key
            and began.number < load.number
            and began.lookup not in self.ended
            for began in self.begins.values()
        )

    # Leases

    def grant(self, token: str, before: int) -> Granted | None:
        """Return where the lease under *token* was granted."""
        for one in reversed(self.of(Granted)):
            if one.token == token and one.number < before:
                return one
        return None

    def lease_ended(self, grant: Granted, before: int) -> Happening | None:
        """Return what ended a lease before that place: another's, an invalidation."""
        ends: list[Deleted | Granted | Stored] = [
            *self.of(Deleted),
            *self.of(Granted),
            *self.of(Stored),
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

    def rightly_lost(self, lost: LeaseLost) -> bool:
        """Whether something ended that lease: its load, another, or a fault."""
        grant = self.grant(lost.token, lost.number)
        if grant is None or self.lease_ended(grant, lost.number) is not None:
            return grant is not None
        ended = any(
            (
                load.value in self.load_ends
                and self.load_ends[load.value].number < lost.number
            )
            # "Then its lease is no longer renewed", and Redis's clock may be ahead.
            or lost.at >= load.until - _ROOM
            for load in self.loads.values()
            if load.token == lost.token
        )
        # A fault may lie long back: at any time since it was granted.
        return ended or self.troubles.befell(
            lost.process, grant.at, lost.at, names_of=grant.key
        )

    # Invalidations

    def carried_out(
        self, process: int, key: str | None, since: int, returned: int
    ) -> int | None:
        """Return where *process* carried out the invalidation that began at *since*."""
        deleted = next(
            (
                one.number
                for one in self.of(Deleted)
                if since < one.number < returned and one.key == key
            ),
            None,
        )
        if deleted is None:
            return None
        return next(
            (
                one.number
                for one in self.of(CarriedOut)
                if one.process == process and one.number > deleted and one.key == key
            ),
            None,
        )
