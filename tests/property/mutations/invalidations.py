"""What invalidations reach, and what Redis says of them."""

from typing import Any, Final

import attrs

from hybridcache.core.outcome import Invalidated
from hybridcache.core.reply import NoStore
from hybridcache.engine import (
    keeper,
    lead,
    recall,
)
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context, ask
from hybridcache.engine.entry_requests import Invalidate
from hybridcache.engine.flights import FlightTable
from hybridcache.engine.heeding import heed
from hybridcache.engine.keeper import Keeper
from hybridcache.engine.memory import MemoryTier
from hybridcache.engine.messages import Kind, Message
from hybridcache.engine.names import names_of
from hybridcache.engine.node import Node
from hybridcache.engine.poison import PoisonRegistry
from hybridcache.engine.request import Fault
from hybridcache.testing import Faults
from hybridcache.testing import faults as faulty
from hybridcache.testing import workload as work
from tests.property.mutations.mutation import (
    Anything,
    Mutation,
    Patch,
    nothing,
    refusals_mean,
)


def _no_poison(patch: Patch) -> None:
    patch.setattr(PoisonRegistry, "spoil", nothing)


def _no_detaching(patch: Patch) -> None:
    patch.setattr(FlightTable, "detach", nothing)


def _no_local_drop(patch: Patch) -> None:
    patch.setattr(MemoryTier, "drop", nothing)


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
        return Anything()

    patch.setattr(recall, "wanted_stamp", marker)
    patch.setattr(MemoryTier, "clear", nothing)


def _invalidate_where_loads_end(patch: Patch) -> None:
    def heeded(one: Node, message: Message) -> None:
        heed(one, message)
        if message.kind is Kind.SETTLED and message.key is not None:
            one.invalidated(message.key)

    patch.setattr(keeper, "heed", heeded)


def _clear_where_subscribed(patch: Patch) -> None:
    subscribed = Node.subscribed

    def cleared(one: Node, marker: bytes, clears: int | None = None) -> bool:
        one.cleared(marker)
        return subscribed(one, marker, clears)

    patch.setattr(Node, "subscribed", cleared)


def _invalidate_in_redis_alone(ctx: Context, key: str) -> Flow[bool]:
    assert ctx.redis is not None
    assert ctx.node.channel is not None
    names = names_of(ctx.redis.prefix, key)
    request = Invalidate(names, ctx.node.channel, ctx.token())
    return not isinstance((yield from ask(ctx, ctx.redis, request)), Fault)


def _invalidate_what_is_unstored(patch: Patch) -> None:
    made = lead._made

    def invalidated(ctx: Context, query: Any, *rest: Any) -> Flow[object]:
        if any(isinstance(one, NoStore) for one in rest):
            yield from _invalidate_in_redis_alone(ctx, query.key)
        return (yield from made(ctx, query, *rest))

    patch.setattr(lead, "_made", invalidated)


def _keep_what_redis_keeps(patch: Patch) -> None:
    def invalidated(ctx: Context, key: str) -> Flow[Invalidated]:
        reached = yield from _invalidate_in_redis_alone(ctx, key)
        if reached:
            ctx.node.invalidated(key)
        return Invalidated(reached_redis=reached)

    patch.setattr("hybridcache.testing.calls.invalidate", invalidated)


MUTATIONS: Final = (
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
    Mutation(
        "a refused invalidation is taken for done",
        "rule 3",
        refusals_mean(Invalidate, True),
        workload=work.RENEWING,
        faults=faulty.REFUSALS,
    ),
    Mutation("the end of a load invalidates", "rule 3", _invalidate_where_loads_end),
    Mutation("a new subscription clears", "rule 3", _clear_where_subscribed),
    Mutation(
        "what is not to be stored is invalidated",
        "rule 3",
        _invalidate_what_is_unstored,
        work.STAMPEDE,
    ),
    Mutation(
        "memory is kept where Redis is not reached",
        "rule 3",
        _keep_what_redis_keeps,
        work.REMEMBERING,
        Faults(outages=2.0),
    ),
)
