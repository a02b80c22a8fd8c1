"""Each face in the example's reverse proxy: what is on the wire when the cache answers."""

import re
import threading
from collections.abc import Iterator

import pytest

from examples.proxy.wiring import Inner
from tests.eventually import eventually
from tests.integration.proxied import Proxy, proxied
from tests.integration.talking import WITHIN, Talk

FRESH = b"Cache-Control: max-age=60\r\n"


@pytest.fixture(name="proxy", params=list(Inner))
def _proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    """A proxy with each of the faces."""
    with proxied(request.param, cached=True) as proxy:
        yield proxy


def _without_own(response: bytes) -> bytes:
    """Return *response* without the two fields that the cache adds."""
    return re.sub(rb"(?m)^(?:age|cache-status): .*\r\n", b"", response)


def test_a_stored_response_is_sent_as_it_came(proxy: Proxy) -> None:
    """Status, case, order and repetition are kept; Age and Cache-Status are added."""
    fields = (
        b"x-bED: \xe9\r\n"
        + FRESH
        + b"Link: </a>\r\nLink: </b>\r\nContent-Length: 2\r\n"
    )
    proxy.answers(b"HTTP/1.1 299 Odd\r\n" + fields + b"\r\nok")
    first, second = proxy.get(), proxy.get()
    line, _, rest = _without_own(second).partition(b"\r\n")

    expected = fields + b"Connection: close\r\n\r\nok"
    assert b"HTTP/1.1 299 Odd\r\n" + expected == _without_own(first)
    # ASGI has no reason phrases, so its face has none to keep.
    assert line in {b"HTTP/1.1 299 Odd", b"HTTP/1.1 299 "}
    assert expected == rest
    assert re.search(
        rb"\r\nage: 0\r\ncache-status: hybridcache; hit; ttl=\d+\r\n", second
    )
    assert proxy.origin.connections == 1


def test_interim_responses_are_passed_on_and_not_stored(proxy: Proxy) -> None:
    """The first client gets the hints at once; the next gets the final response only."""
    told = threading.Event()

    def script(talk: Talk) -> None:
        talk.head()
        talk.say(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        assert told.wait(WITHIN)
        talk.say(b"HTTP/1.1 200 OK\r\n" + FRESH + b"Content-Length: 2\r\n\r\nok")

    proxy.origin.script = script
    with proxy.talk() as talk:
        talk.say(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
        hints = talk.head()
        told.set()
        final = talk.head()

    assert hints == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    assert final.startswith(b"HTTP/1.1 200 OK\r\n")
    assert proxy.get().startswith(b"HTTP/1.1 200 OK\r\n")
    assert proxy.origin.connections == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 10\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
)
def test_a_body_that_broke_off_is_not_stored(proxy: Proxy, sent: bytes) -> None:
    """Each client gets the half that came, and a connection that ends too early."""
    proxy.answers(b"HTTP/1.1 200 OK\r\n" + FRESH + sent)
    got = []
    for _ in range(2):
        with proxy.talk() as talk:
            talk.say(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            got.append(_without_own(talk.all()))

    assert [b"HTTP/1.1 200 OK\r\n" + FRESH + sent] * 2 == got
    assert proxy.origin.connections == 2


def test_a_stored_body_of_unknown_length_has_one(proxy: Proxy) -> None:
    """What came in chunks is sent with Content-Length; Transfer-Encoding is not stored."""
    chunks = b"2\r\nok\r\n0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\n" + FRESH
    proxy.answers(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    proxy.get()
    second = _without_own(proxy.get())

    assert head + b"content-length: 2\r\nConnection: close\r\n\r\nok" == second


def test_head_is_answered_from_a_get(proxy: Proxy) -> None:
    """The head is the same, Content-Length included, and no content follows."""
    sent = b"HTTP/1.1 200 OK\r\n" + FRESH + b"Content-Length: 2\r\n"
    proxy.answers(sent + b"\r\nok")
    proxy.get()
    got = _without_own(proxy.get(b"HEAD / HTTP/1.1"))

    assert sent + b"Connection: close\r\n\r\n" == got
    assert proxy.origin.connections == 1


def test_a_stale_response_serves_while_the_origin_is_away(proxy: Proxy) -> None:
    """Within stale-while-revalidate nobody sees that the origin does not answer."""
    fields = (
        b"Cache-Control: max-age=0, stale-while-revalidate=60\r\nContent-Length: 2\r\n"
    )
    proxy.answers(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\nok")
    proxy.get()
    proxy.answers()
    got = proxy.get()

    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"; hit; ttl=" in got
    eventually(lambda: proxy.origin.connections == 2)
