"""URLs that people write, as the requests that a cache sees."""

import string
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from hybridcache.core.http.authority import authority
from hybridcache.core.http.message import Request

# What is ASCII and visible stays: whether clients escape it differs.
_SAFE: Final = string.punctuation


def request_for(url: str, headers: Mapping[str, str] | None = None) -> Request:
    """Return the GET of *url*, with the fields that count in its key if any do.

    Raises:

        TypeError: It is no str.

        ValueError: It is no absolute http or https URL.
    """
    parts = urlsplit(_text(url))
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        msg = f"a URL here is absolute, with http or https, not {url!r}"
        raise ValueError(msg)
    # Clients escape what a URL may not have raw; what is escaped stays as it is.
    path, query = quote(parts.path or "/", _SAFE), quote(parts.query, _SAFE)
    target = f"{path}?{query}" if query else path
    # Without a user and a password: they are no part of Host.
    host = authority(parts.netloc.rpartition("@")[2].encode(), parts.scheme)
    fields = tuple(
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in (headers or {}).items()
    )
    return Request("GET", parts.scheme, host, target, fields)


def _text(url: object) -> str:
    if not isinstance(url, str):
        msg = f"a URL here is a str, not {url!r}"
        raise TypeError(msg)
    return url
