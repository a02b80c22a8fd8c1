"""What a request to Redis is: commands to send, how to read the replies, and faults.

A request knows its commands and parses their replies; it sends nothing. An adapter
sends what `calls` says on one connection and gives the raw replies to `parse`, with
errors that the server answered as :class:`ServerError` in their places.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum
from typing import ClassVar, Generic, TypeAlias, TypeVar

import attrs

from hybridcache.engine.scripts import Script

A_co = TypeVar("A_co", covariant=True)


Argument: TypeAlias = bytes | str | int


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

        unsure: Whether what was asked for may have been done, though it is refused.
    """

    trouble: Trouble
    cause: str
    unsure: bool = attrs.field(default=False, kw_only=True, eq=False)


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
    # Each reply stands for itself: one that failed costs only its own answer.
    in_parts: ClassVar[bool] = False
    # Its last command is a read that has the answer, if the write before is refused.
    reads_anyway: ClassVar[bool] = False

    @abstractmethod
    def calls(self) -> tuple[Command | Call, ...]:
        """Return what to send, in one go on one connection."""

    @abstractmethod
    def parse(self, replies: Sequence[object]) -> A_co:
        """Read the replies.

        Raises:

            Garbled: A reply has a form that its command does not have.
        """


def kind(reply: object) -> str:
    """Name the form of *reply*: what is in it may be somebody's key or value."""
    return reply.code if isinstance(reply, ServerError) else type(reply).__name__


def milliseconds(duration: float) -> int:
    """Round up, so that no positive duration becomes 0."""
    return -int(-duration * 1000 // 1)


def microseconds(time: object) -> int:
    """Read a reply to TIME, or its two members."""
    members = sequence(time)
    if len(members) == 2:  # noqa: PLR2004 (seconds and microseconds)
        seconds, micros = members
        if (
            isinstance(seconds, bytes)
            and isinstance(micros, bytes)
            and seconds.isdigit()
            and micros.isdigit()
            # As long as 64 bits can be; of thousands of digits int() raises.
            and len(seconds) + len(micros) <= 20  # noqa: PLR2004 (explained)
        ):
            return int(seconds) * 1_000_000 + int(micros)
    raise Garbled(kind(time))


def optional_bytes(reply: object) -> bytes | None:
    """Read a bulk string or nil."""
    if reply is None or isinstance(reply, bytes):
        return reply
    raise Garbled(kind(reply))


def string_or_none(reply: object) -> bytes | None:
    """Read what GET answers: a name of another type counts as one that is not there."""
    if isinstance(reply, ServerError) and reply.code == "WRONGTYPE":
        return None
    return optional_bytes(reply)


def integer(reply: object) -> int:
    """Read an integer, as long as Redis has them."""
    # hiredis reads newer forms, too: booleans, and integers without a bound.
    if type(reply) is int and -(2**63) <= reply < 2**63:
        return reply
    raise Garbled(kind(reply))


def unsigned(reply: object) -> int:
    """Read an integer that cannot be below 0."""
    number = integer(reply)
    if number < 0:
        raise Garbled(kind(reply))
    return number


def sequence(reply: object) -> Sequence[object]:
    """Read an array."""
    if isinstance(reply, (list, tuple)):
        return reply
    raise Garbled(kind(reply))
