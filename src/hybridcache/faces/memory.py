"""The memory tier as users make it, and what the caches on it share."""

import threading

import attrs

from hybridcache.adapters.eviction import replacement_of
from hybridcache.core.policy import Duration, seconds
from hybridcache.engine.kept import Kept
from hybridcache.engine.memory import Cause, MemoryTier
from hybridcache.engine.rows import Evictions
from hybridcache.faces.forks import survive_forks

# A service of some size: a few hundred MB beside its own heap.
DEFAULT_MAX_ITEMS = 100_000
DEFAULT_MAX_BYTES = 256 * 2**20


class Memory:
    """A bounded memory tier; caches that are given the same one share it.

    Args:

        max_items: Most entries.

        max_bytes: Most bytes, as encoded, plus a fixed overhead an entry; None for
            no bound.

        max_ttl: Longest life of an entry in memory, seconds.

        eviction: ``"s3fifo"``, ``"lru"``, ``"lfu"`` or ``"fifo"``.

    Raises:

        TypeError: A bound is of a wrong type.

        ValueError: A bound is not positive, or the eviction is unknown.
    """

    def __init__(
        self,
        *,
        max_items: int = DEFAULT_MAX_ITEMS,
        max_bytes: int | None = DEFAULT_MAX_BYTES,
        max_ttl: Duration | None = None,
        eviction: str = "s3fifo",
    ) -> None:
        _check_bound("max_items", max_items)
        if max_bytes is not None:
            _check_bound("max_bytes", max_bytes)
        self.max_ttl = None if max_ttl is None else seconds(max_ttl)
        if self.max_ttl is not None and not self.max_ttl > 0.0:
            msg = f"max_ttl must be seconds above 0, not {max_ttl!r}"
            raise ValueError(msg)
        self.eviction = eviction
        self.lock = threading.RLock()
        self.removals = Removals(self.lock)
        self.tier: MemoryTier[Kept] = MemoryTier(
            max_items=max_items,
            max_bytes=max_bytes,
            replacement=replacement_of(eviction, max_items, max_bytes),
            removed=self.removals.take,
        )
        # What caches share here, by upstream and prefix; kept by faces/station.py.
        self.shared: dict[str, object] = {}
        survive_forks(self.lock)

    def __repr__(self) -> str:
        return f"Memory({self.items} items, {self.bytes} bytes)"

    @property
    def items(self) -> int:
        """How many entries it holds."""
        return self.tier.items

    @property
    def bytes(self) -> int:
        """How many bytes they count."""
        return self.tier.bytes


@attrs.define(eq=False)
class Removals:
    """What happens to a record that leaves memory, and where it is counted."""

    _lock: threading.RLock
    # By namespace; for each cache that puts records there. They outlive the caches.
    _counted: dict[str, tuple[Evictions, ...]] = attrs.field(factory=dict, init=False)

    def count(self, namespace: str, evictions: Evictions) -> None:
        """Count there what leaves *namespace*, too."""
        with self._lock:
            known = self._counted.get(namespace, ())
            if evictions not in known:
                self._counted[namespace] = (*known, evictions)

    def take(self, kept: Kept, cause: Cause) -> None:
        """Let nobody find *kept* any more; called under the lock."""
        kept.leave_indexes()
        for evictions in self._counted.get(kept.key[0], ()):
            evictions.add(cause)


def _check_bound(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        msg = f"{name} must be an int, not {value!r}"
        raise TypeError(msg)
    if value < 1:
        msg = f"{name} must be at least 1, not {value!r}"
        raise ValueError(msg)
