"""The example's reverse proxy relays what the origin sends, whatever a face wraps."""

import contextlib
import re
import threading
from collections.abc import Iterator

import pytest

from examples.proxy.wiring import Inner
from tests.integration.proxied import Proxy, proxied
from tests.integration.talking import OK, WITHIN, Talk


@pytest.fixture(name="proxy", params=list(Inner))
def _proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    """A proxy without a face, through what each of the faces wraps."""
    with proxied(request.param, cached=False) as proxy:
        yield proxy


def test_fields_of_a_response_come_as_they_were_sent(proxy: Proxy) -> None:
    """Case, order, repeated lines, empty and non-ASCII values are kept."""
    fields = (
        b"X-bEd: \xe9\r\nVia: a\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nempty: \r\n"
    )
    sent = b"HTTP/1.1 200 OK\r\n" + fields + b"content-length: 2\r\n\r\n"
    proxy.answers(sent + b"ok")
    got = proxy.get()

    closing = b"Connection: close\r\n\r\nok"
    assert sent.removesuffix(b"\r\n") + closing == got


def test_fields_of_a_request_come_as_they_were_sent(proxy: Proxy) -> None:
    """Case and order are kept, the client's Host too; nothing is added."""
    heads: list[bytes] = []

    def script(talk: Talk) -> None:
        heads.append(talk.head())
        talk.say(OK)

    proxy.origin.script = script
    proxy.get(
        b"GET /a%2Fb/../c?q=%20&&r HTTP/1.1", b"aCCept: x", b"X-B: ", b"cookie: a"
    )
    expected = (
        b"GET /a%2Fb/../c?q=%20&&r HTTP/1.1\r\n"
        b"Host: shop.example\r\naCCept: x\r\nX-B: \r\ncookie: a\r\n\r\n"
    )

    assert [expected] == heads


def test_repeated_fields_of_a_request_are_one_list(proxy: Proxy) -> None:
    """Two lines of one name mean the same after the proxy as before."""
    heads: list[bytes] = []

    def script(talk: Talk) -> None:
        heads.append(talk.head())
        talk.say(OK)

    proxy.origin.script = script
    proxy.get(b"GET / HTTP/1.1", b"Accept: a", b"Accept: b")
    values = re.findall(rb"(?m)^Accept: (.*)\r$", heads[0])

    assert b"a, b" == b", ".join(values)


