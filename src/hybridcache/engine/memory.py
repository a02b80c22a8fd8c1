"""The memory tier: records in one dict, bounded in items and in bytes.

Knows when a record has to leave and counts why; which one leaves is the replacement
policy's choice, what has expired the deadlines'. No lock of its own: whoever calls
anything but `get` and `peek` holds one. No clock either: `now` is passed in.
"""

import enum
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

import attrs

from hybridcache.engine.expiry import Deadlines

MemoryKey: TypeAlias = tuple[str, str]
"""Namespace and key."""

# "A counter that is capped to 3" (Yang et al., SOSP 2023, section 4.1).
MAX_FREQ: Final = 3
# A put clears out this many expired records besides those whose room it needs. More
# than one, so that they go faster than they come; few, so that no put takes long.
PURGED_PER_PUT: Final = 8


@attrs.define(eq=False, weakref_slot=False)
class Record:
    """What the tier and the policies must know of an entry; subclass it for the rest.

    A record is put once, and then only its *freq* changes.

    Attributes:

        key: Namespace and key.

        size: Bytes that it counts.

        expires_at: Monotonic instant, seconds.

        freq: Reads since a policy last looked, up to `MAX_FREQ`. Readers count
            without a lock: now and then two reads count as one.

        ahead: The policy's: who entered its queue before it, while it is in one.

        behind: The policy's: who entered after it.

        main: The policy's: which of two queues it is in.
    """

    key: MemoryKey
    size: int
    expires_at: float
    freq: int = 0
    # Links in the record itself cost 16 bytes and let it leave from the middle of a
    # queue at once; a deque would keep the dead. Unset outside of a queue, so that a
    # record which left holds on to nobody.
    ahead: "Record" = attrs.field(init=False, repr=False)
    behind: "Record" = attrs.field(init=False, repr=False)
    main: bool = attrs.field(default=False, init=False, repr=False)


R = TypeVar("R", bound=Record)


class Cause(enum.Enum):
    """Why a record left; the values are labels of metrics."""

    EXPIRED = "expired"
    SIZE = "size"
    EXPLICIT = "explicit"
    REPLACED = "replaced"
    REFUSED = "refused"
    """Larger than the whole tier: it never came in."""


class Replacement(Protocol):
    """A replacement policy: which record leaves when one must. Called under the lock.

    Attributes:

        reads: Where readers leave the keys they read, for the policy to catch up on;
            None where counting in `Record.freq` is enough. Bounded.
    """

    reads: deque[MemoryKey] | None

    def add(self, record: Record) -> None:
        """Take in a record whose key it does not have."""

    def swap(self, old: Record, new: Record) -> None:
        """Put *new* in the place of *old*, which has the same key."""

    def remove(self, record: Record) -> None:
        """Let go of a record that leaves for a reason of the tier's."""

    def victim(self) -> Record:
        """Choose a record to evict and let go of it; there is at least one."""


class MemoryTier(Generic[R]):
    """Records by key, never more than *max_items* of them or *max_bytes* together.

    Args:

        max_items: At least 1.

        max_bytes: None for no bound.

        replacement: Empty, and this tier's alone.

        removed: Called under the lock with every record that leaves, and with one
            that could not enter, once each. It must not come back here.

    Attributes:

        removals: How many records left, by cause.
    """

    def __init__(
        self,
        *,
        max_items: int,
        max_bytes: int | None,
        replacement: Replacement,
        removed: Callable[[R, Cause], None],
    ) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._replacement = replacement
        self._reads = replacement.reads
        self._removed = removed
        self._records: dict[MemoryKey, R] = {}
        self._bytes = 0
        self._deadlines = Deadlines(self._records)
        self.removals = dict.fromkeys(Cause, 0)

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return f"MemoryTier({self.items} items, {self.bytes} bytes)"

    @property
    def max_items(self) -> int:
        """Most records."""
        return self._max_items

    @property
    def max_bytes(self) -> int | None:
        """Most bytes; None for no bound."""
        return self._max_bytes

    @property
    def items(self) -> int:
        """How many records it holds, those included that expired just now."""
        return len(self._records)

    @property
    def bytes(self) -> int:
        """The sum of their sizes."""
        return self._bytes

    def get(self, key: MemoryKey, now: float) -> R | None:
        """Return the record of *key* and count the read. Needs no lock.

        An expired record is none; a later writer will clear it out.
        """
        record = self._records.get(key)
        if record is None or record.expires_at <= now:
            return None
        if self._reads is not None:
            self._reads.append(key)
        elif record.freq < MAX_FREQ:
            record.freq += 1
        return record

    def peek(self, key: MemoryKey, now: float) -> R | None:
        """Return the record of *key*; this is no read to the policy. Needs no lock."""
        record = self._records.get(key)
        return None if record is None or record.expires_at <= now else record

    def records(self, namespace: str) -> list[R]:
        """Return all records of *namespace*."""
        return [record for key, record in self._records.items() if key[0] == namespace]

    def put(self, record: R, now: float) -> bool:
        """Store *record* in place of an older one of its key; False if it cannot be.

        What has expired makes room before anything alive does. A record that is too
        large, or has expired, is not stored, and the older one leaves all the same:
        it is no longer the key's value.
        """
        self._purge(now, PURGED_PER_PUT)
        key = record.key
        refused = self._max_bytes is not None and record.size > self._max_bytes
        if refused or record.expires_at <= now:
            self._leave(key, Cause.REPLACED)
            self._report(record, Cause.REFUSED if refused else Cause.EXPIRED)
            return False
        old = self._make_room(record, now)
        if old is record:
            return True
        self._records[key] = record
        self._bytes += record.size
        if old is None:
            self._replacement.add(record)
        else:
            self._bytes -= old.size
            record.freq = old.freq
            self._replacement.swap(old, record)
        self._deadlines.add(key, record.expires_at, now)
        if old is not None:
            expired = old.expires_at <= now
            self._report(old, Cause.EXPIRED if expired else Cause.REPLACED)
        return True

    def drop(self, key: MemoryKey) -> R | None:
        """Remove and return the record of *key*."""
        return self._leave(key, Cause.EXPLICIT)

    def clear(self, namespace: str) -> int:
        """Remove all records of *namespace*; return how many."""
        gone = self.records(namespace)
        for record in gone:
            self._leave(record.key, Cause.EXPLICIT)
        return len(gone)

    def sweep(self, now: float) -> int:
        """Remove all that has expired; return how many."""
        return self._purge(now, len(self._records))

    def _make_room(self, record: R, now: float) -> R | None:
        """Return the older record of the key, if that is still there afterwards."""
        max_bytes = self._max_bytes
        while True:
            # Again in each round, for it may itself be the one that leaves.
            old = self._records.get(record.key)
            items = len(self._records) + (old is None)
            size = self._bytes + record.size - (0 if old is None else old.size)
            if items <= self._max_items and (max_bytes is None or size <= max_bytes):
                return old
            if not self._purge(now, 1):
                victim = self._records.pop(self._replacement.victim().key)
                self._bytes -= victim.size
                self._report(victim, Cause.SIZE)

    def _purge(self, now: float, most: int) -> int:
        for purged in range(most):
            key = self._deadlines.pop(now)
            if key is None:
                return purged
            self._leave(key, Cause.EXPIRED)
        return most

    def _leave(self, key: MemoryKey, cause: Cause) -> R | None:
        record = self._records.pop(key, None)
        if record is not None:
            self._bytes -= record.size
            self._replacement.remove(record)
            self._report(record, cause)
        return record

    def _report(self, record: R, cause: Cause) -> None:
        self.removals[cause] += 1
        self._removed(record, cause)
