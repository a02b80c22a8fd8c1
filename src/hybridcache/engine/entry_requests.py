"""Requests about one entry: read it, write it under a lease, invalidate it."""

from collections.abc import Sequence
from typing import ClassVar

import attrs

from hybridcache.core import blob
from hybridcache.engine import scripts
from hybridcache.engine.messages import Kind, Message, encode, head
from hybridcache.engine.names import Channel, Names
from hybridcache.engine.request import (
    Argument,
    Call,
    Command,
    Garbled,
    Request,
    ServerError,
    integer,
    kind,
    microseconds,
    milliseconds,
    optional_bytes,
    sequence,
    string_or_none,
    unsigned,
)


@attrs.frozen
class Found:
    """What stands under an entry's name, and when, by Redis's clock.

    Attributes:

        blob: The bytes, or None; empty if the name holds another type.

        now_us: Redis's clock, microseconds.

        marker: The marker of ``clear()`` where it was asked for.
    """

    blob: bytes | None
    now_us: int
    marker: bytes | None = None


@attrs.frozen
class Read(Request[Found]):
    """Read an entry, whole or its header, with Redis's clock."""

    operation: ClassVar[str] = "read"
    writes: ClassVar[bool] = False

    names: Names
    marker: str | None = None
    header_only: bool = False

    def calls(self) -> tuple[Command | Call, ...]:
        """Return GET or GETRANGE, TIME, and GET of the marker if it is needed."""
        entry = self.names.entry
        get: tuple[Argument, ...] = ("GET", entry)
        if self.header_only:
            get = ("GETRANGE", entry, 0, blob.HEADER_SIZE - 1)
        sent = (Command(entry, get), Command(entry, ("TIME",)))
        if self.marker is None:
            return sent
        return (*sent, Command(self.marker, ("GET", self.marker)))

    def parse(self, replies: Sequence[object]) -> Found:
        """Read the replies; a name of another type counts as undecodable bytes."""
        value, time = replies[0], replies[1]
        marker = string_or_none(replies[2]) if self.marker is not None else None
        if isinstance(value, ServerError) and value.code == "WRONGTYPE":
            return Found(b"", microseconds(time), marker)
        found = optional_bytes(value)
        if self.header_only and found == b"":
            found = None
        return Found(found, microseconds(time), marker)


@attrs.frozen
class Written:
    """The entry was stored, with this version and instant."""

    version: int
    instant_us: int


@attrs.frozen
class Lost:
    """The token no longer stands: nothing was stored."""


@attrs.frozen
class Write(Request[Written | Lost]):
    """Store an entry if the token stands; release the lease; wake the waiters."""

    operation: ClassVar[str] = "write"
    shed: ClassVar[bool] = True

    names: Names
    token: str
    channel: Channel
    ttl: float
    rest: bytes

    def calls(self) -> tuple[Command | Call, ...]:
        """Return the call of the script."""
        names = self.names
        return (
            Call(
                scripts.WRITE,
                (names.entry, names.lease, names.failure, names.retry),
                (
                    self.token,
                    blob.prelude(names.entry),
                    self.rest,
                    milliseconds(self.ttl),
                    self.channel.events,
                    head(Kind.SETTLED, self.channel.origin),
                    names.key,
                ),
            ),
        )

    def parse(self, replies: Sequence[object]) -> Written | Lost:
        """Read which of the two it was."""
        match sequence(replies[0]):
            case [b"stored", version, instant]:
                return Written(unsigned(version), unsigned(instant))
            case [b"lost"]:
                return Lost()
            case _:
                raise Garbled(kind(replies[0]))


@attrs.frozen
class Invalidate(Request[bool]):
    """Delete an entry, its lease and its records; tell all nodes."""

    operation: ClassVar[str] = "invalidate"

    names: Names
    channel: Channel
    token: str

    def calls(self) -> tuple[Command | Call, ...]:
        """Return the call of the script."""
        names = self.names
        told = Message(
            Kind.INVALIDATED, self.channel.origin, self.token, self.names.key
        )
        return (
            Call(
                scripts.INVALIDATE,
                (names.entry, names.lease, names.failure, names.retry),
                (self.channel.events, encode(told)),
            ),
        )

    def parse(self, replies: Sequence[object]) -> bool:
        """Read 1."""
        return integer(replies[0]) == 1
