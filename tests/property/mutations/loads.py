"""How keys are loaded: once at a time, under a lease, and stored while it stands."""

from typing import Any, Final

import attrs
import pytest

from hybridcache.core.errors import ReentrantLoad
from hybridcache.core.reply import NotModified
from hybridcache.engine import (
    claim,
    flights,
    landed,
    lead,
    lookup,
    node,
    own_lease,
    storing,
)
from hybridcache.engine.command import Spawn
from hybridcache.engine.context import Context
from hybridcache.engine.flights import Flight, FlightTable, Loaded
from hybridcache.engine.gate import Gate
from hybridcache.engine.lease_requests import Acquire, Granted, Mode
from hybridcache.engine.leases import LeaseBook
from hybridcache.engine.node import Node
from hybridcache.engine.plan import Plan
from hybridcache.engine.poison import PoisonRegistry
from hybridcache.engine.request import Fault, Trouble
from hybridcache.engine.storing import value_and_lives
from hybridcache.engine.watches import Watches
from hybridcache.testing import Faults, redis_scripts
from hybridcache.testing import faults as faulty
from hybridcache.testing import workload as work
from hybridcache.testing.keyspace import Keyspace
from tests.property.mutations.mutation import (
    LONG_LOADS,
    Mutation,
    Patch,
    nothing,
    refusals_mean,
)


def _take_held_leases(patch: Patch) -> None:
    request = claim._request
    patch.setattr(
        claim, "_request", lambda *args: attrs.evolve(request(*args), takes=True)
    )


def _no_flights(patch: Patch) -> None:
    patch.setattr(FlightTable, "find", nothing)


def _no_renewals(patch: Patch) -> None:
    patch.setattr(LeaseBook, "to_renew", lambda *_: [])


def _no_second_read(patch: Patch) -> None:
    request = claim._request
    patch.setattr(
        claim,
        "_request",
        lambda *args: attrs.evolve(request(*args), entry_will_do=False),
    )


def _leases_let_go(patch: Patch) -> None:
    patch.setattr(LeaseBook, "hold", nothing)


def _never_barred(patch: Patch) -> None:
    patch.setattr(Gate, "barred", lambda _: Fault(Trouble.DOWN, "always"))


def _freed_on_timeout(patch: Patch) -> None:
    tables: dict[Flight, FlightTable] = {}
    start, too_late = FlightTable.start, landed.too_late

    def started(table: FlightTable, *args: Any, **options: Any) -> Flight:
        flight = start(table, *args, **options)
        tables[flight] = table
        return flight

    def freed(query: Any, flight: Flight, landing: Any) -> Exception:
        tables[flight].let_go(flight)
        return too_late(query, flight, landing)

    patch.setattr(FlightTable, "start", started)
    patch.setattr(lookup, "too_late", freed)


def _no_token_check(patch: Patch) -> None:
    patch.setattr(redis_scripts, "_stands", lambda *_: True)
    string = Keyspace.string

    def there(space: object, name: bytes) -> object:
        found = string(space, name)  # type: ignore[arg-type]
        return b"x" * 16 if found is None and name.endswith(b":lease") else found

    write = redis_scripts._write

    def written(*args: Any) -> object:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(Keyspace, "string", there)
            return write(*args)

    steps = dict(redis_scripts.STEPS)
    for sha, step in steps.items():
        if step is write:
            steps[sha] = written
    patch.setattr("hybridcache.testing.redis_model.STEPS", steps)


def _store_all(patch: Patch) -> None:
    patch.setattr(
        lead,
        "value_and_lives",
        lambda query, plan, reply: value_and_lives(
            query, plan, getattr(reply, "value", reply)
        ),
    )


def _keep_the_lost(patch: Patch) -> None:
    patch.setattr(storing, "Lost", _Never)


class _Never:
    pass


def _trust_unconfirmed(patch: Patch) -> None:
    keep = Node.keep
    patch.setattr(
        Node,
        "keep",
        lambda node, kept, fill, now, **_: keep(node, kept, fill, now, confirmed=True),
    )


def _loads_in_callers(patch: Patch) -> None:
    spawn = Spawn
    patch.setattr(
        lookup, "Spawn", lambda flow, latch, **_: spawn(flow, latch, inline=True)
    )


def _no_cycles_seen(patch: Patch) -> None:
    patch.setattr(own_lease, "check_cycle", nothing)
    patch.setattr(node, "check_cycle", nothing)
    patch.setattr(flights, "check_cycle", nothing)


def _own_lease_awaited(patch: Patch) -> None:
    patch.setattr(lookup, "check_own_lease", nothing)
    patch.setattr(LeaseBook, "holder", nothing)


def _fills_left_open(patch: Patch) -> None:
    patch.setattr(PoisonRegistry, "close", nothing)


def _watches_left(patch: Patch) -> None:
    patch.setattr(Watches, "remove", nothing)


def _leases_kept(patch: Patch) -> None:
    patch.setattr(LeaseBook, "drop", nothing)


