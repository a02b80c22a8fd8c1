"""Gather how a node is: from its machines alone, nothing is asked or changed."""

from hybridcache.core.health import Health, MemoryHealth, UpstreamHealth
from hybridcache.engine.context import Context
from hybridcache.engine.node import Node


def health_of(ctx: Context, *, max_abandoned: int) -> Health:
    """Say how the cache of *ctx* is."""
    node, now = ctx.node, ctx.now()
    with node.lock:
        return Health(
            cache=ctx.cache,
            closed=ctx.closed(),
            loads=len(node.flights),
            abandoned=node.flights.overdue(now),
            max_abandoned=max_abandoned,
            upstream=None if ctx.redis is None else _upstream(node, now),
            memory=_memory(node),
        )


def _upstream(node: Node, now: float) -> UpstreamHealth:
    gate = node.gate
    breaker = gate.breaker
    return UpstreamHealth(
        up=gate.up,
        cause="" if gate.up else breaker.cause,
        breaker=breaker.state.value,
        failures=breaker.failures,
        refusal=gate.refusal if now < gate.refused_until else "",
        blind=node.blind,
        backlog=node.leases.owed,
    )


def _memory(node: Node) -> MemoryHealth | None:
    tier = node.tier
    if tier is None:
        return None
    return MemoryHealth(
        entries=tier.items,
        bytes=tier.bytes,
        max_entries=tier.max_items,
        max_bytes=tier.max_bytes,
    )
