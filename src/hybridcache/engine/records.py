"""What a load that stored nothing leaves for those who waited: a value or a failure.

    V  fingerprint (8)  body                 F  type name  NUL  message

Never a pickle; a failure is two texts, cut to 1 KiB.
"""

from typing import Final

import attrs

from hybridcache.core.errors import Undecodable

# Longest value that is left for the waiters, bytes (design, section 7).
LARGEST_RESULT: Final = 256 * 1024
LONGEST_TEXT: Final = 1024
_FINGERPRINT_END = 9


@attrs.frozen
class Value:
    """A value that was not to be stored."""

    body: bytes


@attrs.frozen
class Failure:
    """A loader's exception."""

    kind: str
    message: str


def of_value(body: bytes, fingerprint: bytes) -> bytes:
    """Lay out a value; empty, which is no record, if it is too large."""
    if len(body) > LARGEST_RESULT:
        return b""
    return b"V" + fingerprint + body


def of_failure(error: BaseException) -> bytes:
    """Lay out a failure."""
    kind = type(error).__qualname__.replace("\0", "")
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 (the user's class made it)
        message = "(its text could not be made)"
    return b"F" + _cut(kind) + b"\0" + _cut(message)


def _cut(text: str) -> bytes:
    data = text.encode(errors="replace")[:LONGEST_TEXT]
    return data.decode(errors="ignore").encode()


def parse(data: bytes, fingerprint: bytes) -> Value | Failure:
    """Read a record.

    Raises:

        Undecodable: It is none, or of another type's value.
    """
    match data[:1]:
        case b"V":
            if data[1:_FINGERPRINT_END] != fingerprint:
                raise Undecodable("shape", "a result of another type")
            return Value(data[_FINGERPRINT_END:])
        case b"F":
            kind, _, message = data[1:].partition(b"\0")
            return Failure(
                kind.decode(errors="replace"), message.decode(errors="replace")
            )
        case _:
            raise Undecodable("record", repr(data[:16]))
