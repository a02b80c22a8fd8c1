"""WSGI environs as requests, and back (PEP 3333).

Text of an environ is Latin-1: one character an octet. A field's name has lost its
case there, and a dash cannot be told from an underscore: that is for the server to
refuse. Lines of one field have become one.
"""

from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from typing import Final
from urllib.parse import quote, unquote
from wsgiref.types import WSGIEnvironment

from hybridcache.core.http.admission import TELLING
from hybridcache.core.http.authority import authority
from hybridcache.core.http.message import Field, Head, Headers, Request
from hybridcache.engine.http.ready import Place

# The two fields whose variables do not begin with HTTP_.
_APART: Final = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
# So many names are remembered in both forms; a client may send any.
_NAMES: Final = 512
# Left as they are where a path is quoted again (RFC 3986, section 3.3).
_SAFE: Final = "/:@!$&'()*+,;=~"
# Ways to one client, by the server's grace: no business of a request that has none.
_OF_THE_CLIENT: Final = (
    "gunicorn.socket",
    "waitress.client_disconnected",
    "werkzeug.socket",
    "wsgi.early_hints",
)


def request_of(environ: WSGIEnvironment) -> Request:
    """Return what the cache must know of a request."""
    headers = [
        (_name_of(key), value.encode("latin-1"))
        for key, value in environ.items()
        if key[:5] == "HTTP_"
    ]
    for name, key in _APART.items():
        # Servers set them empty for what did not come.
        value = environ.get(key)
        if value:
            headers.append((name, value.encode("latin-1")))
    user = environ.get("REMOTE_USER")
    if user and "HTTP_AUTHORIZATION" not in environ:
        # The server saw the credentials, and keeps them from applications.
        headers.append((b"authorization", user.encode("latin-1")))
    scheme = environ["wsgi.url_scheme"]
    return Request(
        environ["REQUEST_METHOD"],
        scheme,
        _host_of(environ, scheme),
        _target_of(environ),
        tuple(headers),
        _has_body(environ),
    )


# Empty is absent here, too: servers set the length of what has no content.
_FIELDS: Final = frozenset(
    "HTTP_" + name.decode().upper().replace("-", "_")
    for name in TELLING
    if name not in _APART
)
# Who the server authenticated has credentials, whatever fields are left of them.
_TELLING: Final = _FIELDS | {"REMOTE_USER"}


def place_of(environ: WSGIEnvironment) -> Place | None:
    """Return what alone tells the key of a plain GET; None for any other request."""
    if environ["REQUEST_METHOD"] != "GET" or not _TELLING.isdisjoint(environ):
        return None
    given = environ.get
    host: str = given("HTTP_HOST", "")
    if given("CONTENT_LENGTH") or given("REMOTE_USER") or host != host.lower():
        return None
    return (
        host,
        given("PATH_INFO"),
        given("QUERY_STRING"),
        given("RAW_URI"),
        given("REQUEST_URI"),
        given("SCRIPT_NAME"),
        environ["wsgi.url_scheme"],
    )


def _host_of(environ: WSGIEnvironment, scheme: str) -> str:
    host: str = environ.get("HTTP_HOST", "")
    # Two lines of it come as one list; no name of a host has a comma.
    return "" if "," in host else authority(host.encode("latin-1"), scheme)


def _has_body(environ: WSGIEnvironment) -> bool:
    # That the input ends (wsgi.input_terminated) is true of an empty one, too.
    if environ.get("CONTENT_LENGTH", "").strip() not in {"", "0"}:
        return True
    return "HTTP_TRANSFER_ENCODING" in environ


def _target_of(environ: WSGIEnvironment) -> str:
    """Return the target as the client sent it: ``/a%3Fb`` is not ``/a?b``.

    What the server tells of that counts only where it is what the application sees:
    who stands between them may have rewritten the path.
    """
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    query = environ.get("QUERY_STRING", "")
    raw, _, raw_query = _origin_form(environ).partition("?")
    if raw_query != query or not raw or _unquoted(raw) != (path or "/"):
        raw = quote(path or "/", safe=_SAFE, encoding="latin-1")
    return f"{raw}?{query}" if query else raw


def _origin_form(environ: WSGIEnvironment) -> str:
    """Return the raw target without scheme and authority, or nothing."""
    raw: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    if raw.startswith("/"):
        return raw
    # RFC 9112, section 3.2.2: what is sent to a proxy, and understood by all.
    _, slashes, rest = raw.partition("://")
    start = rest.find("/")
    return rest[start:] if slashes and start >= 0 else ""


def _unquoted(raw: str) -> str:
    return unquote(raw, encoding="latin-1") if "%" in raw else raw


@lru_cache(_NAMES)
def _name_of(key: str) -> bytes:
    return key[5:].replace("_", "-").lower().encode("latin-1")


def _key_of(name: bytes) -> str:
    key = _APART.get(name)
    return key or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")


def environ_for(
    environ: WSGIEnvironment, before: Headers, headers: Headers
) -> WSGIEnvironment:
    """Return the environ with *headers* in the place of *before*, which it has."""
    if headers is before:
        return environ
    made = dict(environ)
    wanted = _joined(headers)
    for name, value in _joined(before).items():
        if name not in wanted:
            made.pop(_key_of(name), None)
        elif wanted[name] == value:
            # As it came: a join of ours may read otherwise.
            del wanted[name]
    for name, value in wanted.items():
        made[_key_of(name)] = value.decode("latin-1")
    return made


def _joined(headers: Headers) -> dict[bytes, bytes]:
    values: dict[bytes, bytes] = {}
    for name, value in headers:
        # RFC 9110, section 5.3: an environ has one line a field.
        values[name] = b"%b, %b" % (values[name], value) if name in values else value
    return values


def environ_behind(
    environ: WSGIEnvironment, before: Headers, request: Request
) -> WSGIEnvironment:
    """Return the environ of *request* in the background, which no client waits for."""
    made = dict(environ_for(environ, before, request.headers))
    made["REQUEST_METHOD"] = request.method
    made["wsgi.input"] = BytesIO()
    # Others of this process's threads may be in the application now.
    made["wsgi.multithread"] = True
    for key in _OF_THE_CLIENT:
        made.pop(key, None)
    return made


def head_of(status: str, headers: list[tuple[str, str]]) -> Head:
    """Return the head that an application gave to ``start_response``.

    Raises:

        ValueError: The status has no code, or a field is not Latin-1.
    """
    code, _, reason = status.partition(" ")
    fields: list[Field] = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers
    ]
    return Head(int(code), tuple(fields), reason.encode("latin-1"))


def status_line(status: int, reason: bytes) -> str:
    """Return a status as WSGI has it, with the usual reason if none is given."""
    text = reason.decode("latin-1")
    if not text and status in _PHRASES:
        text = _PHRASES[status]
    return f"{status} {text}"


_PHRASES: Final = {int(one): one.phrase for one in HTTPStatus}


def fields_of(headers: Headers) -> list[tuple[str, str]]:
    """Return field lines as WSGI has them."""
    return [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers
    ]


def route_of(environ: WSGIEnvironment) -> str:
    """Return the pattern of the route that the application took, if it told.

    Flask tells of it until it has answered, Bottle for good; Django never does.
    """
    rule = getattr(environ.get("werkzeug.request"), "url_rule", None)
    if rule is None:
        rule = environ.get("bottle.route")
    pattern = getattr(rule, "rule", None)
    return pattern if isinstance(pattern, str) else ""
