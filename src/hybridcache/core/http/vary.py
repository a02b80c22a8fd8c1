"""Vary, and the request fields that select among its variants (RFC 9111, section 4.1).

Rules of this module: absent is not empty. Values are normalised only where that cannot
change what they mean; in doubt, two requests get two variants. What selects is stored
with the response, so credentials come out as digests.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from hybridcache.core.http.fields import OWS, is_token, lines, parts
from hybridcache.core.http.message import Headers

# No lists: a comma in them is part of a value.
_SECRETS: Final = frozenset({b"authorization", b"cookie"})
# Together less than 100 kB, whatever clients send.
_USUAL_COUNT: Final = 256
_USUAL_SIZE: Final = 256
_FOLDED: Final = frozenset({b"accept-encoding", b"accept-language"})
# RFC 9110, sections 12.4.2 and 12.5.4.
_LANGUAGE: Final = re.compile(
    rb"([a-z0-9*-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?"
)


def vary_names(values: Sequence[bytes]) -> tuple[bytes, ...] | None:
    """Name what selects, in lower case, sorted; None where no request ever matches.

    That is where ``*`` is anywhere among the members, or one that names no field.
    """
    names = {
        name.lower()
        for value in values
        for part in value.split(b",")
        if (name := part.strip(OWS))
    }
    if b"*" in names or not all(is_token(name) for name in names):
        return None
    return tuple(sorted(names))


def selecting(names: Sequence[bytes], headers: Headers) -> tuple[bytes | None, ...]:
    """Give the normalised values of a request's selecting fields; None for absent."""
    return tuple([_selecting(name, headers) for name in names])


def _selecting(name: bytes, headers: Headers) -> bytes | None:
    values = lines(headers, name)
    if not values:
        return None
    value = values[0] if len(values) == 1 else b",".join(values)
    if name in _SECRETS:
        return hashlib.blake2b(value, digest_size=16).digest()
    return _usual(name, value) if len(value) <= _USUAL_SIZE else _normal(name, value)


def _normal(name: bytes, value: bytes) -> bytes:
    value = b",".join(parts(value)) if b"," in value else value.strip(OWS)
    if name in _FOLDED:
        value = value.lower()
    return _languages(value) if name == b"accept-language" else value


# Browsers of a kind send the same few values: most hits find theirs here.
_usual: Final = lru_cache(_USUAL_COUNT)(_normal)


def _languages(value: bytes) -> bytes:
    """Sort by preference: the order of equal ones means nothing (RFC 9110, 12.5.4)."""
    found = [_LANGUAGE.fullmatch(member) for member in value.split(b",") if member]
    ranked = [(-float(one[2] or b"1"), one[1]) for one in found if one is not None]
    # The same language twice, or something else: who knows what it means.
    if len(found) != len(ranked) or len({name for _, name in ranked}) != len(ranked):
        return value
    return b",".join(
        name if rank == -1.0 else b"%b;q=%g" % (name, -rank)
        for rank, name in sorted(ranked)
    )
