"""How things stand: gauges, read from the live caches when somebody looks."""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Final, Protocol, TypeAlias

import attrs

from hybridcache.core.breaker import State
from hybridcache.engine.node import Node


class Across(Enum):
    """What is shown of several processes together."""

    SUM = "sum"
    MOST = "max"
    LEAST = "min"


@attrs.frozen(eq=False)
class Gauge:
    """A gauge. Compared by identity.

    Attributes:

        name: As dashboards see it.

        help: One sentence.

        labels: Their names.

        across: What is shown of several processes together.

        gone: What it says of a cache that was closed, where it cannot disappear.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ("cache",)
    across: Across = Across.SUM
    gone: float = 0.0


MEMORY_ENTRIES: Final = Gauge(
    "hybridcache_memory_entries", "Entries that the cache's memory holds."
)
MEMORY_BYTES: Final = Gauge(
    "hybridcache_memory_bytes", "Bytes that the entries in the cache's memory count."
)
FLIGHTS: Final = Gauge("hybridcache_flights", "Loads under way that callers may join.")
BREAKER_STATE: Final = Gauge(
    "hybridcache_breaker_state",
    "1 for the state that the breaker before Redis is in, 0 for the others.",
    ("cache", "state"),
)
BLIND: Final = Gauge(
    "hybridcache_blind",
    "1 while the subscription cannot be trusted, so that memory is checked before use.",
    across=Across.MOST,
)
RECOVERY_BACKLOG: Final = Gauge(
    "hybridcache_recovery_backlog", "Leases that are still to be given back to Redis."
)
UPSTREAM_UP: Final = Gauge(
    "hybridcache_upstream_up",
    "0 from a request that Redis did not answer until it answers one.",
    across=Across.LEAST,
    gone=1.0,
)

GAUGES: Final = (
    MEMORY_ENTRIES,
    MEMORY_BYTES,
    FLIGHTS,
    BREAKER_STATE,
    BLIND,
    RECOVERY_BACKLOG,
    UPSTREAM_UP,
)

# Of two breakers the one that is further from closed is shown.
_WORSE: Final = (State.CLOSED, State.HALF_OPEN, State.OPEN)

Standing: TypeAlias = Mapping[tuple[str, ...], float]
"""A gauge's values by labels."""


class Live(Protocol):
    """A cache, as long as it is open."""

    @property
    def name(self) -> str:
        """Its name in metrics."""

    @property
    def closed(self) -> bool:
        """Whether it was closed."""

    @property
    def node(self) -> Node:
        """The machines that it runs on now."""


def standings(caches: Iterable[Live]) -> Mapping[Gauge, Standing]:
    """Read all gauges; what caches of one name share is counted once."""
    nodes: dict[str, dict[int, Node]] = {}
    for cache in caches:
        if not cache.closed:
            node = cache.node
            nodes.setdefault(cache.name, {})[id(node)] = node
    read: dict[Gauge, dict[tuple[str, ...], float]] = {one: {} for one in GAUGES}
    for name, distinct in nodes.items():
        for gauge, more, value in _of_name(list(distinct.values())):
            read[gauge][name, *more] = value
    return read


def _of_name(nodes: list[Node]) -> Iterator[tuple[Gauge, tuple[str, ...], float]]:
    yield FLIGHTS, (), sum(len(node.flights) for node in nodes)
    tiers = {id(node.tier): node.tier for node in nodes if node.tier is not None}
    if tiers:
        yield MEMORY_ENTRIES, (), sum(tier.items for tier in tiers.values())
        yield MEMORY_BYTES, (), sum(tier.bytes for tier in tiers.values())
    remote = [node for node in nodes if node.channel is not None]
    if not remote:
        return
    worst = max((node.gate.breaker.state for node in remote), key=_WORSE.index)
    for state in State:
        yield BREAKER_STATE, (state.value,), float(state is worst)
    yield BLIND, (), float(any(node.blind for node in remote))
    yield RECOVERY_BACKLOG, (), sum(node.leases.owed for node in remote)
    yield UPSTREAM_UP, (), float(all(node.gate.up for node in remote))
