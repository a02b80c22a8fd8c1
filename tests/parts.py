"""What tests of flows and machines make a node of."""

import threading

import attrs

from hybridcache.core.errors import Undecodable, Unencodable
from hybridcache.engine.kept import Kept
from hybridcache.engine.memory import Cause, MemoryTier
from hybridcache.engine.names import channel_of
from hybridcache.engine.node import Node
from hybridcache.engine.s3fifo import S3FIFO

CHANNEL = channel_of("p:", "o" * 16)
MARKER = b"m" * 16


@attrs.frozen
class Words:
    """The codec of texts; one that holds ``!`` has no encoding."""

    fingerprint: bytes = b"f" * 8
    immutable: bool = True

    def encode(self, value: str) -> bytes:
        """Encode."""
        if "!" in value:
            raise Unencodable(value)
        return value.encode()

    def decode(self, data: bytes) -> str:
        """Decode."""
        if data == b"?":
            raise Undecodable("body", "?")
        return data.decode()


def node_of(tier: MemoryTier[Kept] | None, *, redis: bool) -> Node:
    """Make a node, whole where it has a subscription to lose."""
    node = Node("ns", threading.RLock(), tier, CHANNEL if redis else None)
    if redis:
        node.subscribed(MARKER)
    return node


def memory_tier() -> MemoryTier[Kept]:
    """Make a memory tier of some size."""

    def removed(kept: Kept, _: Cause) -> None:
        kept.leave_indexes()

    return MemoryTier(
        max_items=100, max_bytes=None, replacement=S3FIFO(100, None), removed=removed
    )


@attrs.define(eq=False)
class Opened:
    """A cache, as the gauges see it."""

    name: str
    node: Node
    closed: bool = False
