"""What is served: its age, its bytes, whose it is, and what memory holds of it."""

from typing import Any, Final

import attrs

from hybridcache.core import blob
from hybridcache.core.decision import Fresh, decide
from hybridcache.core.errors import Unencodable
from hybridcache.core.outcome import HitFresh
from hybridcache.engine import (
    claim,
    lookup,
    recall,
    storing,
)
from hybridcache.engine.answers import Hit
from hybridcache.engine.context import Context
from hybridcache.engine.form import Packed, Whole
from hybridcache.engine.memory import MemoryTier
from hybridcache.testing import Faults
from hybridcache.testing import faults as faulty
from hybridcache.testing import workload as work
from tests.property.mutations.mutation import (
    Anything,
    Mutation,
    Patch,
    nothing,
)

DAMAGE = Faults(corruptions=12.0)


def _serve_expired(patch: Patch) -> None:
    def get(tier: MemoryTier, key: tuple[str, str], _: float) -> object:  # type: ignore[type-arg]
        return tier._records.get(key)

    patch.setattr(MemoryTier, "get", get)
    patch.setattr(lookup, "assess", lambda *_, **__: Fresh(0.0))


def _judge_once(patch: Patch) -> None:
    patch.setattr(lookup, "Expired", Anything)


def _age_by_a_slow_clock(patch: Patch) -> None:
    adopt = recall.adopt

    def adopted(ctx: Context, *rest: Any) -> object:
        redis, query, found, *others = rest
        found = attrs.evolve(found, now_us=found.now_us - 900_000)
        return adopt(ctx, redis, query, found, *others)

    patch.setattr(recall, "adopt", adopted)
    patch.setattr(claim, "adopt", adopted)


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


def _hand_out_the_object(patch: Patch) -> None:
    for place in (storing, recall, claim):
        patch.setattr(place, "held", lambda value, *_, **__: Whole(value))


def _share_what_was_read(patch: Patch) -> None:
    patch.setattr(Hit, "for_another", lambda hit: hit)


def _decode_once(patch: Patch) -> None:
    opened: dict[bytes, object] = {}

    def once(form: Packed[object]) -> object:
        if form.body not in opened:
            opened[form.body] = form.decode(form.body)
        return opened[form.body]

    patch.setattr(Packed, "open", once)


def _never_make_room(patch: Patch) -> None:
    patch.setattr(
        MemoryTier, "_make_room", lambda tier, record, _: tier._records.get(record.key)
    )


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


def _no_sweep(patch: Patch) -> None:
    patch.setattr(MemoryTier, "sweep", nothing)


def _miscount(patch: Patch) -> None:
    put = MemoryTier.put

    def counted_off_twice(tier: MemoryTier[Any], record: Any, now: float) -> bool:
        old = tier._records.get(record.key)
        there = put(tier, record, now)
        if there and old is not None and old is not record:
            tier._bytes -= old.size
        return there

    patch.setattr(MemoryTier, "put", counted_off_twice)


MUTATIONS: Final = (
    Mutation("expired entries are served", "rule 1", _serve_expired),
    Mutation(
        "a stale hit that waited is not judged again",
        "rule 1",
        _judge_once,
        workload=work.WAITING,
        nodes=1,
    ),
    Mutation("ages are told by a clock that is behind", "rule 1", _age_by_a_slow_clock),
    Mutation("memory has no bound", "rule 11", _never_make_room, work.SMALL),
    Mutation("memory has no bound in bytes", "rule 11", _never_make_room, work.HEAVY),
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
    Mutation("what is stale is called fresh", "rule 1", _call_stale_fresh),
    Mutation("max_stale is passed over", "rule 1", _any_staleness),
    Mutation("memory_ttl is passed over", "rule 1", _memory_for_long),
    Mutation("expired entries stay in memory", "rule 14", _no_sweep),
    Mutation("bytes are counted off twice", "rule 11", _miscount, work.HEAVY),
)
