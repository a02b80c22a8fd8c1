"""The entry of a key as each tier holds it, told without its value."""

from typing import Literal, TypeAlias

import attrs

from hybridcache.core.readable import seconds, size

State: TypeAlias = Literal["fresh", "stale", "expired"]


@attrs.frozen(kw_only=True)
class Aged:
    """How old an entry is, and how long it lives.

    Attributes:

        state: Fresh, stale or expired, by its own lives.

        age: Seconds since it was stored.

        fresh_for: Seconds that it is fresh, jitter taken off.

        ttl: Seconds that it lives.

        version: Grows with every write of the key; 0 where Redis never had it.
    """

    state: State
    age: float
    fresh_for: float
    ttl: float
    version: int

    def _life(self) -> str:
        return (
            f"{self.state}, {seconds(self.age)} old (fresh for"
            f" {seconds(self.fresh_for)}, ttl {seconds(self.ttl)})"
        )


@attrs.frozen(kw_only=True)
class InMemory(Aged):
    """The entry that memory holds.

    Attributes:

        leaves_in: Seconds until it leaves memory at the latest.

        size: Bytes that it counts, the fixed overhead included.

        trusted: Whether it may be served without asking Redis; else it is suspect.

        other_type: Whether it was stored as another declared type: passed over.
    """

    leaves_in: float
    size: int
    trusted: bool
    other_type: bool = False

    def __str__(self) -> str:
        trust = "trusted" if self.trusted else "suspect: checked with Redis first"
        if self.other_type:
            trust = "of another declared type: passed over"
        return (
            f"{self._life()}, {trust}; leaves in {seconds(self.leaves_in)}, counts"
            f" {size(self.size)}, version {self.version}"
        )


@attrs.frozen(kw_only=True)
class InRedis(Aged):
    """The entry that Redis holds, whole and readable.

    Attributes:

        left: Seconds until Redis drops it; None for never.

        size: Bytes in Redis.

        cleared: Whether a ``clear()`` has passed since: it is a miss.
    """

    left: float | None
    size: int
    cleared: bool

    def __str__(self) -> str:
        stamp = "cleared since: a miss" if self.cleared else "its stamp is valid"
        return (
            f"{self._life()}, {stamp}; {_leaves(self.left)}, {size(self.size)},"
            f" version {self.version}"
        )


@attrs.frozen(kw_only=True)
class Foreign:
    """What Redis holds under the name and no lookup can use: a miss.

    Attributes:

        reason: As in :class:`~hybridcache.UndecodableFound`: ``magic``, ``shape``...

        detail: More, for people; never of the value.

        size: Bytes; None where the name holds another type.

        left: Seconds until Redis drops it; None for never.
    """

    reason: str
    detail: str
    size: int | None
    left: float | None

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        count = "" if self.size is None else f", {size(self.size)}"
        return f"not readable: {self.reason}{detail}; {_leaves(self.left)}{count}"


def _leaves(left: float | None) -> str:
    return "never expires" if left is None else f"leaves in {seconds(left)}"
