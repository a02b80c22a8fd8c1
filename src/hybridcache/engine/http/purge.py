"""Drop what is held for a URL, all of its variants with it."""

from urllib.parse import urlsplit

from hybridcache.core.http.authority import authority
from hybridcache.core.http.key import primary_key
from hybridcache.core.http.message import Request
from hybridcache.core.outcome import Invalidated
from hybridcache.engine.command import Flow
from hybridcache.engine.http.site import Site
from hybridcache.engine.invalidate import invalidate


def purge(site: Site, url: str) -> Flow[Invalidated]:
    """Have no later request served by what is held for *url*, on any node."""
    return invalidate(site.ctx(), key_of(site, url))


def key_of(site: Site, url: str) -> str:
    """Return the key of a URL.

    Raises:

        ValueError: It is no absolute http or https URL, or longer than a key may be.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        msg = f"a URL to purge is absolute, with http or https, not {url!r}"
        raise ValueError(msg)
    target = parts.path or "/"
    if parts.query:
        target = f"{target}?{parts.query}"
    host = authority(parts.netloc.encode(), parts.scheme)
    key = primary_key(Request("GET", parts.scheme, host, target), site.policy)
    if key is None:
        msg = f"the URL is longer than max_key={site.policy.max_key} bytes: {url[:80]!r}..."
        raise ValueError(msg)
    return key
