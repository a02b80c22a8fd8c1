"""What a server is asked to know whether a cache can use it; no data is changed."""

from collections.abc import Sequence
from typing import ClassVar

import attrs

from hybridcache.engine.names import Channel
from hybridcache.engine.request import (
    Call,
    Command,
    Fault,
    Request,
    ServerError,
    integer,
    microseconds,
    sequence,
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


@attrs.frozen(kw_only=True)
class Answers:
    """What the server answered; an error in the place of what it did not tell.

    Attributes:

        info: Fields of INFO; empty where it is not allowed.

        info_error: Why not.

        scripts_error: Why scripts do not run; empty where they do.

        pubsub_error: Why nothing can be published, or subscribed to.

        marker: Whether the prefix has a marker; None if that is not known.

        subscribers: How many listen to the prefix's events; None if not known.
    """

    info: dict[str, str]
    info_error: str
    scripts_error: str
    pubsub_error: str
    marker: bool | None
    subscribers: int | None


@attrs.frozen
class Checkup(Request[Answers]):
    """Try what a cache needs, on the channels of a prefix."""

    operation: ClassVar[str] = "checkup"
    writes: ClassVar[bool] = False
    in_parts: ClassVar[bool] = True

    channel: Channel

    def calls(self) -> tuple[Command | Call, ...]:
        """Return one command for each; the last one ends the connection's use."""
        channel = self.channel
        return (
            Command("", ("INFO",)),
            Command("", ("EVAL", "return 1", 0)),
            # Nobody listens to a channel with this random name.
            Command(channel.echo, ("PUBLISH", channel.echo, "")),
            Command(channel.marker, ("GET", channel.marker)),
            Command("", ("PUBSUB", "NUMSUB", channel.events)),
            Command(channel.echo, ("SUBSCRIBE", channel.echo)),
        )

    def parse(self, replies: Sequence[object]) -> Answers:
        """Read each by itself."""
        info, script, published, marker, subscribers, subscribed = replies
        return Answers(
            info=_fields(info),
            info_error=_error(info),
            scripts_error=_error(script),
            pubsub_error=_error(published) or _error(subscribed),
            marker=None if _error(marker) else marker is not None,
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
