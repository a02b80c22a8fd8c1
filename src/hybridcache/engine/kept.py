"""A record of the memory tier: the form of a value and all that a hit must know."""

from typing import Final

import attrs

from hybridcache.engine.form import Form
from hybridcache.engine.memory import Record

# What a record costs besides its encoding: the record, its key, its places in the
# tier, in an index and in a queue. An accounting figure (design, rule 11), of the order
# that `benchmarks/hit_ratio.py --memory` shows: 145 bytes for the tier's part and 144
# for a bare record under S3-FIFO, before the key and what a record adds here.
OVERHEAD: Final = 512

NEVER: Final = float("-inf")
DISTRUSTED: Final = -1
"""An epoch that no subscription has: its records are suspect."""


@attrs.define(eq=False)
class Kept(Record):
    """One entry in memory.

    Attributes:

        form: How the value is held.

        fingerprint: Shape of the type it was stored as.

        written_at: Monotonic instant, seconds; never later than the write.

        kept_at: Monotonic instant at which it was put in memory, seconds.

        fresh_for: Seconds.

        ttl: Seconds.

        version: As in Redis; 0 where Redis never had it.

        identity: Tells Redis's entry from any other; empty where it never had it.

        epoch: The subscription's epoch that vouches for it.

        value: The object, once it may be served without another look.

        until: Monotonic instant until which *value* may be served so.

        places: Indexes by arguments that hold it, and under what.
    """

    form: Form[object] = attrs.field(kw_only=True)
    fingerprint: bytes = attrs.field(kw_only=True)
    written_at: float = attrs.field(kw_only=True)
    fresh_for: float = attrs.field(kw_only=True)
    ttl: float = attrs.field(kw_only=True)
    kept_at: float = attrs.field(default=NEVER, init=False)
    version: int = attrs.field(default=0, kw_only=True)
    identity: bytes = attrs.field(default=b"", kw_only=True)
    epoch: int = attrs.field(default=DISTRUSTED, kw_only=True)
    value: object = attrs.field(default=None, init=False)
    until: float = attrs.field(default=NEVER, init=False)
    places: list["tuple[dict[object, Kept], object]"] = attrs.field(
        factory=list, init=False
    )

    def leave_indexes(self) -> None:
        """Take the record out of every index by arguments."""
        self.until = NEVER
        for index, arguments in self.places:
            if index.get(arguments) is self:
                del index[arguments]
        self.places.clear()