def _force_all(patch: Patch) -> None:
    request = claim._request
    patch.setattr(
        claim,
        "_request",
        lambda *args: attrs.evolve(
            request(*args), mode=Mode.FORCE, entry_will_do=False
        ),
    )


def _lose_the_unmodified(patch: Patch) -> None:
    def of(query: Any, plan: Plan, reply: object) -> object:
        value, lives = value_and_lives(query, plan, reply)
        return value, None if isinstance(reply, NotModified) else lives

    patch.setattr(lead, "value_and_lives", of)


def _hand_on_the_unstored(patch: Patch) -> None:
    """Give what was not to be stored to who comes within three seconds of its start."""
    land, fly = Node.land, lookup.fly
    landings: dict[tuple[Node, str], tuple[Loaded[Any], float]] = {}

    def landed_(one: Node, flight: Flight, landing: Any) -> None:
        land(one, flight, landing)
        if isinstance(landing, Loaded) and not landing.stored:
            landings[one, flight.key] = landing, flight.began_at + 3.0

    def flown(ctx: Context, query: Any, plan: Plan, begun: float, *rest: Any) -> Any:
        landing, until = landings.get((ctx.node, query.key), (None, 0.0))
        if landing is not None and ctx.now() < until and plan.mode is Mode.LOAD:
            return landed.outcome_of(ctx, query, landing, begun, leads=False)
        return (yield from fly(ctx, query, plan, begun, *rest))

    patch.setattr(Node, "land", landed_)
    patch.setattr(lookup, "fly", flown)


def _see_circles(patch: Patch) -> None:
    def check(waiting: Flight, awaited: Flight) -> None:
        if awaited.loads or awaited.reaches(waiting):
            raise ReentrantLoad

    for place in (own_lease, node, flights):
        patch.setattr(place, "check_cycle", check)


MUTATIONS: Final = (
    Mutation(
        "a held lease is taken", "rule 2", _take_held_leases, workload=work.STAMPEDE
    ),
    Mutation(
        "no flight is joined",
        "rule 2",
        _no_flights,
        workload=attrs.evolve(work.STAMPEDE, calls=20, slow=0.0, span=3.0),
        faults=Faults(outages=2.0),
    ),
    Mutation(
        "no flight is joined where each process loads",
        "rule 2",
        _no_flights,
        workload=attrs.evolve(work.APART, burst=0.9),
    ),
    Mutation("no lease is renewed", "rule 2, rule 7", _no_renewals, LONG_LOADS),
    Mutation(
        "no second read with the lease",
        "rule 2",
        _no_second_read,
        workload=work.STAMPEDE,
    ),
    Mutation("tokens are not compared", "rule 4", _no_token_check, work.RENEWING),
    Mutation(
        "a load dies with its caller",
        "rule 6",
        _loads_in_callers,
        faults=faulty.CALLERS,
    ),
    Mutation("a lease is not held", "rule 2, rule 7", _leases_let_go, LONG_LOADS),
    Mutation("cycles are not seen", "rule 13", _no_cycles_seen, work.NESTED, nodes=1),
    Mutation("fills stay open", "rule 14", _fills_left_open),
    Mutation(
        "a load waits for its own lease",
        "rule 13",
        _own_lease_awaited,
        work.CLEARING,
        nodes=1,
    ),
    Mutation("watches stay", "rule 14", _watches_left),
    Mutation("leases stay in the book", "rule 14", _leases_kept),
    Mutation("Redis is never asked", "rule 2", _never_barred),
    Mutation(
        "flights are let go when a caller's time is up",
        "rule 2",
        _freed_on_timeout,
        work.HANGING,
        Faults(outages=2.0),
    ),
    Mutation("NoStore is stored", "rule 4", _store_all),
    Mutation("a lost write is kept", "rule 4", _keep_the_lost, work.APART),
    Mutation(
        "an unconfirmed write is trusted",
        "rule 4",
        _trust_unconfirmed,
        work.REMEMBERING,
        Faults(request_lost=0.2),
    ),
    Mutation("all loads are forced", "rule 2", _force_all, work.STAMPEDE),
    Mutation(
        "what is unmodified is not stored",
        "rule 7",
        _lose_the_unmodified,
        attrs.evolve(work.USUAL, unmodified=0.3),
    ),
    Mutation(
        "what is not to be stored lingers",
        "rule 4",
        _hand_on_the_unstored,
        work.STAMPEDE,
    ),
    Mutation("any load that runs is a circle", "rule 13", _see_circles, work.NESTED),
    Mutation(
        "a refused lease is taken for granted",
        "rule 2",
        refusals_mean(Acquire, Granted()),
        workload=LONG_LOADS,
        faults=faulty.REFUSALS,
    ),
    Mutation(
        "a garbled reply is taken for a lease",
        "rule 2",
        refusals_mean(Acquire, Granted()),
        workload=work.STAMPEDE,
        faults=Faults(garbled=0.2),
    ),
)
