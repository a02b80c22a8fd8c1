"""What is requests' own about the adapter behind its sessions."""

import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter

from hybridcache import Cache, Memory
from hybridcache.http import CacheAdapter, HTTPPolicy, Served
from hybridcache.testing import ManualClock
from tests.http.origin import CHUNKED, FRESH, Origin, chunk, head, reply

URL = "http://example.org/"
HEADERS = {"Cache-Control": "max-age=60"}


class Inner(BaseAdapter):
    """An adapter that answers with what a test gives it, and notes what it is given."""

    def __init__(
        self, answer: Callable[[requests.PreparedRequest], requests.Response]
    ) -> None:
        super().__init__()
        self.answer = answer
        self.requests: list[requests.PreparedRequest] = []
        self.options: list[Mapping[str, object]] = []
        self.closed = False

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        """Answer."""
        self.requests.append(request)
        self.options.append(options)
        return self.answer(request)

    def close(self) -> None:
        """Note it."""
        self.closed = True


def response(raw: object, headers: Mapping[str, str] = HEADERS) -> requests.Response:
    """Make a response as an adapter does."""
    made = requests.Response()
    made.status_code = 200
    made.headers.update(headers)
    made.raw = cast("Any", raw)
    return made


def fresh(_: requests.PreparedRequest) -> requests.Response:
    """Answer with what may be stored."""
    return response(raw_of(b"hello"))


def raw_of(body: bytes) -> urllib3.HTTPResponse:
    """Make what urllib3 gives."""
    return urllib3.HTTPResponse(
        io.BytesIO(body), headers=HEADERS, status=200, preload_content=False
    )


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    """The cache's clock."""
    return ManualClock()


@pytest.fixture(name="cache")
def _cache(clock: ManualClock) -> Iterator[Cache]:
    """A cache in memory."""
    with Cache(name="http", downstream=Memory(max_items=100), clock=clock) as cache:
        yield cache


@pytest.fixture(name="origin")
def _origin() -> Iterator[Origin]:
    """A server that answers what the test sets."""
    origin = Origin()
    yield origin
    origin.close()


def session(cache: Cache, inner: BaseAdapter | None = None) -> requests.Session:
    """Make a session with a cache."""
    made = requests.Session()
    made.mount("http://", CacheAdapter(inner, cache=cache))
    return made


def served(got: requests.Response) -> Served:
    """Return what the cache did."""
    word: Served = got.hybridcache  # type: ignore[attr-defined]  # documented as such
    return word


def by_chunks(got: requests.Response) -> bytes:
    """Read by chunks of some size."""
    return b"".join(got.iter_content(3))


def as_they_come(got: requests.Response) -> bytes:
    """Read parts of whatever size they have."""
    return b"".join(got.iter_content(None))


def by_lines(got: requests.Response) -> bytes:
    """Read by lines."""
    return b"\n".join(got.iter_lines(2))


def from_the_file(got: requests.Response) -> bytes:
    """Read the raw response as a file."""
    copy = io.BytesIO()
    shutil.copyfileobj(got.raw, copy, 3)
    return copy.getvalue()


def at_once(got: requests.Response) -> bytes:
    """Read all of the raw response."""
    return bytes(got.raw.read())


WAYS = (by_chunks, as_they_come, by_lines, from_the_file, at_once)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_every_way_of_reading(
    cache: Cache,
    origin: Origin,
    way: Callable[[requests.Response], bytes],
    framing: str,
) -> None:
    """However a response is read, it comes whole, is stored, and comes so again."""
    whole = [reply(b"one\ntwo\nthree", FRESH)]
    if framing == "chunks":
        parts = (b"one\n", b"two\nth", b"ree", b"")
        whole = [head(FRESH, CHUNKED), *map(chunk, parts)]
    origin.script = lambda asked: whole
    with session(cache) as client:
        first = client.get(origin.url, stream=True)
        read = way(first)
        second = client.get(origin.url, stream=True)

        assert (Served.MISS, Served.HIT) == (served(first), served(second))
        assert b"one\ntwo\nthree" == read == way(second)


def test_all_that_a_session_says_is_passed_on(cache: Cache) -> None:
    """The inner adapter is told of timeouts, certificates and proxies."""
    inner = Inner(fresh)
    request = requests.Request("GET", URL).prepare()

    CacheAdapter(inner, cache=cache).send(
        request, stream=True, timeout=3, verify="ca", cert="own", proxies={"http": "p"}
    )

    assert request is inner.requests[0]
    assert {
        "stream": True,
        "timeout": 3,
        "verify": "ca",
        "cert": "own",
        "proxies": {"http": "p"},
    } == inner.options[0]


