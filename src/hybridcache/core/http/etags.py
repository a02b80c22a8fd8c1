"""Entity tags and how they compare (RFC 9110, section 8.8.3).

Rules of this module: a tag is handled as it is written, with its quotes and its
``W/``. It is no quoted string: a backslash in it escapes nothing.
"""

import re
from typing import Final

_ETAG: Final = re.compile(rb'(?:W/)?"[!#-~\x80-\xff]*+"')
_MEMBER: Final = re.compile(
    rb'[ \t,]*+(?:(?P<etag>(?:W/)?"[!#-~\x80-\xff]*+")[ \t]*+(?=,|\Z)|[^,]+)'
)


def parse_etag(value: bytes) -> bytes | None:
    """Give the entity tag without the whitespace around it; None if it is none."""
    etag = value.strip(b" \t")
    return etag if _ETAG.fullmatch(etag) is not None else None


def strong(etag: bytes) -> bool:
    """Whether equal tags mean equal octets."""
    return etag.startswith(b'"')


def weak_match(a: bytes, b: bytes) -> bool:
    """Compare weakly (RFC 9110, section 8.8.3.2)."""
    return a.removeprefix(b"W/") == b.removeprefix(b"W/")


def strong_match(a: bytes, b: bytes) -> bool:
    """Compare strongly (RFC 9110, section 8.8.3.2)."""
    return a == b and strong(a)


def matches_any(value: bytes, etag: bytes) -> bool:
    """Whether If-None-Match holds a representation's tag (RFC 9110, section 13.1.2).

    ``*`` matches every representation, one without a tag too. Malformed members of the
    list are skipped.
    """
    if value.strip(b" \t") == b"*":
        return True
    if parse_etag(etag) is None:
        return False
    return any(
        weak_match(one, etag)
        for found in _MEMBER.finditer(value.rstrip(b" \t,"))
        if (one := found["etag"]) is not None
    )
