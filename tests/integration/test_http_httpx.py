"""What is httpx's own about the transports behind its clients."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx
import pytest

from hybridcache import AsyncCache, Cache, Memory
from hybridcache.http import AsyncCacheTransport, CacheTransport, HTTPPolicy, Served
from hybridcache.testing import ManualClock
from tests.eventually import eventually
from tests.run import Run

FRESH = {"Cache-Control": "max-age=60"}
GRACE = {"Cache-Control": "max-age=60, stale-if-error=600"}
URL = "http://example.org/"


class Inner(httpx.BaseTransport):
    """A transport that answers with what a test gives it, and notes what it is given."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []
        self.closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.requests.append(request)
        return self.answer(request)

    def close(self) -> None:
        """Note it."""
        self.closed = True


def fresh(_: httpx.Request) -> httpx.Response:
    """Answer with what may be stored."""
    return httpx.Response(200, headers=FRESH, content=b"hello")


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    """The cache's clock."""
    return ManualClock()


@pytest.fixture(name="cache")
def _cache(clock: ManualClock) -> Iterator[Cache]:
    """A cache in memory."""
    with Cache(name="http", downstream=Memory(max_items=100), clock=clock) as cache:
        yield cache


def test_by_default_it_makes_the_requests_itself(cache: Cache) -> None:
    """Without an inner transport there is httpx's own."""
    transport = CacheTransport(cache=cache)

    with httpx.Client(transport=transport) as client, pytest.raises(httpx.ConnectError):
        client.get("http://127.0.0.1:1/")


def test_served_responses_look_like_others(cache: Cache) -> None:
    """A response from the cache has a version, a phrase, its request and a URL."""
    inner = Inner(
        lambda _: httpx.Response(
            200, headers=FRESH, content=b"", extensions={"reason_phrase": b"Fine"}
        )
    )
    with httpx.Client(transport=CacheTransport(inner, cache=cache)) as client:
        client.get(URL)
        got = client.get(URL)

    assert Served.HIT is got.extensions["hybridcache"]
    assert ("HTTP/1.1", "Fine", URL) == (
        got.http_version,
        got.reason_phrase,
        str(got.url),
    )
    assert got.elapsed is not None


def test_an_unknown_reason_is_httpx_s(cache: Cache) -> None:
    """Where the origin gave no phrase, the status code's own stands."""
    with httpx.Client(transport=CacheTransport(Inner(fresh), cache=cache)) as client:
        client.get(URL)
        got = client.get(URL)

    assert "OK" == got.reason_phrase


def test_what_the_inner_transport_says_is_passed_on(cache: Cache) -> None:
    """The extensions of the origin's response reach the caller."""
    inner = Inner(
        lambda _: httpx.Response(200, extensions={"http_version": b"HTTP/2", "x": 1})
    )
    with httpx.Client(transport=CacheTransport(inner, cache=cache)) as client:
        got = client.get(URL)

    assert ("HTTP/2", 1) == (got.http_version, got.extensions["x"])
    assert Served.MISS is got.extensions["hybridcache"]


def test_a_request_that_is_not_changed_is_passed_on(cache: Cache) -> None:
    """The inner transport gets the client's own request where the cache adds nothing."""
    inner = Inner(fresh)
    transport = CacheTransport(inner, cache=cache)
    request = httpx.Request("GET", URL, headers={"X-One": "1"})

    transport.handle_request(request).read()

    assert [request] == inner.requests
    assert request is inner.requests[0]


def test_the_target_extension_counts(cache: Cache) -> None:
    """What is sent in the place of the URL's path is what is asked for."""
    inner = Inner(
        lambda request: httpx.Response(
            200, headers=FRESH, content=request.extensions.get("target", b"/")
        )
    )
    with httpx.Client(transport=CacheTransport(inner, cache=cache)) as client:
        client.get(URL)
        got = client.get(URL, extensions={"target": b"/other"})

    assert b"/other" == got.content


def test_the_very_error_is_raised(cache: Cache) -> None:
    """The inner transport's error reaches the caller as it was raised."""
    error = httpx.ReadTimeout("late")

    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    with (
        httpx.Client(transport=CacheTransport(Inner(fail), cache=cache)) as client,
        pytest.raises(httpx.ReadTimeout) as caught,
    ):
        client.get(URL)

    assert error is caught.value