def test_connection_fields_end_at_the_proxy(proxy: Proxy) -> None:
    """Fields that Connection lists, and those of each connection, are not relayed."""
    heads: list[bytes] = []

    def script(talk: Talk) -> None:
        heads.append(talk.head())
        talk.say(
            b"HTTP/1.1 200 OK\r\nConnection: close, X-Hop, Content-Length\r\nX-Hop: 1\r\n"
            b"Keep-Alive: timeout=5\r\nX-End: 1\r\nContent-Length: 2\r\n\r\nok"
        )

    proxy.origin.script = script
    got = proxy.get(
        b"GET / HTTP/1.1", b"Connection: X-Hop", b"X-Hop: 1", b"TE: trailers"
    )
    expected = b"HTTP/1.1 200 OK\r\nX-End: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

    assert expected == got
    assert [b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"] == heads


@pytest.mark.parametrize(
    "line", [b"299 Odd", b"499 Client Gone", b"599 x", b"999 304 Not Made", b"200 "]
)
def test_any_status_and_reason_are_relayed(proxy: Proxy, line: bytes) -> None:
    """A status outside the registry and a reason phrase of one's own are kept."""
    proxy.answers(b"HTTP/1.1 " + line + b"\r\nContent-Length: 2\r\n\r\nok")

    assert b"HTTP/1.1 " + line == proxy.get().partition(b"\r\n")[0]


def test_interim_responses_come_when_they_are_sent(proxy: Proxy) -> None:
    """102 and 103 arrive with their fields before the origin says more."""
    told = threading.Event()

    def script(talk: Talk) -> None:
        talk.head()
        talk.say(b"HTTP/1.1 102 Processing\r\n\r\n")
        talk.say(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n")
        assert told.wait(WITHIN)
        talk.say(OK)

    proxy.origin.script = script
    with proxy.talk() as talk:
        talk.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        heads = [talk.head(), talk.head()]
        told.set()
        final = talk.head() + talk.take(2)

    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\n"
    assert [b"HTTP/1.1 102 Processing\r\n\r\n", hints] == heads
    assert final == OK


def test_an_old_client_gets_no_interim_response(proxy: Proxy) -> None:
    """HTTP/1.0 has no 1xx, so none is sent to a client that speaks it."""
    proxy.answers(b"HTTP/1.1 102 Processing\r\n\r\n", OK)
    got = proxy.get(b"GET / HTTP/1.0")

    assert got.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("method", "line"),
    [(b"HEAD", b"200 OK"), (b"GET", b"304 Not Modified"), (b"GET", b"204 No Content")],
)
def test_a_response_without_content_has_none(
    proxy: Proxy, method: bytes, line: bytes
) -> None:
    """Content-Length is relayed as it came, and the connection can be used again."""
    length = b"" if line.startswith(b"204") else b"Content-Length: 17\r\n"
    sent = b"HTTP/1.1 " + line + b"\r\n" + length + b"A: b\r\n\r\n"

    def script(talk: Talk) -> None:
        for _ in range(2):
            talk.head()
            talk.say(sent)

    proxy.origin.script = script
    with proxy.talk() as talk:
        got = []
        for _ in range(2):
            talk.say(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
            got.append(talk.head())

    assert [sent, sent] == got


def test_bodies_stream_in_both_directions(proxy: Proxy) -> None:
    """Each part of either body arrives before the next one is sent."""
    there, back = threading.Semaphore(0), threading.Semaphore(0)
    parts = (b"1\r\na\r\n", b"1\r\nb\r\n", b"0\r\n\r\n")

    def script(talk: Talk) -> None:
        talk.head()
        for part in parts:
            assert part == talk.take(len(part))
            there.release()
        talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in parts:
            talk.say(part)
            assert back.acquire(timeout=WITHIN)

    proxy.origin.script = script
    with proxy.talk() as talk:
        talk.say(b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in parts:
            talk.say(part)
            assert there.acquire(timeout=WITHIN)
        head = talk.head()
        for part in parts:
            assert part == talk.take(len(part))
            back.release()

    assert head == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_of_known_length_keeps_it(proxy: Proxy) -> None:
    """Content-Length is relayed in both directions, with as many bytes."""
    body = bytes(range(256)) * 2_000
    head = b"Content-Length: %d\r\n\r\n" % len(body)

    def script(talk: Talk) -> None:
        assert head == talk.head()[-len(head) :]
        talk.say(b"HTTP/1.1 200 OK\r\n" + head, talk.take(len(body)))

    proxy.origin.script = script
    with proxy.talk() as talk:
        talk.say(b"POST / HTTP/1.1\r\nHost: a\r\n" + head, body)

        assert b"HTTP/1.1 200 OK\r\n" + head == talk.head()
        assert body == talk.take(len(body))


def test_an_early_answer_is_relayed(proxy: Proxy) -> None:
    """What the origin says before the request's end does not wait for it."""

    def script(talk: Talk) -> None:
        talk.head()
        talk.say(b"HTTP/1.1 413 Too Big\r\nContent-Length: 0\r\n\r\n")
        # Closed on what was not read, its connection would be reset, answer and all.
        with contextlib.suppress(ConnectionError):
            talk.all()

    proxy.origin.script = script
    with proxy.talk() as talk:
        talk.say(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")
        for _ in range(3):
            talk.say(bytes(100_000))

        assert talk.head().startswith(b"HTTP/1.1 413 Too Big\r\n")


def test_a_client_is_told_to_continue(proxy: Proxy) -> None:
    """A client that waits for 100 gets it, and its body arrives."""

    def script(talk: Talk) -> None:
        assert b"expect" not in talk.head().lower()
        talk.say(OK.replace(b"ok", talk.take(2)))

    proxy.origin.script = script
    with proxy.talk() as talk:
        talk.say(
            b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )

        assert talk.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        talk.say(b"hi")
        assert OK.replace(b"ok", b"hi") == talk.head() + talk.take(2)


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 10\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
)
def test_a_body_that_breaks_off_does_so_for_the_client(
    proxy: Proxy, sent: bytes
) -> None:
    """The client gets what came, and a connection that ends too early."""
    proxy.answers(b"HTTP/1.1 200 OK\r\n" + sent)
    with proxy.talk() as talk:
        talk.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        got = talk.all()

    assert b"HTTP/1.1 200 OK\r\n" + sent == got


@pytest.mark.parametrize(
    "sent", [b"\r\n", b"Transfer-Encoding: strange\r\nContent-Length: 1\r\n\r\n"]
)
def test_a_body_may_end_with_the_connection(proxy: Proxy, sent: bytes) -> None:
    """Without a length that can be known, the origin's closing is the end."""
    proxy.answers(b"HTTP/1.1 200 OK\r\nA: b\r\n" + sent + b"all of it")
    with proxy.talk() as talk:
        talk.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        expected = b"HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"

        assert expected == talk.head()
        assert talk.take(14) == b"9\r\nall of it\r\n"
        assert talk.take(5) == b"0\r\n\r\n"


def test_both_sides_keep_their_connections(proxy: Proxy) -> None:
    """Three requests of one client go to the origin over one connection."""

    def script(talk: Talk) -> None:
        for _ in range(3):
            talk.head()
            talk.say(OK)

    proxy.origin.script = script
    with proxy.talk() as talk:
        for _ in range(3):
            talk.say(b"M-SEARCH * HTTP/1.1\r\nHost: a\r\n\r\n")
            assert OK == talk.head() + talk.take(2)

    assert proxy.origin.connections == 1


def test_bytes_after_a_body_are_no_response(proxy: Proxy) -> None:
    """A connection on which more came than was announced is not used again."""

    def script(talk: Talk) -> None:
        talk.head()
        talk.say(OK + b"HTTP/1.1 200 Smuggled\r\n\r\n")
        assert talk.all() == b""

    proxy.origin.script = script
    got = []
    with proxy.talk() as talk:
        for _ in range(2):
            talk.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            got.append(talk.head() + talk.take(2))

    assert [OK, OK] == got


def test_no_answer_is_a_bad_gateway(proxy: Proxy) -> None:
    """An origin that closes instead of answering is asked once, and reported."""
    proxy.answers()

    assert proxy.get().startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert proxy.origin.connections == 1


@pytest.mark.parametrize(
    ("request_line", "status"),
    [(b"CONNECT a:1 HTTP/1.1", b"501"), (b"GET / HTTP/1.1\r\nHost: b", b"400")],
)
def test_what_a_proxy_must_refuse_it_refuses(
    proxy: Proxy, request_line: bytes, status: bytes
) -> None:
    """A tunnel is not its job, and a request has one Host."""
    assert status == proxy.get(request_line).split(b" ")[1]


def test_an_absolute_target_names_the_host(proxy: Proxy) -> None:
    """The origin gets it in origin-form, with the authority as Host."""
    heads: list[bytes] = []

    def script(talk: Talk) -> None:
        heads.append(talk.head())
        talk.say(OK)

    proxy.origin.script = script
    proxy.get(b"GET http://other.example?q HTTP/1.1")

    assert [b"GET /?q HTTP/1.1\r\nHost: other.example\r\n\r\n"] == heads
