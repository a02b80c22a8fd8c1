"""Where to look: the Redis that a URL names, and the key that a name stands for."""

from redis.exceptions import RedisError

from hybridcache.adapters.upstream.blocking import BlockingUpstream
from hybridcache.cli.exits import Ended, Exit
from hybridcache.core.keys import (
    check_key,
    check_prefix,
    redis_name,
    shown,
    unescape,
)
from hybridcache.faces.upstream import Redis

_FORM = "redis://host:port/db, rediss:// or unix://path"
# How messages begin that name what is wrong with a URL, and nothing of a password.
_NAMED = ("the Redis URL", "Redis URL must specify", "Invalid value for")


def redis_at(url: str, timeout: float) -> Redis:
    """Return the Redis that *url* names; nothing is sent.

    Raises:

        Ended: The URL is wrong. What it says is not repeated: it may have a password.
    """
    try:
        redis = Redis(url, timeout=timeout)
        BlockingUpstream(redis.template, timeout)
    except (RedisError, TypeError, ValueError) as error:
        text = str(error).replace("Redis(url, timeout=)", "--timeout")
        is_named = text.startswith(_NAMED)
        why = text if is_named else f"the URL cannot be read; its form is {_FORM}"
        raise Ended(Exit.USAGE, why) from None
    return redis


def key_at(name: str, prefix: str | None) -> tuple[str, str]:
    """Return prefix and key: *name* is the key, or without *prefix* a whole name.

    Raises:

        Ended: It is no key, or no entry's name.
    """
    try:
        if prefix is not None:
            return check_prefix(prefix), check_key(name)
        key = check_key(unescape(name))
        before = check_prefix(name[: name.index("{")])
    except ValueError as error:
        hint = "" if prefix is not None else "; or say --prefix and the key"
        raise Ended(Exit.USAGE, f"{error}{hint}") from None
    if redis_name(before, key) != name:
        line = f"{shown(name)} is no entry's name: that ends with the key in braces"
        raise Ended(Exit.USAGE, line)
    return before, key
