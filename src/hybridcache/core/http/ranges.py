"""Byte ranges: Range of requests, Content-Range of responses (RFC 9110, section 14).

Rules of this module: one range of bytes is understood; several, malformed ones and
other units are as if there were none, which every client must be ready for (section
14.2). Positions are inclusive, as on the wire.
"""

import re
from typing import Final

import attrs

from hybridcache.core.http.digits import number
from hybridcache.core.http.fields import OWS

OF_THE_PART: Final = frozenset({b"content-length", b"content-range"})
"""Fields that say what part a message carries, and not what it is a part of."""

# Longer than any representation; the number itself is never used.
_LONGEST: Final = 2**63
_RANGE: Final = re.compile(rb"bytes=(.*)", re.IGNORECASE | re.DOTALL)
_SPEC: Final = re.compile(rb"(\d*)-(\d*)")
_CONTENT_RANGE: Final = re.compile(rb"bytes (\d+)-(\d+)/(\d+|\*)", re.IGNORECASE)


@attrs.frozen
class Span:
    """Bytes of a representation, at least one.

    Attributes:

        first: Position of the first.

        last: Position of the last.
    """

    first: int
    last: int


@attrs.frozen
class Unsatisfiable:
    """A range that begins after the end of the representation: 416."""


@attrs.frozen
class ContentRange:
    """Which bytes a response brings.

    Attributes:

        first: Position of the first.

        last: Position of the last.

        length: Length of the complete representation; None if it is not known.
    """

    first: int
    last: int
    length: int | None


def wanted(value: bytes) -> tuple[int | None, int | None] | None:
    """Read the one byte range of Range: first and last position.

    An open range has no last position. A suffix has no first one, and its length for
    the last.
    """
    found = _RANGE.fullmatch(value.strip(OWS))
    if found is None:
        return None
    specs = [spec for part in found[1].split(b",") if (spec := part.strip(OWS))]
    spec = _SPEC.fullmatch(specs[0]) if len(specs) == 1 else None
    if spec is None:
        return None
    first, last = number(spec[1], _LONGEST), number(spec[2], _LONGEST)
    if first is None:
        return None if last is None else (None, last)
    # RFC 9110, section 14.1.1: last before first is invalid.
    return None if last is not None and last < first else (first, last)


def parse_range(value: bytes, length: int) -> Span | Unsatisfiable | None:
    """Read Range for a representation of *length* bytes (RFC 9110, section 14.1.2).

    None means that it does not ask for one range of bytes: the answer is all of it.
    """
    asked = wanted(value)
    if asked is None:
        return None
    first, last = asked
    if first is None:
        if not last:
            return Unsatisfiable()
        # No Content-Range can be written for no bytes: the answer is all of them.
        return Span(max(0, length - last), length - 1) if length else None
    if first >= length:
        return Unsatisfiable()
    return Span(first, length - 1 if last is None else min(last, length - 1))


def parse_content_range(value: bytes) -> ContentRange | None:
    """Read Content-Range (RFC 9110, section 14.4); None if it says no such thing."""
    found = _CONTENT_RANGE.fullmatch(value.strip(OWS))
    if found is None:
        return None
    first, last = number(found[1], _LONGEST), number(found[2], _LONGEST)
    length = number(found[3], _LONGEST)
    if first is None or last is None or not first <= last < _LONGEST:
        return None
    if length is not None and not last < length < _LONGEST:
        return None
    return ContentRange(first, last, length)
