"""How calls end: with what is due to them, and in time."""

from typing import Any, Final

import attrs

from hybridcache.core.outcome import Suppressed
from hybridcache.engine import (
    claim,
    landed,
    lead,
    lookup,
)
from hybridcache.engine.command import Await
from hybridcache.engine.context import Context
from hybridcache.engine.current import Raised
from hybridcache.engine.flights import Flight, FlightTable
from hybridcache.engine.holds import Holds
from hybridcache.engine.node import Node
from hybridcache.engine.plan import Plan
from hybridcache.testing import Faults
from hybridcache.testing import workload as work
from hybridcache.testing.loads import LoaderFailed
from tests.property.mutations.mutation import (
    LONG_LOADS,
    Mutation,
    Patch,
)


def _never_land(patch: Patch) -> None:
    land = Node.land
    count = [0]

    def landed(one: Node, flight: Flight, landing: object) -> None:
        count[0] += 1
        if count[0] % 7:
            land(one, flight, landing)  # type: ignore[arg-type]

    patch.setattr(Node, "land", landed)


def _outwait_leases(patch: Patch) -> None:
    patch.setattr(claim, "Await", lambda latch, _: Await(latch, 60.0))


def _unbounded_wait(patch: Patch) -> None:
    patch.setattr(lookup, "Await", lambda latch, _: Await(latch, 60.0))


def _fail_after_all(patch: Patch) -> None:
    call = lead._call

    def called(*args: Any, **options: Any) -> Any:
        answer = yield from call(*args, **options)
        return Raised(LoaderFailed(), None) if answer == 1 else answer

    patch.setattr(lead, "_call", called)


def _refresh_with_anything(patch: Patch) -> None:
    ending = lookup._ending

    def anything(
        ctx: Context, query: Any, plan: Plan, *rest: Any, leads: bool
    ) -> object:
        return ending(ctx, query, Plan(), *rest, leads=leads)

    patch.setattr(lookup, "_ending", anything)


def _give_up_early(patch: Patch) -> None:
    patch.setattr(lookup, "Await", lambda latch, left: Await(latch, left - 2.0))


def _hold_failures_longer(patch: Patch) -> None:
    fail = Holds.fail

    def failed(holds: Holds, key: str, failure: Any, until: float, now: float) -> None:
        fail(holds, key, failure, until + 4.5, now)

    patch.setattr(Holds, "fail", failed)


def _tell_waiters_nothing(patch: Patch) -> None:
    outcome_of = landed.outcome_of

    def of(*args: Any, **options: Any) -> object:
        outcome = outcome_of(*args, **options)
        if isinstance(outcome, Suppressed):
            return attrs.evolve(outcome, value=None)
        return outcome

    patch.setattr(lookup, "outcome_of", of)


def _never_abandon(patch: Patch) -> None:
    patch.setattr(FlightTable, "find", lambda table, key, _: table._flights.get(key))


MUTATIONS: Final = (
    Mutation("some flights never land", "rule 5, rule 14", _never_land),
    Mutation(
        "waiters rely on the message",
        "rule 5",
        _outwait_leases,
        # One crash, for two may keep a waiter beyond its deadline as it is.
        workload=attrs.evolve(LONG_LOADS, calls=60, burst=0.9, span=4.0),
        faults=Faults(crashes=1.0),
    ),
    Mutation("waits have no deadline", "rule 5", _unbounded_wait, work.HANGING),
    Mutation(
        "what a load made is lost for an error",
        "rule 5",
        _fail_after_all,
        attrs.evolve(work.USUAL, failing=0.0),
    ),
    Mutation(
        "a refresh takes what is there",
        "refresh",
        _refresh_with_anything,
        work.FORCING,
    ),
    Mutation("callers give up too soon", "rule 5", _give_up_early, LONG_LOADS),
    Mutation(
        "failures are held for longer",
        "rule 5",
        _hold_failures_longer,
        work.FORCING,
    ),
    Mutation("who waited gets nothing", "rule 5", _tell_waiters_nothing),
    Mutation(
        "loads are never given up",
        "rule 5",
        _never_abandon,
        attrs.evolve(work.HANGING, span=24.0, policies=work.HANGING.policies[-1:]),
    ),
)