def test_a_fault_of_the_program_is_not_hidden(cache: Cache, clock: ManualClock) -> None:
    """What is no failure of the origin's is raised, whatever may serve stale."""
    inner = Inner(lambda _: httpx.Response(200, headers=GRACE, content=b"old"))

    def fail(_: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError

    with httpx.Client(transport=CacheTransport(inner, cache=cache)) as client:
        client.get(URL)
        clock.advance(61)
        inner.answer = fail
        with pytest.raises(ZeroDivisionError):
            client.get(URL)
        inner.answer = fresh
        got = client.get(URL)

    assert b"hello" == got.content


def test_a_fault_of_the_policy_closes_the_response(cache: Cache) -> None:
    """Where the user's function fails on a head, the response is let go of."""

    def fail(_: object) -> bool:
        raise ZeroDivisionError

    class Stream(httpx.SyncByteStream):
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            yield b"hello"

        def close(self) -> None:
            self.closed = True

    stream = Stream()
    policy = HTTPPolicy.by_url(60, 60, accept_response=fail)
    inner = Inner(lambda _: httpx.Response(200, stream=stream))
    transport = CacheTransport(inner, cache=cache, policy=policy)

    with httpx.Client(transport=transport) as client, pytest.raises(ZeroDivisionError):
        client.get(URL)

    assert stream.closed


def test_the_background_has_no_part_in_a_trace(
    cache: Cache, clock: ManualClock
) -> None:
    """A refresh has the timeouts of the request that caused it, not its trace."""
    swr = {"Cache-Control": "max-age=60, stale-while-revalidate=600"}
    inner = Inner(lambda _: httpx.Response(200, headers=swr, content=b"hello"))
    with httpx.Client(transport=CacheTransport(inner, cache=cache)) as client:
        client.get(URL)
        clock.advance(61)
        client.get(URL, timeout=7, extensions={"trace": print})
        eventually(lambda: len(inner.requests) == 2)

    given = inner.requests[-1].extensions
    assert 7 == given["timeout"]["read"]
    assert "trace" not in given


def test_a_refresh_that_is_too_long_changes_nothing(
    cache: Cache, clock: ManualClock
) -> None:
    """Content over the limit is not read to its end in the background."""
    swr = {"Cache-Control": "max-age=60, stale-while-revalidate=600"}
    read: list[int] = []

    class Endless(httpx.SyncByteStream):
        closed = False

        def __iter__(self) -> Iterator[bytes]:
            while True:
                read.append(1)
                yield b"x" * 100

        def close(self) -> None:
            self.closed = True

    endless = Endless()
    inner = Inner(lambda _: httpx.Response(200, headers=swr, content=b"hello"))
    policy = HTTPPolicy.private(max_body=1000)
    transport = CacheTransport(inner, cache=cache, policy=policy)
    with httpx.Client(transport=transport) as client:
        client.get(URL)
        clock.advance(61)
        inner.answer = lambda _: httpx.Response(200, headers=swr, stream=endless)
        client.get(URL)
        eventually(lambda: endless.closed)
        got = client.get(URL)

    assert (b"hello", 11) == (got.content, len(read))


def test_closing_a_client_leaves_the_cache_open(cache: Cache) -> None:
    """The cache outlives a client, and serves the next one."""
    first, second = Inner(fresh), Inner(fresh)
    with httpx.Client(transport=CacheTransport(first, cache=cache)) as client:
        client.get(URL)
    with httpx.Client(transport=CacheTransport(second, cache=cache)) as client:
        got = client.get(URL)

    assert first.closed
    assert Served.HIT is got.extensions["hybridcache"]


def test_partitions_keep_users_apart(cache: Cache) -> None:
    """Clients of several users share a cache and no response."""

    def of(user: str) -> httpx.Client:
        policy = HTTPPolicy.private(partition=lambda _: user)
        inner = Inner(
            lambda _: httpx.Response(200, headers=FRESH, content=user.encode())
        )
        return httpx.Client(transport=CacheTransport(inner, cache=cache, policy=policy))

    with of("a") as a, of("b") as b:
        got = [client.get(URL).content for client in (a, b, a, b)]

    assert [b"a", b"b"] * 2 == got


def test_explain(cache: Cache) -> None:
    """A client says what it would do with a URL, and asks for nothing."""
    inner = Inner(fresh)
    transport = CacheTransport(inner, cache=cache)
    with httpx.Client(transport=transport) as client:
        before = transport.explain(URL)
        client.get(URL)
        after = transport.explain(URL)

    assert ("miss", "hit") == (before.course, after.course)
    assert 1 == len(inner.requests)


def test_arguments_of_a_wrong_kind_are_refused(cache: Cache) -> None:
    """The other colour's cache or transport, or no policy, is an error at once."""
    other = cast("Any", httpx.AsyncHTTPTransport(verify=False))
    with pytest.raises(TypeError, match="inner takes what is of type BaseTransport"):
        CacheTransport(other, cache=cache)
    with pytest.raises(TypeError, match="AsyncCache"):
        AsyncCacheTransport(cache=cast("Any", cache))
    with pytest.raises(TypeError, match="HTTPPolicy"):
        CacheTransport(cache=cache, policy=cast("Any", "private"))


class Held(httpx.AsyncBaseTransport):
    """A transport that begins an answer and does not end it by itself."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait, then answer."""
        self.calls += 1
        self.begun.set()
        await self.go_on.wait()
        return httpx.Response(200, headers=FRESH, content=b"hello")


def test_a_cancelled_request_lets_others_go_on(run: Run) -> None:
    """Who waits for a request that is cancelled asks the origin without delay."""

    async def test() -> None:
        inner = Held()
        async with (
            AsyncCache(name="http", downstream=Memory(max_items=100)) as cache,
            httpx.AsyncClient(
                transport=AsyncCacheTransport(inner, cache=cache)
            ) as client,
            asyncio.timeout(5),
        ):
            first = asyncio.create_task(client.get(URL))
            await inner.begun.wait()
            second = asyncio.create_task(client.get(URL))
            await asyncio.sleep(0)
            first.cancel()
            inner.go_on.set()

            assert b"hello" == (await second).content
            with pytest.raises(asyncio.CancelledError):
                await first

    run(test())


def test_both_colours_share_responses(run: Run) -> None:
    """A sync and an async client on one memory serve what the other stored."""
    memory = Memory(max_items=100)
    inner = Inner(fresh)
    with (
        Cache(name="http", downstream=memory) as cache,
        httpx.Client(transport=CacheTransport(inner, cache=cache)) as client,
    ):
        client.get(URL)

        async def test() -> httpx.Response:
            async with (
                AsyncCache(name="http", downstream=memory) as other,
                httpx.AsyncClient(
                    transport=AsyncCacheTransport(cache=other)
                ) as async_client,
            ):
                return await async_client.get(URL)

        got = run(test())

    assert Served.HIT is got.extensions["hybridcache"]
