"""Requests about what all nodes of a prefix share: its marker and its channels."""

from collections.abc import Sequence
from typing import ClassVar

import attrs

from hybridcache.engine import scripts
from hybridcache.engine.messages import Kind, Message, encode
from hybridcache.engine.names import Channel
from hybridcache.engine.request import (
    Call,
    Command,
    Garbled,
    Request,
    ServerError,
    integer,
    optional_bytes,
)


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
    reads_anyway: ClassVar[bool] = True

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