def test_served_responses_look_like_others(cache: Cache) -> None:
    """A response from the cache has its request, its URL and its history."""
    with session(cache, Inner(fresh)) as client:
        client.get(URL)
        got = client.get(URL)

    assert (Served.HIT, URL, "OK", 11) == (
        served(got),
        got.url,
        got.reason,
        got.raw.version,
    )
    assert "GET" == got.request.method
    assert [] == got.history
    assert got.ok


def test_requests_in_turn_go_through_the_cache(cache: Cache) -> None:
    """The connection that an authentication would use again is the adapter itself."""
    inner = Inner(fresh)
    with session(cache, inner) as client:
        got = client.get(URL)
        again = got.connection.send(got.request)

    assert Served.HIT is served(again)
    assert 1 == len(inner.requests)


def test_userinfo_is_no_part_of_the_key(cache: Cache) -> None:
    """A URL with a user's name asks for what the one without asks for."""
    with session(cache, Inner(fresh)) as client:
        client.get("http://user@example.org/")
        got = client.get("http://EXAMPLE.org:80/#part")

    assert Served.HIT is served(got)


@pytest.mark.parametrize("kind", [bytes, bytearray, io.BytesIO, bytes.decode, iter])
def test_content_of_any_kind_is_content(
    cache: Cache, kind: Callable[[bytes], Any]
) -> None:
    """A GET with content goes past the cache, whatever the content is made of."""
    with session(cache, Inner(fresh)) as client:
        got = client.get(URL, data=kind(b"x"))

    assert Served.BYPASS is served(got)


def test_what_was_read_before_is_not_stored(cache: Cache) -> None:
    """Content that the inner adapter has read already cannot be copied any more."""

    def read(_: requests.PreparedRequest) -> requests.Response:
        made = response(raw_of(b"hello"))
        assert b"hello" == made.content
        return made

    with session(cache, Inner(read)) as client:
        client.get(URL)
        got = client.get(URL)

    assert (b"hello", Served.MISS) == (got.content, served(got))


def test_what_is_no_http_is_passed_on(cache: Cache) -> None:
    """A response whose content comes from some file reaches the caller, unstored."""
    inner = Inner(lambda _: response(io.BytesIO(b"hello")))
    with session(cache, inner) as client:
        got = [client.get(URL) for _ in range(2)]

    assert [b"hello"] * 2 == [one.content for one in got]
    assert [Served.MISS] * 2 == [served(one) for one in got]
    assert all("hybridcache" in one.headers["Cache-Status"] for one in got)


@pytest.mark.parametrize(
    "error",
    [
        requests.ConnectionError("refused"),
        requests.ReadTimeout("late"),
        requests.exceptions.RetryError("too often"),
    ],
)
def test_the_very_error_is_raised_or_hidden_by_a_stale_response(
    cache: Cache, clock: ManualClock, error: Exception
) -> None:
    """An origin's failure reaches the caller as it is, where nothing serves stale."""

    def fail(_: requests.PreparedRequest) -> requests.Response:
        raise error

    inner = Inner(fresh)
    with session(cache, inner) as client:
        client.get(URL, headers={"Cache-Control": "stale-if-error=600"})
        clock.advance(61)
        inner.answer = fail
        stale = client.get(URL, headers={"Cache-Control": "stale-if-error=600"})
        with pytest.raises(type(error)) as caught:
            client.get(URL)

    assert (b"hello", Served.STALE) == (stale.content, served(stale))
    assert error is caught.value


def test_a_fault_of_the_program_is_not_hidden(cache: Cache) -> None:
    """What is no failure of the origin's is raised, and nobody waits for more."""

    def fail(_: requests.PreparedRequest) -> requests.Response:
        raise requests.exceptions.InvalidHeader

    inner = Inner(fail)
    with session(cache, inner) as client:
        with pytest.raises(requests.exceptions.InvalidHeader):
            client.get(URL)
        inner.answer = fresh
        got = client.get(URL)

    assert b"hello" == got.content


def test_closing_a_session_leaves_the_cache_open(cache: Cache) -> None:
    """The cache outlives a session, and serves the next one."""
    inner = Inner(fresh)
    with session(cache, inner) as client:
        client.get(URL)
    with session(cache, Inner(fresh)) as client:
        got = client.get(URL)

    assert inner.closed
    assert Served.HIT is served(got)


def test_arguments_of_a_wrong_kind_are_refused(cache: Cache) -> None:
    """What is no adapter, cache or policy is an error at once."""
    with pytest.raises(TypeError, match="inner takes what is of type BaseAdapter"):
        CacheAdapter(cast("Any", requests.Session()), cache=cache)
    with pytest.raises(TypeError, match="Cache"):
        CacheAdapter(cache=cast("Any", None))
    with pytest.raises(TypeError, match="HTTPPolicy"):
        CacheAdapter(cache=cache, policy=cast("Any", HTTPPolicy))
