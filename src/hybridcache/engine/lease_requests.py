"""Requests about one key's lease: read-or-lease, renew, release without an entry."""

from collections.abc import Sequence
from enum import Enum
from typing import ClassVar, Final, TypeAlias

import attrs

from hybridcache.engine import scripts
from hybridcache.engine.entry_requests import Found
from hybridcache.engine.messages import Kind, head
from hybridcache.engine.names import Channel, Names
from hybridcache.engine.request import (
    Call,
    Command,
    Fault,
    Garbled,
    Request,
    ServerError,
    integer,
    kind,
    microseconds,
    milliseconds,
    sequence,
)

# Renewed every second; two renewals may be lost (design, section 6).
LEASE_MS: Final = 3000


# How long what was not stored waits for those who asked (design, section 7).
RESULT_MS: Final = 5000


@attrs.frozen
class Granted:
    """The lease is ours."""


@attrs.frozen
class Held:
    """Another load holds the lease *token* for *left* more seconds."""

    token: str
    left: float


@attrs.frozen
class HeldOff:
    """A failed refresh holds off the next for *left* more seconds."""

    left: float


@attrs.frozen
class Record:
    """What a load left behind that stored nothing; *left* seconds for a failure."""

    data: bytes
    left: float | None = None


Claim: TypeAlias = Granted | Held | HeldOff | Record | Found


class Mode(Enum):
    """Which records of past failures an acquisition heeds."""

    LOAD = "load"
    REFRESH = "refresh"
    FORCE = "force"


@attrs.frozen
class Acquire(Request[Claim]):
    """Read an entry other than the rejected one, or take the lease.

    Attributes:

        names: The key's names.

        token: Chosen before the call, so that a lost reply can be repeated.

        mode: Which failure records count.

        rejected: Identity of the entry that will not do; empty for none.

        entry_will_do: Whether any other entry is returned instead.

        waits: Whether the holder shall tell us when it ends.

        takes: Whether a lease that is held is taken from its holder.

        awaited: Token of the load that was waited for, if any.

        lease_ms: Term of the lease, until it is renewed.
    """

    operation: ClassVar[str] = "acquire"
    shed: ClassVar[bool] = True

    names: Names
    token: str
    mode: Mode = attrs.field(kw_only=True)
    rejected: bytes = attrs.field(default=b"", kw_only=True)
    entry_will_do: bool = attrs.field(default=True, kw_only=True)
    waits: bool = attrs.field(default=False, kw_only=True)
    takes: bool = attrs.field(default=False, kw_only=True)
    awaited: str | None = attrs.field(default=None, kw_only=True)
    lease_ms: int = attrs.field(default=LEASE_MS, kw_only=True)

    def calls(self) -> tuple[Command | Call, ...]:
        """Return the call of the script."""
        flags = (
            ("e" if self.entry_will_do else "")
            + ("w" if self.waits else "")
            + ("t" if self.takes else "")
        )
        names = self.names
        result = names.result(self.awaited or self.token)
        return (
            Call(
                scripts.ACQUIRE,
                (names.entry, names.lease, names.failure, names.retry, result),
                (self.token, self.lease_ms, self.rejected, self.mode.value, flags),
            ),
        )

    def parse(self, replies: Sequence[object]) -> Claim:
        """Read which of the five it was."""
        reply = sequence(replies[0])
        match reply:
            case [b"granted"]:
                return Granted()
            case [b"entry", seconds, micros, bytes(found)]:
                return Found(found, microseconds([seconds, micros]))
            case [b"held", bytes(token), left]:
                return Held(token.decode("latin-1"), integer(left) / 1000)
            case [b"held-off", left]:
                return HeldOff(integer(left) / 1000)
            case [b"failed", left, bytes(data)]:
                return Record(data, integer(left) / 1000)
            case [b"result", bytes(data)]:
                return Record(data)
            case _:
                raise Garbled(kind(reply))


@attrs.frozen
class Renew(Request[bool]):
    """Keep a lease for another term; False if it is no longer ours."""

    operation: ClassVar[str] = "renew"

    names: Names
    token: str
    lease_ms: int = LEASE_MS

    def calls(self) -> tuple[Command | Call, ...]:
        """Return the call of the script."""
        return (Call(scripts.RENEW, (self.names.lease,), (self.token, self.lease_ms)),)

    def parse(self, replies: Sequence[object]) -> bool:
        """Read 1 or 0."""
        return integer(replies[0]) == 1


@attrs.frozen
class RenewMany(Request[tuple[bool | None, ...]]):
    """Keep many leases in one exchange.

    The answer has for each, in order, whether it is still ours; None where that is
    not known, for the primary that has it did not answer.
    """

    operation: ClassVar[str] = "renew"
    in_parts: ClassVar[bool] = True

    renewals: tuple[Renew, ...]

    def calls(self) -> tuple[Command | Call, ...]:
        """Return a call of the script for each."""
        return tuple(call for one in self.renewals for call in one.calls())

    def parse(self, replies: Sequence[object]) -> tuple[bool | None, ...]:
        """Read 1 or 0 for each."""
        return tuple(
            None if isinstance(reply, (Fault, ServerError)) else one.parse((reply,))
            for one, reply in zip(self.renewals, replies, strict=True)
        )


@attrs.frozen
class Settle(Request[bool]):
    """Release a lease without an entry; leave a record for who waits.

    Attributes:

        record: For the waiters; empty for none.

        error_ttl: Seconds that the record holds the key.

        retry_after: Seconds that no refresh starts.
    """

    operation: ClassVar[str] = "settle"

    names: Names
    token: str
    channel: Channel
    record: bytes = b""
    error_ttl: float = 0.0
    retry_after: float = 0.0

    def calls(self) -> tuple[Command | Call, ...]:
        """Return the call of the script."""
        names = self.names
        return (
            Call(
                scripts.SETTLE,
                (names.lease, names.failure, names.retry, names.result(self.token)),
                (
                    self.token,
                    self.channel.events,
                    head(Kind.SETTLED, self.channel.origin),
                    names.key,
                    self.record,
                    RESULT_MS,
                    milliseconds(self.error_ttl),
                    milliseconds(self.retry_after),
                ),
            ),
        )

    def parse(self, replies: Sequence[object]) -> bool:
        """Read 1 or 0."""
        return integer(replies[0]) == 1


def term_ms(left: float) -> int:
    """Return a lease's term: a load that may own its key for *left* more seconds."""
    return max(1, min(LEASE_MS, milliseconds(left)))
