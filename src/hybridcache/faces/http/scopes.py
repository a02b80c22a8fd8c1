"""ASGI scopes as requests, and back."""

from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TypeAlias, cast
from urllib.parse import quote, unquote

from hybridcache.core.http.admission import plain_host
from hybridcache.core.http.authority import authority
from hybridcache.core.http.message import Headers, Request
from hybridcache.engine.http.ready import Place

Scope: TypeAlias = MutableMapping[str, Any]

# Ways for an application to have the server send a file by itself: the body would not
# be seen. Applications use them only where the scope offers them.
UNSEEN: Final = ("http.response.pathsend", "http.response.zerocopysend")


def request_of(scope: Scope) -> Request:
    """Return what the cache must know of a request."""
    headers = cast("Headers", tuple(scope["headers"]))
    scheme = scope.get("scheme", "http")
    target = _path(scope)
    query = scope.get("query_string", b"")
    if query:
        target = f"{target}?{query.decode('latin-1')}"
    hosts: list[bytes] = []
    body = False
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"content-length":
            body = body or value != b"0"
        elif name == b"transfer-encoding":
            body = True
    host = authority(hosts[0], scheme) if len(hosts) == 1 else ""
    return Request(scope["method"], scheme, host, target, headers, body)


def place_of(scope: Scope) -> Place | None:
    """Return what alone tells the key of a plain GET; None for any other request."""
    raw: bytes | None = scope.get("raw_path")
    if scope["method"] != "GET" or raw is None:
        return None
    host = plain_host(scope["headers"])
    if host is None:
        return None
    query = scope.get("query_string", b"")
    scheme, root = scope.get("scheme"), scope.get("root_path")
    return host, raw, scope["path"], query, scheme, root


def _path(scope: Scope) -> str:
    """Return the path as the client sent it: ``/a%3Fb`` is not ``/a?b``.

    That counts only where it is what the application sees: who stands between may have
    rewritten the path.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    sent = (scope.get("raw_path") or b"").decode("latin-1")
    seen = unquote(sent) if "%" in sent else sent
    if seen not in {path, root + path}:
        # A lone surrogate stands for an octet that is no UTF-8.
        sent = quote(path, safe="/:@!$&'()*+,;=~", errors="surrogatepass")
    # Servers differ in whether the path begins with the root path.
    return sent if sent.startswith(root) else root + sent


def scope_for(scope: Scope, before: Headers, headers: Headers, *, seen: bool) -> Scope:
    """Return the scope for the application, with *headers* in the place of *before*.

    *seen*: bodies are to be seen here.
    """
    extensions: Mapping[str, Any] = scope.get("extensions") or {}
    hidden = seen and any(name in extensions for name in UNSEEN)
    if headers is before and not hidden:
        return scope
    made = dict(scope)
    made["headers"] = list(headers)
    if hidden:
        made["extensions"] = {
            name: what for name, what in extensions.items() if name not in UNSEEN
        }
    return made


def route_of(scope: Scope) -> str:
    """Return the pattern of the route that the application took, if it told."""
    route = getattr(scope.get("route"), "path", None)
    if route is None:
        route = scope.get("path_template")
    return route if isinstance(route, str) else ""
