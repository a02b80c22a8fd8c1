"""URI references that stay at their origin: Location and Content-Location.

Rules of this module: resolved as RFC 3986, section 5.2, says, and compared as keys
are made: raw. What leads to another origin comes to nothing (RFC 9111, section 4.4).
"""

import re
from typing import Final

import attrs

from hybridcache.core.http.authority import DEFAULT_PORTS
from hybridcache.core.http.message import Request

# RFC 3986, appendix B, less the fragment.
_REFERENCE: Final = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?://(?P<host>[^/?#]*))?"
    r"(?P<path>[^?#]*)(?P<query>\?[^#]*)?"
)


def resolve(base: Request, reference: bytes) -> Request | None:
    """Give *base* with the target that *reference* means; None at another origin."""
    found = _REFERENCE.match(reference.strip(b" \t").decode("latin-1"))
    if found is None:
        return None
    scheme, host, path = found["scheme"], found["host"], found["path"]
    query = found["query"] or ""
    if scheme is not None and (scheme.lower() != base.scheme or host is None):
        return None
    if host is not None:
        if host.lower().removesuffix(DEFAULT_PORTS.get(base.scheme, ":")) != base.host:
            return None
        target = without_dots(path) or "/"
    elif not path:
        # RFC 3986, section 5.2.2: the same path, and the same query if none is given.
        own, _, _ = base.target.partition("?")
        return attrs.evolve(base, target=own + query) if query else base
    elif path.startswith("/"):
        target = without_dots(path)
    else:
        directory, _, _ = base.target.partition("?")[0].rpartition("/")
        target = without_dots(f"{directory}/{path}")
    return attrs.evolve(base, target=target + query)


def without_dots(path: str) -> str:
    """Remove the dot segments of an absolute path (RFC 3986, section 5.2.4)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    *segments, last = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if last == "..":
        del kept[-1:]
    name = "" if last in {".", ".."} else last
    return "/" + "".join(f"{segment}/" for segment in kept) + name
