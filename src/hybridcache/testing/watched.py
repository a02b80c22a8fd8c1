"""A simulated process's node and memory tier: production's, with what it does seen."""

from collections.abc import Callable
from hashlib import blake2b

import attrs

from hybridcache.engine.kept import Kept
from hybridcache.engine.memory import Cause, MemoryKey, MemoryTier
from hybridcache.engine.node import Node
from hybridcache.engine.s3fifo import S3FIFO


@attrs.define(eq=False)
class WatchedNode(Node):
    """A node whose invalidations are seen: by key, or None for all; and lost leases."""

    seen: Callable[[str | None], None] = attrs.field(
        default=lambda _: None, kw_only=True
    )
    seen_lost: Callable[[str], None] = attrs.field(default=lambda _: None, kw_only=True)

    def invalidated(self, key: str) -> None:
        """Carry out an invalidation here."""
        super().invalidated(key)
        self.seen(key)

    def cleared(self, marker: bytes | None) -> None:
        """Carry out a clear here."""
        super().cleared(marker)
        self.seen(None)

    def lost(self, token: str) -> None:
        """Let go of a load whose lease is gone."""
        super().lost(token)
        self.seen_lost(token)


def _hashed(key: MemoryKey) -> int:
    """Hash *key* alike in every process, so that a seed replays in any."""
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest())


def tier_of(max_items: int, max_bytes: int | None) -> MemoryTier[Kept]:
    """Make the memory tier of a process, with these bounds."""

    def removed(kept: Kept, _: Cause) -> None:
        kept.leave_indexes()

    return MemoryTier(
        max_items=max_items,
        max_bytes=max_bytes,
        replacement=S3FIFO(max_items, max_bytes, _hashed),
        removed=removed,
    )
