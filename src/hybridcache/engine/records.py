"""What a load that stored nothing leaves for those who waited: a value or a failure.

    V  stamp (8)  fingerprint (8)  body          F  stamp (8)  type name  NUL  message

The stamp is of the marker that the load knew when it began, as an entry bears one: who
asks after a `clear()` is told nothing from before. Never a pickle; a failure is two
texts, cut to 1 KiB.
"""

from typing import Final

import attrs

from hybridcache.core.errors import Undecodable

# Longest value that is left for the waiters, bytes (design, section 7).
LARGEST_RESULT: Final = 256 * 1024
LONGEST_TEXT: Final = 1024
_STAMP_END = 9
_FINGERPRINT_END = 17


@attrs.frozen
class Value:
    """A value that was not to be stored."""

    stamp: bytes
    body: bytes


@attrs.frozen
class Failure:
    """A loader's exception."""

    stamp: bytes
    kind: str
    message: str


def of_value(stamp: bytes, body: bytes, fingerprint: bytes) -> bytes:
    """Lay out a value; empty, which is no record, if it is too large."""
    if len(body) > LARGEST_RESULT:
        return b""
    return b"V" + stamp + fingerprint + body


def of_failure(stamp: bytes, error: BaseException) -> bytes:
    """Lay out a failure."""
    kind = type(error).__qualname__.replace("\0", "")
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 (the user's class made it)
        message = "(its text could not be made)"
    return b"F" + stamp + _cut(kind) + b"\0" + _cut(message)


def _cut(text: str) -> bytes:
    data = text.encode(errors="replace")[:LONGEST_TEXT]
    return data.decode(errors="ignore").encode()


def parse(data: bytes, fingerprint: bytes) -> Value | Failure:
    """Read a record.

    Raises:

        Undecodable: It is none, or of another type's value.
    """
    stamp = data[1:_STAMP_END]
    if len(stamp) < _STAMP_END - 1:
        raise Undecodable("record", repr(data))
    match data[:1]:
        case b"V":
            if data[_STAMP_END:_FINGERPRINT_END] != fingerprint:
                raise Undecodable("shape", "a result of another type")
            return Value(stamp, data[_FINGERPRINT_END:])
        case b"F":
            kind, _, message = data[_STAMP_END:].partition(b"\0")
            return Failure(
                stamp, kind.decode(errors="replace"), message.decode(errors="replace")
            )
        case _:
            raise Undecodable("record", repr(data[:16]))
