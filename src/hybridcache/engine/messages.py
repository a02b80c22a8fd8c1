"""Messages between nodes: four kinds, a fixed head, and the key.

    kind (1)  origin (16)  token (16)  key (the rest, UTF-8)

Any bytes may arrive on a channel: what is no message of ours is None.
"""

from enum import Enum
from typing import Final

import attrs

from hybridcache.engine.scripts import TOKEN_SIZE

HEAD_SIZE: Final = 1 + 2 * TOKEN_SIZE


class Kind(Enum):
    """What a message tells.

    SETTLED: the load that held the lease *token* ended. INVALIDATED: the key was
    invalidated. CLEARED: the marker is now *token*. ECHO: the node's own, to prove
    that its subscription is whole.
    """

    SETTLED = b"S"
    INVALIDATED = b"I"
    CLEARED = b"C"
    ECHO = b"E"


@attrs.frozen
class Message:
    """One message.

    Attributes:

        kind: What it tells.

        origin: The node that sent it.

        token: A lease's token, a marker or an echo's serial number.

        key: The cache key, or empty.
    """

    kind: Kind
    origin: str
    token: str
    key: str = ""


def head(kind: Kind, origin: str) -> bytes:
    """Return the bytes before the token."""
    return kind.value + origin.encode()


def encode(message: Message) -> bytes:
    """Return the message as bytes."""
    start = head(message.kind, message.origin)
    return start + message.token.encode() + message.key.encode()


def parse(data: bytes) -> Message | None:
    """Read a message; None if it is not one."""
    if len(data) < HEAD_SIZE:
        return None
    try:
        return Message(
            Kind(data[:1]),
            data[1 : 1 + TOKEN_SIZE].decode("ascii"),
            data[1 + TOKEN_SIZE : HEAD_SIZE].decode("ascii"),
            data[HEAD_SIZE:].decode(),
        )
    except ValueError:
        return None
