"""What a key may be, and how Redis names are made of it.

A key is any ``str`` of 1 to 1024 bytes in UTF-8, braces and control characters
included. In Redis it stands as ``{prefix}{{key}}``: the braces that we add are
the only ones in the name, so Redis Cluster hashes exactly the key, everything
that belongs to one key shares a slot, and the first brace ends the prefix.
"""

import reprlib

# Redis allows 512 MiB; its manual advises against names over 1 KiB.
MAX_KEY_BYTES = 1024
# Ours: what is left of a name should be the key, not the prefix.
MAX_PREFIX_BYTES = 256
# No UTF-8 sequence is longer than four bytes: shorter texts need no counting.
SURELY_SHORT = MAX_KEY_BYTES // 4

_SHOWN_CHARACTERS = 60


def check_key(key: object) -> str:
    """Return *key* if it can be one.

    Raises:

        TypeError: It is not exactly a ``str``.

        ValueError: It is empty, over 1 KiB in UTF-8, or has no UTF-8 form.
    """
    if type(key) is not str:
        raise TypeError(_wrong_type("a key", key))
    if not key:
        msg = "a key must not be empty, got '': name the value that it stands for"
        raise ValueError(msg)
    if len(key) <= SURELY_SHORT and key.isascii():
        return key
    size = _utf8_size("a key", key)
    if size > MAX_KEY_BYTES:
        msg = (
            f"a key has at most {MAX_KEY_BYTES} bytes in UTF-8, this one has {size}: "
            f"{shown(key)}; put a hash of the long part in it (a key= function can), "
            "or leave key= out to have one derived"
        )
        raise ValueError(msg)
    return key


def check_prefix(prefix: object) -> str:
    """Return *prefix* if Redis names can begin with it.

    Raises:

        TypeError: It is not exactly a ``str``.

        ValueError: It holds a brace, is over 256 bytes in UTF-8, or has no UTF-8
            form.
    """
    if type(prefix) is not str:
        raise TypeError(_wrong_type("a prefix", prefix))
    if "{" in prefix or "}" in prefix:
        msg = (
            f"a prefix must not contain braces, got {shown(prefix)}: they mark the "
            "key's Redis Cluster slot; take another separator, such as ':'"
        )
        raise ValueError(msg)
    size = _utf8_size("a prefix", prefix)
    if size > MAX_PREFIX_BYTES:
        msg = (
            f"a prefix has at most {MAX_PREFIX_BYTES} bytes in UTF-8, this one has "
            f"{size}: {shown(prefix)}; shorten it"
        )
        raise ValueError(msg)
    return prefix


def redis_name(prefix: str, key: str) -> str:
    """Name *key* in Redis: ``shop:`` and ``items:7`` give ``shop:{items:7}``.

    Both must have passed their checks. No two pairs share a name, and a name with
    a suffix of its own (``:lease``) is nobody's entry, since entries end in a brace.
    """
    # Percent first, or it would escape the escapes.
    escaped = key.replace("%", "%25").replace("{", "%7B").replace("}", "%7D")
    return f"{prefix}{{{escaped}}}"


def unescape(name: str) -> str:
    """Give the key back that :func:`redis_name` (or a sibling name) was made of.

    Raises:

        ValueError: The name has no pair of braces, so it is not one of ours.
    """
    start = name.find("{")
    end = name.find("}", start + 1)
    if start < 0 or end < 0:
        msg = f"{shown(name)} holds no key in braces: not a name of this library"
        raise ValueError(msg)
    escaped = name[start + 1 : end]
    return escaped.replace("%7B", "{").replace("%7D", "}").replace("%25", "%")


def shown(value: object) -> str:
    """Make a short ``repr`` for a message, whatever the value."""
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        return f"{str.__str__(value)[:_SHOWN_CHARACTERS]!r}..."
    # reprlib bounds containers and survives a __repr__ that raises.
    return repr(value) if type(value) is str else reprlib.repr(value)


def _wrong_type(what: str, value: object) -> str:
    kind = type(value).__qualname__
    if isinstance(value, str):
        # A subclass may compare, hash or print as something else (StrEnum, Markup).
        return f"{what} must be a plain str, not its subclass {kind}: convert it first"
    return f"{what} must be a str, not {kind} ({shown(value)}): convert it first"


def _utf8_size(what: str, text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        msg = (
            f"{what} must have a UTF-8 form, {shown(text)} has a lone surrogate at "
            f"{error.start}: decode the bytes it came from, or escape it"
        )
        raise ValueError(msg) from None
