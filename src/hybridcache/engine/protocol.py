"""What is asked of Redis, as values: commands to send and how to read the replies.

A request knows its commands and parses their replies; it sends nothing. An adapter
sends what `calls` says on one connection and gives the raw replies to `parse`, with
errors that the server answered as :class:`ServerError` in their places.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import ClassVar, Final, Generic, TypeAlias, TypeVar

import attrs

from hybridcache.core import blob
from hybridcache.core.keys import redis_name
from hybridcache.engine import scripts
from hybridcache.engine.messages import Kind, Message, encode, head
from hybridcache.engine.scripts import Script

A_co = TypeVar("A_co", covariant=True)
Argument: TypeAlias = bytes | str | int

# Renewed every second; two renewals may be lost (design, section 6).
LEASE_MS: Final = 3000
# How long what was not stored waits for those who asked (design, section 7).
RESULT_MS: Final = 5000
LARGEST_RESULT: Final = 256 * 1024


@attrs.frozen
class Names:
    """The Redis names that belong to one key, all in one hash slot."""

    key: str
    entry: str
    lease: str
    failure: str
    retry: str

    def result(self, token: str) -> str:
        """Name of the record that the load under *token* leaves its waiters."""
        return f"{self.entry}:result:{token}"


@lru_cache(maxsize=1024)
def names_of(prefix: str, key: str) -> Names:
    """Name everything that belongs to *key*."""
    entry = redis_name(prefix, key)
    return Names(key, entry, f"{entry}:lease", f"{entry}:failure", f"{entry}:retry")


@attrs.frozen
class Channel:
    """Where a node speaks: the names that all keys of a prefix share."""

    origin: str
    events: str
    echo: str
    marker: str


def channel_of(prefix: str, origin: str) -> Channel:
    """Name what the nodes of *prefix* share. No key's name has empty braces."""
    shared = f"{prefix}{{}}"
    return Channel(
        origin, f"{shared}:events", f"{shared}:echo:{origin}", f"{shared}:marker"
    )


class Trouble(Enum):
    """How a request failed.

    DOWN: no answer, or the server cannot serve anyone. REFUSED: it answers, but
    will not do this.
    """

    DOWN = "down"
    REFUSED = "refused"


@attrs.frozen
class Fault:
    """A request that has no answer, and why, for people to read.

    Attributes:

        trouble: What sort of failure.

        cause: For people to read.
    """

    trouble: Trouble
    cause: str


@attrs.frozen
class ServerError:
    """An error that the server answered to one command."""

    text: str

    @property
    def code(self) -> str:
        """The first word: ``WRONGTYPE``, ``OOM``, ``LOADING``..."""
        return self.text.partition(" ")[0]


class Garbled(Exception):  # noqa: N818 (never leaves the adapters)
    """A reply of a form that its command does not have."""


@attrs.frozen
class Command:
    """One plain command; *name* is the key that routes it in a cluster."""

    name: str
    args: tuple[Argument, ...]


@attrs.frozen
class Call:
    """One call of a script."""

    script: Script
    names: tuple[str, ...]
    args: tuple[Argument, ...]


class Request(ABC, Generic[A_co]):
    """Something asked of Redis, and answered with an ``A_co``."""

    operation: ClassVar[str]
    writes: ClassVar[bool] = True
    # Not even tried while Redis refuses writes: the lookup does without.
    shed: ClassVar[bool] = False

    @abstractmethod
    def calls(self) -> tuple[Command | Call, ...]:
        """Return what to send, in one go on one connection."""

    @abstractmethod
    def parse(self, replies: Sequence[object]) -> A_co:
        """Read the replies.

        Raises:

            Garbled: A reply has a form that its command does not have.
        """


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
        marker = optional_bytes(replies[2]) if self.marker is not None else None
        if isinstance(value, ServerError) and value.code == "WRONGTYPE":
            return Found(b"", microseconds(time), marker)
        found = optional_bytes(value)
        if self.header_only and found == b"":
            found = None
        return Found(found, microseconds(time), marker)


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
            case [b"held", bytes(token), int(left)]:
                return Held(token.decode("latin-1"), left / 1000)
            case [b"held-off", int(left)]:
                return HeldOff(left / 1000)
            case [b"failed", int(left), bytes(data)]:
                return Record(data, left / 1000)
            case [b"result", bytes(data)]:
                return Record(data)
            case _:
                raise Garbled(repr(reply)[:200])


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
            case [b"stored", int(version), int(instant)]:
                return Written(version, instant)
            case [b"lost"]:
                return Lost()
            case _:
                raise Garbled(repr(replies[0])[:200])


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


