"""Structured Fields, as far as caching needs them (RFC 9651).

Rules of this module: parsing is strict, as the RFC wants it. A targeted field that is
no Dictionary, or in which a known directive has a value of the wrong type, is ignored
as a whole; parameters and unknown directives are parsed and then ignored (RFC 9213,
section 2.1).
"""

import re
from collections.abc import Sequence
from typing import Final

from hybridcache.core.http.cache_control import Control, control_of, field_names
from hybridcache.core.http.digits import number

_KEY: Final = rb"[a-z*][a-z0-9_\-.*]*+"
_TOKEN: Final = rb"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*+"
_STRING: Final = rb'"(?:[ !#-\[\]-~]|\\["\\])*+"'
_BARE_ITEM: Final = (
    rb"(?:-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])|"
    + _STRING
    + rb"|"
    + _TOKEN
    + rb"|:[A-Za-z0-9+/=]*+:|\?[01]|@-?\d{1,15}(?![\d.])"
    + rb'|%"(?:[ !#$&-~]|%[0-9a-f]{2})*+")'
)
_PARAMETERS: Final = rb"(?:; *" + _KEY + rb"(?:=" + _BARE_ITEM + rb")?)*+"
_ITEM: Final = _BARE_ITEM + _PARAMETERS
_INNER_LIST: Final = rb"\( *+(?:" + _ITEM + rb"(?: ++" + _ITEM + rb")*+)?+ *+\)"
# RFC 9651, section 4.2.2.
_MEMBER: Final = re.compile(
    rb"(?P<key>" + _KEY + rb")"
    rb"(?:=(?:(?P<item>" + _BARE_ITEM + rb")|(?P<list>" + _INNER_LIST + rb")))?"
    rb"" + _PARAMETERS
)
_SEPARATOR: Final = re.compile(rb"[ \t]*,[ \t]*")
_INTEGER: Final = re.compile(rb"-?\d+")
_ANY_TOKEN: Final = re.compile(_TOKEN)
_ESCAPED: Final = re.compile(rb'\\(["\\])')

_TRUE: Final = b"?1"
_SECONDS: Final = frozenset(
    {b"max-age", b"s-maxage", b"stale-while-revalidate", b"stale-if-error"}
)
_FIELDS: Final = frozenset({b"no-cache", b"private"})
_WORDS: Final = frozenset(
    {
        b"no-store",
        b"public",
        b"must-revalidate",
        b"proxy-revalidate",
        b"must-understand",
        b"immutable",
        b"no-transform",
    }
)


def parse_targeted(values: Sequence[bytes]) -> Control | None:
    """Read all lines of a targeted field (RFC 9213); None means to ignore it."""
    directives = _dictionary(b", ".join(values).strip(b" \t"))
    if not directives:
        return None
    seconds: dict[bytes, int] = {}
    fields: dict[bytes, frozenset[bytes]] = {}
    words: set[bytes] = set()
    for name, value in directives.items():
        if name in _SECONDS:
            if _INTEGER.fullmatch(value) is None:
                return None
            # A negative number is an Integer, but no lifetime: stale.
            seconds[name] = number(value) or 0
        elif name in _WORDS or (name in _FIELDS and value == _TRUE):
            if value != _TRUE:
                return None
            words.add(name)
        elif name in _FIELDS:
            text = _text(value)
            if text is None:
                return None
            named = field_names(text)
            if named is None:
                words.add(name)
            else:
                fields[name] = named
    return control_of(seconds, fields, words)


def token_or_string(text: str) -> bytes:
    """Write a Token where it may be one, else a String (RFC 9651, section 4.1).

    What neither may hold becomes a question mark.
    """
    raw = text.encode("ascii", "replace")
    if _ANY_TOKEN.fullmatch(raw) is not None:
        return raw
    printable = re.sub(rb"[^ -~]", b"?", raw)
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", printable) + b'"'


def _dictionary(text: bytes) -> dict[bytes, bytes] | None:
    """Parse keys and bare items as they are written; the last of equal keys counts."""
    parsed: dict[bytes, bytes] = {}
    at = 0
    while found := _MEMBER.match(text, at):
        parsed[found["key"]] = found["item"] or found["list"] or _TRUE
        at = found.end()
        if at == len(text):
            return parsed
        separator = _SEPARATOR.match(text, at)
        if separator is None:
            return None
        at = separator.end()
    return None


def _text(value: bytes) -> bytes | None:
    """Read a String, or a Token for want of quotes."""
    if value.startswith(b'"'):
        return _ESCAPED.sub(rb"\1", value[1:-1])
    return value if _ANY_TOKEN.fullmatch(value) is not None else None
