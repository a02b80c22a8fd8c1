"""Tests of the tests: with a rule's guard taken out, the breach is found."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from hybridcache.adapters.upstream import replies
from hybridcache.core import blob
from hybridcache.core.decision import Fresh, decide
from hybridcache.core.errors import Unencodable
from hybridcache.core.outcome import HitFresh
from hybridcache.engine import (
    claim,
    flights,
    keeper,
    landed,
    lead,
    lookup,
    node,
    own_lease,
    recall,
    storing,
)
from hybridcache.engine.answers import Hit
from hybridcache.engine.command import Ask, AsyncPorts, Await, CallLoader, Spawn
from hybridcache.engine.context import Context
from hybridcache.engine.current import Raised
from hybridcache.engine.entry_requests import Invalidate
from hybridcache.engine.flights import Flight, FlightTable
from hybridcache.engine.form import Packed, Whole
from hybridcache.engine.gate import Gate
from hybridcache.engine.heeding import heed
from hybridcache.engine.keeper import Keeper
from hybridcache.engine.lease_requests import Acquire, Granted
from hybridcache.engine.leases import LeaseBook
from hybridcache.engine.memory import MemoryTier
from hybridcache.engine.messages import Kind, Message
from hybridcache.engine.node import Node
from hybridcache.engine.plan import Plan
from hybridcache.engine.poison import PoisonRegistry
from hybridcache.engine.request import Fault, Request, Trouble
from hybridcache.engine.storing import value_and_lives
from hybridcache.engine.watches import Watches
from hybridcache.testing import (
    Cluster,
    Faults,
    Violation,
    Workload,
    redis_scripts,
)
from hybridcache.testing import faults as faulty
from hybridcache.testing import workload as work
from hybridcache.testing.keyspace import Keyspace
from hybridcache.testing.loads import LoaderFailed
from tests.falsified import falsified
from tests.property import test_flows, test_parity

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]

# So many schedules may pass before the breach is found.
SEEDS = 60


@attrs.frozen
class Mutation:
    """What is broken, where it shows, and which rules are then breached, each."""

    name: str
    rules: str
    plant: Plant
    workload: Workload = work.USUAL
    faults: Faults = faulty.CALM
    nodes: int = 3


def _hand_out_the_object(patch: Patch) -> None:
    for place in (storing, recall, claim):
        patch.setattr(place, "held", lambda value, *_, **__: Whole(value))


def _decode_once(patch: Patch) -> None:
    opened: dict[bytes, object] = {}

    def once(form: Packed[object]) -> object:
        if form.body not in opened:
            opened[form.body] = form.decode(form.body)
        return opened[form.body]

    patch.setattr(Packed, "open", once)


def _share_what_was_read(patch: Patch) -> None:
    patch.setattr(Hit, "for_another", lambda hit: hit)


def _nothing(*_: object, **__: object) -> None:
    return


def _serve_expired(patch: Patch) -> None:
    def get(tier: MemoryTier, key: tuple[str, str], _: float) -> object:  # type: ignore[type-arg]
        return tier._records.get(key)

    patch.setattr(MemoryTier, "get", get)
    patch.setattr(lookup, "assess", lambda *_, **__: Fresh(0.0))


def _judge_once(patch: Patch) -> None:
    patch.setattr(lookup, "Expired", _Any)


def _keep_expired(patch: Patch) -> None:
    patch.setattr(
        MemoryTier, "_make_room", lambda tier, record, _: tier._records.get(record.key)
    )


def _age_by_own_clock(patch: Patch) -> None:
    adopt = recall.adopt

    def adopted(ctx: Context, *rest: Any) -> object:
        redis, query, found, *others = rest
        found = attrs.evolve(found, now_us=int(ctx.now() * 1e6))
        return adopt(ctx, redis, query, found, *others)

    patch.setattr(recall, "adopt", adopted)
    patch.setattr(claim, "adopt", adopted)


def _take_held_leases(patch: Patch) -> None:
    request = claim._request
    patch.setattr(
        claim, "_request", lambda *args: attrs.evolve(request(*args), takes=True)
    )


def _no_flights(patch: Patch) -> None:
    patch.setattr(FlightTable, "find", _nothing)


def _no_renewals(patch: Patch) -> None:
    patch.setattr(LeaseBook, "to_renew", lambda *_: [])


def _no_second_read(patch: Patch) -> None:
    request = claim._request
    patch.setattr(
        claim,
        "_request",
        lambda *args: attrs.evolve(request(*args), entry_will_do=False),
    )


def _no_poison(patch: Patch) -> None:
    patch.setattr(PoisonRegistry, "spoil", _nothing)


def _no_detaching(patch: Patch) -> None:
    patch.setattr(FlightTable, "detach", _nothing)


def _no_local_drop(patch: Patch) -> None:
    patch.setattr(MemoryTier, "drop", _nothing)


def _deaf_to_invalidations(patch: Patch) -> None:
    def heeded(one: Node, message: Message) -> None:
        if message.kind is not Kind.INVALIDATED:
            heed(one, message)

    patch.setattr(keeper, "heed", heeded)


def _trust_while_blind(patch: Patch) -> None:
    patch.setattr(Node, "trusts", lambda *_: True)


def _blind_to_silence(patch: Patch) -> None:
    patch.setattr(Keeper, "dropped", _keep_trusting)


def _keep_trusting(keeper: Keeper, now: float) -> None:
    keeper.connected = False
    keeper._marker_at = None
    keeper._subscribe_at = now + 0.2


def _no_marker(patch: Patch) -> None:
    def marker(ctx: object, found: object) -> object:
        del ctx, found
        return _Any()

    patch.setattr(recall, "wanted_stamp", marker)
    patch.setattr(MemoryTier, "clear", _nothing)


class _Any:
    def __eq__(self, _: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __ne__(self, _: object) -> bool:
        return False


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


def _never_land(patch: Patch) -> None:
    land = Node.land
    count = [0]

    def landed(one: Node, flight: Flight, landing: object) -> None:
        count[0] += 1
        if count[0] % 7:
            land(one, flight, landing)  # type: ignore[arg-type]

    patch.setattr(Node, "land", landed)


def _outwait_leases(patch: Patch) -> None:
    patch.setattr(claim, "Await", lambda latch, _: node_await(latch, 60.0))


def _unbounded_wait(patch: Patch) -> None:
    patch.setattr(lookup, "Await", lambda latch, _: node_await(latch, 60.0))


node_await = Await


def _loads_in_callers(patch: Patch) -> None:
    spawn = Spawn
    patch.setattr(
        lookup, "Spawn", lambda flow, latch, **_: spawn(flow, latch, inline=True)
    )


def _leases_let_go(patch: Patch) -> None:
    patch.setattr(LeaseBook, "hold", _nothing)


def _any_bytes(patch: Patch) -> None:
    parse = blob.parse

    def parsed(data: bytes, name: str, shape: bytes) -> object:
        prelude = blob.prelude(name)
        return parse(prelude + data[len(prelude) :], name, shape)

    patch.setattr(blob, "parse", parsed)


def _no_checksum(patch: Patch) -> None:
    patch.setattr(blob, "crc32", lambda _: 7)


def _raise_for_bytes(patch: Patch) -> None:
    patch.setattr(recall, "Undecodable", Unencodable)
    patch.setattr(claim, "Undecodable", Unencodable)


def _no_cycles_seen(patch: Patch) -> None:
    patch.setattr(own_lease, "check_cycle", _nothing)
    patch.setattr(node, "check_cycle", _nothing)
    patch.setattr(flights, "check_cycle", _nothing)


def _own_lease_awaited(patch: Patch) -> None:
    patch.setattr(lookup, "check_own_lease", _nothing)
    patch.setattr(LeaseBook, "holder", _nothing)


def _fills_left_open(patch: Patch) -> None:
    patch.setattr(PoisonRegistry, "close", _nothing)


def _watches_left(patch: Patch) -> None:
    patch.setattr(Watches, "remove", _nothing)


def _leases_kept(patch: Patch) -> None:
    patch.setattr(LeaseBook, "drop", _nothing)


def _never_barred(patch: Patch) -> None:
    patch.setattr(Gate, "barred", lambda _: Fault(Trouble.DOWN, "always"))


# Most outlast the three seconds of a lease, and nothing ends one but its time.
LONG_LOADS = Workload(
    keys=1, burst=0.3, span=15.0, slow=0.9, failing=0.0, unstored=0.0,
    invalidate=0.0, clear=0.0,
)  # fmt: skip
DAMAGE = Faults(corruptions=12.0)


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


def _call_stale_fresh(patch: Patch) -> None:
    patch.setattr(
        lookup,
        "HitStale",
        lambda value, *, tier, age, **_: HitFresh(value, tier=tier, age=age),
    )


def _any_staleness(patch: Patch) -> None:
    patch.setattr(
        lookup,
        "decide",
        lambda state, policy, **rest: decide(
            state, policy.evolve(max_stale=None), **rest
        ),
    )


def _memory_for_long(patch: Patch) -> None:
    for place in (storing, recall):
        kept_of = place.kept_of

        def kept(
            ctx: Context, query: Any, *rest: Any, make: Any = kept_of, **options: Any
        ) -> object:
            longer = attrs.evolve(query, policy=query.policy.evolve(memory_ttl=None))
            return make(ctx, longer, *rest, **options)

        patch.setattr(place, "kept_of", kept)


def _store_all(patch: Patch) -> None:
    patch.setattr(
        lead,
        "value_and_lives",
        lambda query, plan, reply: value_and_lives(
            query, plan, getattr(reply, "value", reply)
        ),
    )


class _Never:
    pass


def _keep_the_lost(patch: Patch) -> None:
    patch.setattr(storing, "Lost", _Never)


def _trust_unconfirmed(patch: Patch) -> None:
    keep = Node.keep
    patch.setattr(
        Node,
        "keep",
        lambda node, kept, fill, now, **_: keep(node, kept, fill, now, confirmed=True),
    )


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


def _refusals_mean(request: type[Request[object]], meant: object) -> Plant:
    def plant(patch: Patch) -> None:
        read = replies.read

        def misread(asked: Request[object], told: list[object]) -> object:
            answer = read(asked, told)
            refused = isinstance(answer, Fault) and answer.trouble is Trouble.REFUSED
            return meant if refused and isinstance(asked, request) else answer

        patch.setattr("hybridcache.testing.network.read", misread)

    return plant


MUTATIONS = (
    Mutation("expired entries are served", "rule 1", _serve_expired),
    Mutation(
        "a stale hit that waited is not judged again",
        "rule 1",
        _judge_once,
        workload=work.WAITING,
        nodes=1,
    ),
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
    Mutation(
        "fills are not poisoned",
        "rule 3",
        _no_poison,
        workload=attrs.evolve(
            work.REMEMBERING, calls=80, max_items=1, invalidate=0.3, burst=0.9
        ),
    ),
    Mutation("flights stay attached", "rule 3", _no_detaching, workload=work.RENEWING),
    Mutation("memory is not dropped", "rule 3", _no_local_drop, workload=work.RENEWING),
    Mutation(
        "messages are not heeded",
        "rule 3",
        _deaf_to_invalidations,
        workload=work.REMEMBERING,
    ),
    Mutation(
        "a blind node trusts its memory",
        "rule 3",
        _trust_while_blind,
        workload=work.REMEMBERING,
        faults=Faults(dropped=4.0, silent=4.0),
    ),
    Mutation(
        "a lost subscription is not noticed",
        "rule 3",
        _blind_to_silence,
        workload=attrs.evolve(
            work.REMEMBERING, calls=80, keys=3, invalidate=0.1, burst=0.3
        ),
        faults=Faults(dropped=4.0, silent=4.0),
    ),
    Mutation("stamps are not compared", "rule 3", _no_marker, workload=work.RENEWING),
    Mutation("tokens are not compared", "rule 4", _no_token_check, work.RENEWING),
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
        "a load dies with its caller",
        "rule 6",
        _loads_in_callers,
        faults=faulty.CALLERS,
    ),
    Mutation("a lease is not held", "rule 2, rule 7", _leases_let_go, LONG_LOADS),
    Mutation("ages are told by own clocks", "rule 1", _age_by_own_clock),
    Mutation("memory has no bound", "rule 11", _keep_expired, work.SMALL),
    Mutation("memory has no bound in bytes", "rule 11", _keep_expired, work.HEAVY),
    Mutation(
        "any key's bytes will do", "rule 12", _any_bytes, work.REMEMBERING, DAMAGE
    ),
    Mutation(
        "no checksum is compared",
        "rule 12",
        _no_checksum,
        work.REMEMBERING,
        DAMAGE,
    ),
    Mutation("bad bytes raise", "rule 12", _raise_for_bytes, faults=faulty.BYTES),
    Mutation("cycles are not seen", "rule 13", _no_cycles_seen, work.NESTED, nodes=1),
    Mutation(
        "memory hands out the object", "rule 8", _hand_out_the_object, work.CHANGING
    ),
    Mutation(
        "sharers of a read share the value",
        "rule 8",
        _share_what_was_read,
        work.CHANGING,
    ),
    Mutation("bytes are decoded once", "rule 8", _decode_once, work.CHANGING),
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
    Mutation("what is stale is called fresh", "rule 1", _call_stale_fresh),
    Mutation("max_stale is passed over", "rule 1", _any_staleness),
    Mutation("memory_ttl is passed over", "rule 1", _memory_for_long),
    Mutation("NoStore is stored", "rule 4", _store_all),
    Mutation("a lost write is kept", "rule 4", _keep_the_lost, work.APART),
    Mutation(
        "an unconfirmed write is trusted",
        "rule 4",
        _trust_unconfirmed,
        work.REMEMBERING,
        Faults(request_lost=0.2),
    ),
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
    Mutation(
        "a refused invalidation is taken for done",
        "rule 3",
        _refusals_mean(Invalidate, True),
        workload=work.RENEWING,
        faults=faulty.REFUSALS,
    ),
    Mutation(
        "a refused lease is taken for granted",
        "rule 2",
        _refusals_mean(Acquire, Granted()),
        workload=LONG_LOADS,
        faults=faulty.REFUSALS,
    ),
    Mutation(
        "a garbled reply is taken for a lease",
        "rule 2",
        _refusals_mean(Acquire, Granted()),
        workload=work.STAMPEDE,
        faults=Faults(garbled=0.2),
    ),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_a_broken_library_breaks_a_rule(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a rule's guard prevents happens within a few schedules without it."""
    mutation.plant(monkeypatch)
    missing = set(mutation.rules.split(", "))

    for seed in range(SEEDS):
        cluster = Cluster(
            seed=seed,
            nodes=mutation.nodes,
            workload=mutation.workload,
            faults=mutation.faults,
        )
        try:
            cluster.run()
        except Violation as violation:
            missing -= {line.split(":")[0] for line in str(violation).splitlines()}
        if not missing:
            return
    pytest.fail(f"{SEEDS} schedules, and {missing} held though {mutation.name}")


