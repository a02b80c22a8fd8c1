"""Tests of the simulator: with a rule's guard taken out, it finds the breach."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from hybridcache.core import blob
from hybridcache.core.decision import Fresh
from hybridcache.core.errors import Unencodable
from hybridcache.engine import claim, flights, lookup, node, recall
from hybridcache.engine.command import Await, Spawn
from hybridcache.engine.context import Context
from hybridcache.engine.flights import Flight, FlightTable
from hybridcache.engine.gate import Gate
from hybridcache.engine.keeper import Keeper
from hybridcache.engine.leases import LeaseBook
from hybridcache.engine.memory import MemoryTier
from hybridcache.engine.messages import Kind, Message
from hybridcache.engine.node import Node
from hybridcache.engine.poison import PoisonRegistry
from hybridcache.engine.request import Fault, Trouble
from hybridcache.engine.watches import Watches
from hybridcache.testing import Cluster, Faults, Violation, Workload, redis_scripts
from hybridcache.testing import faults as faulty
from hybridcache.testing import workload as work
from hybridcache.testing.keyspace import Keyspace

Patch = pytest.MonkeyPatch

# So many schedules may pass before the breach is found.
SEEDS = 60


@attrs.frozen
class Mutation:
    """What is broken, where it shows, and which rule is then breached."""

    name: str
    rule: str
    plant: Callable[[Patch], None]
    workload: Workload = work.USUAL
    faults: Faults = faulty.CALM
    nodes: int = 3


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
    handle = Node.handle

    def handled(one: Node, message: Message) -> None:
        if message.kind is not Kind.INVALIDATED:
            handle(one, message)

    patch.setattr(Node, "handle", handled)


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

    patch.setattr(recall, "_marker", marker)
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
    patch.setattr(lookup, "check_cycle", _nothing)
    patch.setattr(node, "check_cycle", _nothing)
    patch.setattr(flights, "check_cycle", _nothing)


def _own_lease_awaited(patch: Patch) -> None:
    patch.setattr(lookup, "_check_own_lease", _nothing)
    patch.setattr(LeaseBook, "holder", _nothing)


def _fills_left_open(patch: Patch) -> None:
    patch.setattr(PoisonRegistry, "close", _nothing)


def _watches_left(patch: Patch) -> None:
    patch.setattr(Watches, "remove", _nothing)


def _leases_kept(patch: Patch) -> None:
    patch.setattr(LeaseBook, "drop", _nothing)


def _never_barred(patch: Patch) -> None:
    patch.setattr(Gate, "barred", lambda _: Fault(Trouble.DOWN, "always"))


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
    Mutation("no lease is renewed", "rule 2", _no_renewals, workload=work.STAMPEDE),
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
        workload=attrs.evolve(work.REMEMBERING, keys=1, invalidate=0.3, burst=0.8),
    ),
    Mutation("flights stay attached", "rule 3", _no_detaching, workload=work.RENEWING),
    Mutation("memory is not dropped", "rule 3", _no_local_drop, workload=work.RENEWING),
    Mutation(
        "messages are not heeded",
        "rule 3",
        _deaf_to_invalidations,
        workload=work.RENEWING,
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
        workload=work.REMEMBERING,
        faults=Faults(dropped=4.0, silent=4.0),
    ),
    Mutation("stamps are not compared", "rule 3", _no_marker, workload=work.RENEWING),
    Mutation("tokens are not compared", "rule 4", _no_token_check, work.RENEWING),
    Mutation("some flights never land", "rule", _never_land),
    Mutation(
        "waiters rely on the message",
        "rule 5",
        _outwait_leases,
        workload=work.STAMPEDE,
        faults=Faults(crashes=3.0),
    ),
    Mutation("waits have no deadline", "rule 5", _unbounded_wait, work.HANGING),
    Mutation(
        "a load dies with its caller",
        "rule",
        _loads_in_callers,
        faults=faulty.CALLERS,
    ),
    Mutation("a lease is not held", "rule", _leases_let_go, work.STAMPEDE),
    Mutation("ages are told by own clocks", "rule 1", _age_by_own_clock),
    Mutation("memory has no bound", "rule 11", _keep_expired, work.SMALL),
    Mutation(
        "any key's bytes will do", "rule 12", _any_bytes, work.REMEMBERING, faulty.BYTES
    ),
    Mutation(
        "no checksum is compared", "rule", _no_checksum, work.REMEMBERING, faulty.BYTES
    ),
    Mutation("bad bytes raise", "rule", _raise_for_bytes, faults=faulty.BYTES),
    Mutation("cycles are not seen", "rule", _no_cycles_seen, work.NESTED, nodes=1),
    Mutation("fills stay open", "rule 14", _fills_left_open),
    Mutation(
        "a load waits for its own lease",
        "rule 5",
        _own_lease_awaited,
        work.CLEARING,
        nodes=1,
    ),
    Mutation("watches stay", "rule 14", _watches_left),
    Mutation("leases stay in the book", "rule", _leases_kept),
    Mutation("Redis is never asked", "rule", _never_barred),
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_a_broken_library_breaks_a_rule(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a rule's guard prevents happens within a few schedules without it."""
    mutation.plant(monkeypatch)

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
            if mutation.rule in str(violation):
                return
    pytest.fail(f"{SEEDS} schedules, and nobody noticed that {mutation.name}")
