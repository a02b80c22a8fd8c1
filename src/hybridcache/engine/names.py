"""The names in Redis that belong to one key, and those that a prefix's nodes share."""

from functools import lru_cache

import attrs

from hybridcache.core.keys import redis_name


@attrs.frozen
class Names:
    """The Redis names that belong to one key, all in one hash slot."""

    key: str
    entry: str
    lease: str
    failure: str
    retry: str

    def result(self, token: str) -> str:
        """Name of the record that the load under *token* leaves its waiters."""
        return f"{self.entry}:result:{token}"


@lru_cache(maxsize=1024)
def names_of(prefix: str, key: str) -> Names:
    """Name everything that belongs to *key*."""
    entry = redis_name(prefix, key)
    return Names(key, entry, f"{entry}:lease", f"{entry}:failure", f"{entry}:retry")


@attrs.frozen
class Channel:
    """Where a node speaks: the names that all keys of a prefix share."""

    origin: str
    events: str
    echo: str
    marker: str


def channel_of(prefix: str, origin: str) -> Channel:
    """Name what the nodes of *prefix* share. No key's name has empty braces."""
    shared = f"{prefix}{{}}"
    return Channel(
        origin, f"{shared}:events", f"{shared}:echo:{origin}", f"{shared}:marker"
    )