def _ends_waits_at_once(patch: Patch) -> None:
    async def arun(*_: object) -> None:
        return

    patch.setattr(Await, "arun", arun)


def _takes_refusals_for_outages(patch: Patch) -> None:
    answer = Ask.arun

    async def arun(one: Ask[object], ports: AsyncPorts) -> object:
        told = await answer(one, ports)
        return Fault(Trouble.DOWN, "told so") if isinstance(told, Fault) else told

    patch.setattr(Ask, "arun", arun)


def _wraps_errors(patch: Patch) -> None:
    call = CallLoader.arun

    async def arun(one: CallLoader, ports: AsyncPorts) -> object:
        told = await call(one, ports)
        if isinstance(told, Raised):
            return Raised(RuntimeError(str(told.error)), told.traceback)
        return told

    patch.setattr(CallLoader, "arun", arun)


COLOURS_OF_THEIR_OWN = {
    "waits end at once": _ends_waits_at_once,
    "a refusal is an outage": _takes_refusals_for_outages,
    "a loader's error is wrapped": _wraps_errors,
}
colours_of_their_own = pytest.mark.parametrize(
    "plant", COLOURS_OF_THEIR_OWN.values(), ids=COLOURS_OF_THEIR_OWN.keys()
)


@colours_of_their_own
def test_tasks_that_are_told_otherwise_are_noticed(
    plant: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one command answers tasks otherwise, their caches say other things."""
    plant(monkeypatch)

    def alike(script: list[test_parity.Step]) -> None:
        assert test_parity.said("sync", script) == test_parity.said("async", script)

    assert falsified(alike, 150, script=test_parity.scripts)


@colours_of_their_own
def test_a_driver_that_answers_otherwise_is_noticed(
    plant: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one command answers tasks otherwise, the flows come to other ends."""
    plant(monkeypatch)

    assert falsified(
        test_flows.test_colours.hypothesis.inner_test,  # type: ignore[attr-defined]  # given's
        300,
        script=test_flows.scripts,
        made=test_flows.calls,
        policy=test_flows.policies,
        shape=test_flows.shapes,
        redis=test_flows.redis_or_not,
    )
