"""Field lines on their way through: which go on, and how joined ones come apart again."""

from collections.abc import Iterable
from typing import TypeAlias

Fields: TypeAlias = list[tuple[bytes, bytes]]
"""Field lines, names as they came, in the order in which they came."""

# RFC 9110, section 7.6.1; trailers are not relayed, so their announcement is not, either.
_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)

# Where the message goes and where it ends: no Connection field can take these away.
_KEPT = frozenset({b"content-length", b"host"})


def end_to_end(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return *fields* without those that concern one connection only."""
    lines = list(fields)
    dropped = {
        option.strip().lower()
        for name, value in lines
        if name.lower() == b"connection"
        for option in value.split(b",")
    }
    dropped = (dropped - _KEPT) | _HOP_BY_HOP
    return [(name, value) for name, value in lines if name.lower() not in dropped]


def has(fields: Fields, name: bytes) -> bool:
    """Say whether a field of this (lower-case) name is there."""
    return any(there.lower() == name for there, _ in fields)


def value_of(fields: Fields, name: bytes) -> bytes:
    """Return the first value of this (lower-case) name, or nothing."""
    return next((value for there, value in fields if there.lower() == name), b"")


def apart(joined: Fields, lines: Fields) -> Fields:
    """Return *joined* with each field as in *lines*, where its value is still the same.

    WSGI and requests know one value per name. What came as several lines goes on as
    several, unless somebody on the way changed it, and names get their case back.
    """
    came: dict[bytes, Fields] = {}
    for name, value in lines:
        came.setdefault(name.lower(), []).append((name, value))
    result: Fields = []
    for name, value in joined:
        before = came.get(name.lower(), [])
        same = b", ".join(line for _, line in before) == value
        result.extend(before if before and same else [(name, value)])
    return result
