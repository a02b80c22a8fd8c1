"""Field lines: finding them, splitting lists, and those that never go into storage.

Rules of this module: names are asked for in lower case and found in any case; values
are raw bytes and come back as they were, but for the whitespace around list members.
"""

import re
from collections.abc import Container, Iterator
from typing import Final

from hybridcache.core.http.message import ENDS_A_LINE, Headers

# RFC 9110, section 5.6.2.
TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# RFC 9110, section 5.6.4; what is escaped may be any octet.
QUOTED: Final = rb'"(?:[^"\\]|\\.)*+"'
# RFC 9110, section 5.6.3.
OWS: Final = b" \t"

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields that concern one connection or one proxy (RFC 9110, section 7.6.1)."""

_NAME: Final = re.compile(TOKEN)
_COMMA_OR_QUOTED: Final = re.compile(rb',|"(?:[^"\\]|\\.)*+("|\\?\Z)', re.DOTALL)


def lines(headers: Headers, name: bytes) -> tuple[bytes, ...]:
    """Give the values of all lines of a field, in order."""
    size = len(name)
    return tuple(
        [
            value
            for key, value in headers
            if key == name or (len(key) == size and key.lower() == name)
        ]
    )


def joined(headers: Headers, name: bytes) -> bytes | None:
    """Join the lines of a field into one list (RFC 9110, section 5.3).

    None means that there is no such line, which is not the same as an empty one.
    """
    values = lines(headers, name)
    return b", ".join(values) if values else None


def members(value: bytes) -> tuple[bytes, ...]:
    """Split a list at the commas outside quoted strings (RFC 9110, section 5.6.1).

    Empty members are dropped. A quotation mark that nothing closes is an octet like
    any other, so that it does not hide the members that follow.
    """
    return tuple([part for part in parts(value) if part])


def parts(value: bytes) -> list[bytes]:
    """Split as `members` does, and keep the empty ones."""
    split = value.split(b",") if b'"' not in value else _split_quoted(value)
    return [part.strip(OWS) for part in split]


def _split_quoted(value: bytes) -> Iterator[bytes]:
    start = 0
    for mark in _COMMA_OR_QUOTED.finditer(value):
        if mark.group() == b",":
            yield value[start : mark.start()]
            start = mark.end()
        elif mark.group(1) != b'"':
            yield from value[start:].split(b",")
            return
    yield value[start:]


def is_token(name: bytes) -> bool:
    """Whether it may be a field's name (RFC 9110, section 5.1)."""
    return _NAME.fullmatch(name) is not None


def without(headers: Headers, names: Container[bytes]) -> Headers:
    """Leave out all lines of the fields named."""
    return tuple([line for line in headers if line[0].lower() not in names])


def hop_by_hop(headers: Headers) -> frozenset[bytes]:
    """Name what may not be stored of these lines (RFC 9111, section 3.1)."""
    listed = {
        option.lower()
        for value in lines(headers, b"connection")
        for option in members(value)
    }
    proxies = {
        name for key, _ in headers if (name := key.lower()).startswith(b"proxy-")
    }
    return HOP_BY_HOP.union(listed, proxies)


def unsafe(headers: Headers) -> bool:
    """Whether replaying these lines could end one early (RFC 9110, section 5.5)."""
    return any(
        not is_token(name) or ENDS_A_LINE.search(value) is not None
        for name, value in headers
    )
