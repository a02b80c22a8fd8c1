"""What the example's reverse proxy does to heads, fields and its command line."""

import socket
import sys

import h11
import pytest

from examples.proxy.environ import environ_of, fields_of
from examples.proxy.fields import Fields, apart, end_to_end
from examples.proxy.messages import origin_form
from examples.proxy.origin_state import mended
from examples.proxy.wiring import Inner, Plan
from examples.reverse_proxy import main, plan_of

HEAD = b"HTTP/1.1 200 OK\r\n"


def test_a_connection_field_cannot_take_away_the_framing() -> None:
    """Host and Content-Length stay, even where Connection lists them."""
    fields = [(b"Connection", b"Host, content-length"), (b"Content-Length", b"1")]

    assert [(b"Content-Length", b"1")] == end_to_end(fields)


def test_a_changed_field_goes_on_as_changed() -> None:
    """A value that is no longer what the lines say replaces all of them."""
    lines = [(b"a", b"1"), (b"B", b"x"), (b"A", b"2")]
    joined = [(b"A", b"1, 2"), (b"b", b"y"), (b"c", b"z")]

    assert [(b"a", b"1"), (b"A", b"2"), (b"b", b"y"), (b"c", b"z")] == apart(
        joined, lines
    )


def test_the_environ_gives_the_fields_back() -> None:
    """Case, repetition and empty values come back; a field with an underscore is out."""
    fields: Fields = [
        (b"hoST", b"a"),
        (b"Content-Type", b"text/plain"),
        (b"X-a", b"1"),
        (b"x-A", b""),
        (b"X_Forged", b"1"),
    ]
    request = h11.Request(method=b"GET", target=b"/", headers=fields)

    assert fields[:-1] == fields_of(environ_of(request))


def test_a_field_taken_from_the_environ_is_gone() -> None:
    """What somebody on the way removed or added is not there or is there."""
    fields: Fields = [(b"Host", b"a"), (b"Range", b"bytes=0-1"), (b"X-B", b"1")]
    environ = environ_of(h11.Request(method=b"GET", target=b"/", headers=fields))
    del environ["HTTP_RANGE"]
    environ["HTTP_IF_NONE_MATCH"] = '"e"'

    expected = [(b"Host", b"a"), (b"X-B", b"1"), (b"If-None-Match", b'"e"')]
    assert expected == fields_of(environ)


@pytest.mark.parametrize(
    ("coding", "left"),
    [
        (b"chunked", b"Transfer-Encoding: chunked\r\n"),
        (b"gzip, CHUNKED", b"Transfer-Encoding: chunked\r\n"),
        (b"abc", b""),
        (b"chunked, gzip", b""),
    ],
)
def test_only_a_last_chunked_frames_a_body(coding: bytes, left: bytes) -> None:
    """Any other coding means that the body ends with the connection."""
    head = HEAD + b"A: b\r\ntransfer-encoding: " + coding
    head += b"\r\nContent-Length: 3\r\n\r\n"

    assert HEAD + b"A: b\r\n" + left + b"\r\n" == mended(head)


def test_a_usual_head_is_not_touched() -> None:
    """Without a Transfer-Encoding there is nothing to mend."""
    head = HEAD + b"Content-Length: 3\r\nX-Transfer-Encoding: a\r\n\r\n"

    assert head == mended(head)


@pytest.mark.parametrize(
    ("target", "host", "expected"),
    [
        (b"/a://b", b"h", b"/a://b"),
        (b"*", b"h", b"*"),
        (b"HTTP://x:1", b"x:1", b"/"),
        (b"http://x?q", b"x", b"/?q"),
        (b"https://x/p?u=http://y/", b"x", b"/p?u=http://y/"),
    ],
)
def test_targets_reach_the_origin_in_origin_form(
    target: bytes, host: bytes, expected: bytes
) -> None:
    """An absolute target's authority becomes the Host; others stay as they are."""
    request = h11.Request(method=b"GET", target=target, headers=[(b"Host", b"h")])
    formed = origin_form(request)

    assert (expected, [(b"host", host)]) == (formed.target, list(formed.headers))


def test_the_command_line_names_the_parts() -> None:
    """A face says what it wraps; without one, it is said apart."""
    origin = ["--origin", "http://127.0.0.1:8000"]
    cached = plan_of([*origin, "--face", "httpx-async", "--redis", "redis://r"])
    plain = plan_of([*origin, "--face", "none", "--inner", "requests"])

    assert cached == Plan(
        origin=("127.0.0.1", 8000),
        listen=("127.0.0.1", 8080),
        inner=Inner.HTTPX_ASYNC,
        cached=True,
        redis="redis://r",
    )
    assert (Inner.REQUESTS, False) == (plain.inner, plain.cached)


def test_the_help_names_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    """Who asks for help reads what is stored by default, and where it is served."""
    with pytest.raises(SystemExit):
        plan_of(["--help"])
    said = " ".join(capsys.readouterr().out.split())

    assert "(default: conformant)" in said
    assert "(default: 127.0.0.1:8080)" in said
    assert "http://HOST:PORT --listen" in said


@pytest.mark.parametrize("face", ["asgi", "wsgi"])
def test_a_port_in_use_is_told_in_a_line(
    face: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be served, the program says so and ends."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        line = f"proxy --origin http://127.0.0.1:1 --listen {address} --face {face}"
        monkeypatch.setattr(sys, "argv", line.split())

        assert 1 == main()

    said = f"cannot listen on {address}: Address already in use\n"
    assert said == capsys.readouterr().err
