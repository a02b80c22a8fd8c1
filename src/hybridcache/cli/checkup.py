"""What a server is asked to know whether a cache can use it; no data is changed."""

from collections.abc import Sequence
from typing import ClassVar, Final

import attrs

from hybridcache.engine.names import Channel, Names
from hybridcache.engine.request import (
    Call,
    Command,
    Fault,
    Request,
    ServerError,
    integer,
    microseconds,
    sequence,
    string_or_none,
)


@attrs.frozen
class RoundTrip(Request[bool]):
    """Ask for the time: whoever has read this has made one round trip."""

    operation: ClassVar[str] = "time"
    writes: ClassVar[bool] = False

    def calls(self) -> tuple[Command | Call, ...]:
        """Return TIME, which a cache's user may ask for anyhow."""
        return (Command("", ("TIME",)),)

    def parse(self, replies: Sequence[object]) -> bool:
        """Read a time."""
        return microseconds(replies[0]) > 0


# What a load and a lookup do, on a name that nothing stands under: so XX keeps it
# empty, and a server that would refuse a write refuses this one. SET comes first: after
# another write a full server lets it pass.
PROBE: Final = """
redis.call('SET', KEYS[1], '', 'XX', 'PX', 1)
redis.call('TIME')
redis.call('GET', KEYS[1])
redis.call('GETRANGE', KEYS[1], 0, 0)
redis.call('PTTL', KEYS[1])
redis.call('PEXPIRE', KEYS[1], 1)
redis.call('DEL', KEYS[1])
return 1
"""


@attrs.frozen
class Marked(Request[bool]):
    """Ask whether a prefix has a marker: whether any cache has used it here."""

    operation: ClassVar[str] = "marked"
    writes: ClassVar[bool] = False

    channel: Channel

    def calls(self) -> tuple[Command | Call, ...]:
        """Return GET."""
        return (Command(self.channel.marker, ("GET", self.channel.marker)),)

    def parse(self, replies: Sequence[object]) -> bool:
        """Read whether there is one; what is of another type is none."""
        return string_or_none(replies[0]) is not None


@attrs.frozen(kw_only=True)
class Answers:
    """What the server answered; an error in the place of what it did not tell.

    Attributes:

        info: Fields of INFO; empty where it is not allowed.

        info_error: Why not.

        scripts_error: Why scripts do not run; empty where they do.

        reads_error: Why a name of the prefix cannot be read.

        writes_error: Why a script cannot write a key of the prefix.

        pubsub_error: Why nothing can be published, or subscribed to.

        marker: Whether the prefix has a marker; None if that is not known.

        subscribers: How many listen to the prefix's events; None if not known.

        foreign_marker: Whether something of another type stands in its place.
    """

    info: dict[str, str]
    info_error: str
    scripts_error: str
    reads_error: str
    writes_error: str
    pubsub_error: str
    marker: bool | None
    subscribers: int | None
    foreign_marker: bool = False


@attrs.frozen
class Checkup(Request[Answers]):
    """Try what a cache needs, on the channels of a prefix and on a key that is none.

    Attributes:

        channel: The prefix's, with a random origin.

        names: Of a random key.
    """

    operation: ClassVar[str] = "checkup"
    writes: ClassVar[bool] = False
    in_parts: ClassVar[bool] = True

    channel: Channel
    names: Names

    def calls(self) -> tuple[Command | Call, ...]:
        """Return one command for each; the last one ends the connection's use."""
        channel, entry = self.channel, self.names.entry
        return (
            Command("", ("INFO",)),
            Command("", ("EVAL", "return 1", 0)),
            Command(entry, ("EVAL", PROBE, 1, entry)),
            # Nobody listens to a channel with this random name.
            Command(channel.echo, ("PUBLISH", channel.echo, "")),
            Command(channel.marker, ("GET", channel.marker)),
            Command("", ("PUBSUB", "NUMSUB", channel.events)),
            Command(channel.echo, ("SUBSCRIBE", channel.echo)),
        )

    def parse(self, replies: Sequence[object]) -> Answers:
        """Read each by itself."""
        info, script, write, published, marker, subscribers, subscribed = replies
        reads_error = _error(marker)
        foreign = reads_error.startswith("WRONGTYPE")
        if foreign:
            reads_error, marker = "", None
        return Answers(
            info=_fields(info),
            info_error=_error(info),
            scripts_error=_error(script),
            reads_error=reads_error,
            writes_error=_error(write),
            pubsub_error=_error(published) or _error(subscribed),
            marker=None if reads_error else marker is not None,
            foreign_marker=foreign,
            subscribers=None if _error(subscribers) else _count(subscribers),
        )


def _error(reply: object) -> str:
    if isinstance(reply, Fault):
        return reply.cause
    return reply.text if isinstance(reply, ServerError) else ""


def _fields(reply: object) -> dict[str, str]:
    if not isinstance(reply, bytes):
        return {}
    lines = reply.decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _count(reply: object) -> int:
    _, count = sequence(reply)
    return integer(count)
