"""A request as WSGI says it (PEP 3333), and back."""

import sys
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIEnvironment

import h11

from examples.proxy.fields import Fields, apart, value_of

_BARE = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}


def environ_of(request: h11.Request) -> WSGIEnvironment:
    """Return the environ of *request*, but for its body.

    Fields with an underscore are left out: they could pass for others.
    """
    lines = [
        (name, value) for name, value in request.headers.raw_items() if b"_" not in name
    ]
    path, _, query = request.target.partition(b"?")
    host, _, port = value_of(lines, b"host").partition(b":")
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": request.method.decode("ascii"),
        "REQUEST_URI": request.target.decode("ascii"),
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("ascii"),
        "SERVER_NAME": host.decode("latin-1") or "localhost",
        "SERVER_PORT": port.decode("latin-1") or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "reverse_proxy.fields": lines,
    }
    joined: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        joined.setdefault(name.lower(), []).append(value)
    for name, values in joined.items():
        environ[_variable(name)] = b", ".join(values).decode("latin-1")
    return environ


def fields_of(environ: WSGIEnvironment) -> Fields:
    """Return the request's field lines, as they came where nobody changed them."""
    lines: Fields = environ.get("reverse_proxy.fields", [])
    variables = [_variable(name.lower()) for name, _ in lines]
    ordered = sorted(
        (name for name in environ if _is_field(name, environ)),
        key=lambda name: variables.index(name) if name in variables else len(lines),
    )
    joined = [(_name(name), environ[name].encode("latin-1")) for name in ordered]
    return apart(joined, lines)


def _is_field(name: str, environ: WSGIEnvironment) -> bool:
    # An empty CONTENT_TYPE is as good as none; any other empty field is not.
    bare = name in _BARE.values() and environ[name] != ""
    return bare or name.startswith("HTTP_")


def _variable(name: bytes) -> str:
    bare = _BARE.get(name)
    return bare or "HTTP_" + name.decode("ascii").upper().replace("-", "_")


def _name(variable: str) -> bytes:
    return variable.removeprefix("HTTP_").replace("_", "-").title().encode("ascii")
