"""Keys of responses: what makes two requests ask for the same thing.

Rules of this module: the parts are taken as they came, nothing is decoded, folded
or sorted, and each brings its length where they could be split otherwise, so that no
two lists of parts make one key. A short key can be read; any other ends in ``#`` and a
digest, and none that can be read has a ``#``.
"""

import hashlib
from typing import Final

from hybridcache.core.http.fields import joined
from hybridcache.core.http.message import Request
from hybridcache.core.http.policy import HTTPPolicy

# Longer ones would fill logs and Redis names; an engine's key ends at 1 KiB.
READABLE: Final = 200


def primary_key(request: Request, policy: HTTPPolicy) -> str | None:
    """Make the key of a request's URL (RFC 9111, section 2); None if it is too long.

    The method is not part of it: a HEAD is answered from what a GET stored.
    """
    if policy.request_key is not None:
        return _short(
            f"k{_part(_text('request_key', policy.request_key(request)))}", policy
        )
    host = request.host
    # Without lengths only where no other split of the text could be meant.
    if "/" in host or "/" in request.scheme or not request.target.startswith("/"):
        key = "u" + _part(request.scheme) + _part(host) + _part(request.target)
    else:
        key = f"{request.scheme}://{host}{request.target}"
    if policy.key_headers or policy.partition is not None:
        return _short(_with_parts(key, request, policy), policy)
    return _short(key, policy)


def _with_parts(url: str, request: Request, policy: HTTPPolicy) -> str:
    parts = [_part(url)]
    if policy.partition is not None:
        parts.append(_part(_text("partition", policy.partition(request))))
    for name in policy.key_headers:
        value = joined(request.headers, name.encode("latin-1"))
        # Absent is not empty.
        parts.append("-" if value is None else _part(value.decode("latin-1")))
    return "p" + "".join(parts)


def variant_key(
    primary: str, generation: str, selecting: tuple[bytes | None, ...]
) -> str:
    """Make the key of one variant of the URL whose key is *primary*."""
    digest = hashlib.blake2b(digest_size=16)
    for value in selecting:
        # Absent is not empty (CVE-2026-113593).
        text = b"-" if value is None else b"%d:%b" % (len(value), value)
        digest.update(text)
    return f"{primary} {generation} {digest.hexdigest()}"


def _text(option: str, made: object) -> str:
    """Return what a function of the user's made.

    Raises:

        TypeError: It is no str.
    """
    if not isinstance(made, str):
        msg = f"{option}= is a function that returns a str, not {made!r}"
        raise TypeError(msg)
    return made


def _part(text: str) -> str:
    return f"{len(text)}:{text}"


def _short(key: str, policy: HTTPPolicy) -> str | None:
    if len(key) > policy.max_key:
        return None
    if not policy.shared:
        # What was for one user is out of reach for all, also within one cache.
        key = "private " + key
    if len(key) <= READABLE and key.isascii() and "#" not in key:
        return key
    # A lone surrogate is legal in a str and has no UTF-8 form.
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=32)
    head = key[:READABLE].encode("ascii", "backslashreplace").decode("ascii")
    return f"{head[:READABLE]}#{digest.hexdigest()}"
