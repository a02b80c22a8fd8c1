"""WSGI environs as requests of the cache's, and back."""

from typing import Any

import pytest

from hybridcache.core.http.message import Head, Request
from hybridcache.faces.http.environs import (
    environ_behind,
    environ_for,
    fields_of,
    head_of,
    request_of,
    route_of,
    status_line,
)
from tests.http.wsgi import environ_of


@pytest.mark.parametrize(
    ("target", "raw"),
    [
        ("/", {}),
        ("/", {"PATH_INFO": ""}),
        ("/", {"PATH_INFO": "", "REQUEST_URI": "http://test"}),
        ("/a", {"PATH_INFO": "/a"}),
        ("/a?b=c&a=%20", {"PATH_INFO": "/a", "QUERY_STRING": "b=c&a=%20"}),
        # What was quoted stays apart from what was not.
        ("/a%3Fb", {"PATH_INFO": "/a?b"}),
        ("/a%3Fb", {"PATH_INFO": "/a?b", "REQUEST_URI": "/a%3Fb"}),
        ("/a%2Fb", {"PATH_INFO": "/a/b", "REQUEST_URI": "/a%2Fb"}),
        ("/a%2fb", {"PATH_INFO": "/a/b", "RAW_URI": "/a%2fb"}),
        ("/%C3%A9", {"PATH_INFO": "/\xc3\xa9"}),
        ("/%c3%a9", {"PATH_INFO": "/\xc3\xa9", "REQUEST_URI": "/%c3%a9"}),
        ("/%FF", {"PATH_INFO": "/\xff", "REQUEST_URI": "/%FF"}),
        ("/root/a", {"SCRIPT_NAME": "/root", "PATH_INFO": "/a"}),
        (
            "/root/%61",
            {"SCRIPT_NAME": "/root", "PATH_INFO": "/a", "RAW_URI": "/root/%61"},
        ),
        ("/a", {"PATH_INFO": "/a", "RAW_URI": "http://test/a"}),
        ("/a?b", {"PATH_INFO": "/a", "QUERY_STRING": "b", "RAW_URI": "h://x/a?b"}),
        # Somebody rewrote what the application sees.
        ("/b", {"PATH_INFO": "/b", "REQUEST_URI": "/a"}),
        ("/a?c", {"PATH_INFO": "/a", "QUERY_STRING": "c", "REQUEST_URI": "/a?b"}),
        ("/pre/a", {"SCRIPT_NAME": "/pre", "PATH_INFO": "/a", "REQUEST_URI": "/a"}),
        ("/a", {"PATH_INFO": "/a", "REQUEST_URI": "//a"}),
    ],
)
def test_target(target: str, raw: dict[str, Any]) -> None:
    """The target is raw where the server tells it truly, else it is quoted again."""
    assert target == request_of(environ_of(more=raw)).target


def test_fields() -> None:
    """Fields come from HTTP_ variables, and from the two that have no prefix."""
    environ = environ_of(
        fields=[("X-One-Two", "\xe9"), ("Accept", "a, b")],
        more={"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "3", "HTTPS": "on"},
    )

    request = request_of(environ)

    assert request.body
    assert {
        (b"host", b"test"),
        (b"x-one-two", b"\xe9"),
        (b"accept", b"a, b"),
        (b"content-type", b"text/plain"),
        (b"content-length", b"3"),
    } == set(request.headers)


def test_empty_variables_are_no_fields() -> None:
    """Servers set CONTENT_TYPE and CONTENT_LENGTH empty for what did not come."""
    environ = environ_of(more={"CONTENT_TYPE": "", "CONTENT_LENGTH": ""})

    assert Request("GET", "http", "test", "/", ((b"host", b"test"),)) == request_of(
        environ
    )


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (False, {"CONTENT_LENGTH": "0"}),
        (False, {"wsgi.input_terminated": True}),
        (True, {"CONTENT_LENGTH": "1"}),
        (True, {"CONTENT_LENGTH": "nonsense"}),
        (True, {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}),
    ],
)
def test_body(body: bool, more: dict[str, Any]) -> None:
    """A request has content by its fields, not because its input comes to an end."""
    assert body == request_of(environ_of(more=more)).body


@pytest.mark.parametrize(
    ("host", "sent"),
    [("test", "TEST:80"), ("test:8000", "test:8000"), ("", "a,b"), ("", "")],
)
def test_host(host: str, sent: str) -> None:
    """Of several hosts none counts."""
    assert host == request_of(environ_of(more={"HTTP_HOST": sent})).host


def test_unchanged_environ() -> None:
    """An environ is copied where a field changes, and only there."""
    environ = environ_of(fields=[("If-None-Match", '"theirs"'), ("Accept", "a,b")])
    request = request_of(environ)

    assert environ is environ_for(environ, request.headers, request.headers)
    headers = (
        *[line for line in request.headers if line[0] != b"if-none-match"],
        (b"if-modified-since", b"then"),
        (b"x-two", b"1"),
        (b"x-two", b"2"),
    )
    made = environ_for(environ, request.headers, headers)
    before = dict(environ)
    before.pop("HTTP_IF_NONE_MATCH")

    assert {**before, "HTTP_IF_MODIFIED_SINCE": "then", "HTTP_X_TWO": "1, 2"} == made
    assert '"theirs"' == environ["HTTP_IF_NONE_MATCH"]


def test_environ_behind() -> None:
    """A refresh has an empty input, no client, and fields of its own."""
    environ = environ_of(
        method="HEAD",
        fields=[("Range", "bytes=0-1")],
        more={
            "CONTENT_LENGTH": "0",
            "gunicorn.socket": object(),
            "wsgi.early_hints": print,
        },
    )
    request = request_of(environ)
    bare = Request("GET", "http", "test", "/", ((b"host", b"test"),))

    made = environ_behind(environ, request.headers, bare)

    assert "GET" == made["REQUEST_METHOD"]
    assert b"" == made["wsgi.input"].read()
    assert made["wsgi.multithread"]
    assert environ["wsgi.errors"] is made["wsgi.errors"]
    for gone in ("HTTP_RANGE", "CONTENT_LENGTH", "gunicorn.socket", "wsgi.early_hints"):
        assert gone not in made
    assert "HEAD" == environ["REQUEST_METHOD"]


def test_status_lines() -> None:
    """Any code and any reason go both ways."""
    head = head_of("599 Strange One", [("X-Y", "\xe9"), ("X-Y", "b")])

    assert Head(599, ((b"X-Y", b"\xe9"), (b"X-Y", b"b")), b"Strange One") == head
    assert "599 Strange One" == status_line(head.status, head.reason)
    assert [("X-Y", "\xe9"), ("X-Y", "b")] == fields_of(head.headers)
    assert "404 Not Found" == status_line(404, b"")
    assert "599 " == status_line(599, b"")


class _Rule:
    rule = "/items/<id>"


class _Routed:
    url_rule: object = _Rule()


class _Unrouted:
    url_rule = None


@pytest.mark.parametrize(
    ("route", "left"),
    [
        ("", {}),
        ("", {"werkzeug.request": None}),
        ("", {"werkzeug.request": _Unrouted()}),
        ("", {"bottle.route": object()}),
        ("/items/<id>", {"werkzeug.request": _Routed()}),
        ("/items/<id>", {"bottle.route": _Rule()}),
    ],
)
def test_route(route: str, left: dict[str, Any]) -> None:
    """A route is known where the framework leaves it in the environ."""
    assert route == route_of(environ_of(more=left))