@attrs.frozen
class Clear(Request[bool]):
    """Change the marker that every entry of the prefix carries a stamp of."""

    operation: ClassVar[str] = "clear"

    channel: Channel
    marker: str

    def calls(self) -> tuple[Command | Call, ...]:
        """Return the call of the script."""
        told = Message(Kind.CLEARED, self.channel.origin, self.marker)
        return (
            Call(
                scripts.CLEAR,
                (self.channel.marker,),
                (self.marker, self.channel.events, encode(told)),
            ),
        )

    def parse(self, replies: Sequence[object]) -> bool:
        """Read 1."""
        return integer(replies[0]) == 1


@attrs.frozen
class ReadMarker(Request[bytes]):
    """Read the marker; one that is missing is made anew with *fresh*."""

    operation: ClassVar[str] = "marker"

    channel: Channel
    fresh: str

    def calls(self) -> tuple[Command | Call, ...]:
        """Return SET NX and GET."""
        name = self.channel.marker
        return (
            Command(name, ("SET", name, self.fresh, "NX")),
            Command(name, ("GET", name)),
        )

    def parse(self, replies: Sequence[object]) -> bytes:
        """Read the marker, whoever set it."""
        marker = optional_bytes(replies[1])
        if marker is None:
            msg = "the marker is missing"
            raise Garbled(msg)
        return marker


@attrs.frozen
class Ping(Request[bool]):
    """Ask whether the server serves."""

    operation: ClassVar[str] = "probe"
    writes: ClassVar[bool] = False

    channel: Channel

    def calls(self) -> tuple[Command | Call, ...]:
        """Return a read, which a server that is loading refuses."""
        return (Command(self.channel.marker, ("GET", self.channel.marker)),)

    def parse(self, replies: Sequence[object]) -> bool:
        """Take any answer; a marker of a foreign type is one too."""
        if not isinstance(replies[0], ServerError):
            optional_bytes(replies[0])
        return True


@attrs.frozen
class Echo(Request[bool]):
    """Send a message to the node itself, by the path that others' messages take."""

    operation: ClassVar[str] = "echo"

    channel: Channel
    token: str

    def calls(self) -> tuple[Command | Call, ...]:
        """Return PUBLISH on the node's own channel."""
        told = encode(Message(Kind.ECHO, self.channel.origin, self.token))
        name = self.channel.echo
        return (Command(name, ("PUBLISH", name, told)),)

    def parse(self, replies: Sequence[object]) -> bool:
        """Read whether anyone was reached."""
        return integer(replies[0]) > 0


def term_ms(left: float) -> int:
    """Return a lease's term: a load that may own its key for *left* more seconds."""
    return max(1, min(LEASE_MS, milliseconds(left)))


def milliseconds(duration: float) -> int:
    """Round up, so that no positive duration becomes 0."""
    return -int(-duration * 1000 // 1)


def microseconds(time: object) -> int:
    """Read a reply to TIME, or its two members."""
    members = sequence(time)
    if len(members) != 2:  # noqa: PLR2004 (seconds and microseconds)
        raise Garbled(repr(time)[:200])
    return _number(members[0]) * 1_000_000 + _number(members[1])


def _number(digits: object) -> int:
    # As long as 64 bits can be; of thousands of digits int() raises.
    if isinstance(digits, bytes) and digits.isdigit() and len(digits) <= 20:  # noqa: PLR2004 (explained)
        return int(digits)
    raise Garbled(repr(digits)[:200])


def optional_bytes(reply: object) -> bytes | None:
    """Read a bulk string or nil."""
    if reply is None or isinstance(reply, bytes):
        return reply
    raise Garbled(repr(reply)[:200])


def integer(reply: object) -> int:
    """Read an integer."""
    if isinstance(reply, int):
        return reply
    raise Garbled(repr(reply)[:200])


def sequence(reply: object) -> Sequence[object]:
    """Read an array."""
    if isinstance(reply, (list, tuple)):
        return reply
    raise Garbled(repr(reply)[:200])
