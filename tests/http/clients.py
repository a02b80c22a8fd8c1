"""The three clients behind a cache, made to look alike to a test."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Final, Protocol, TypeAlias, TypedDict

import attrs
import httpx
import requests

from hybridcache import AsyncCache, Cache, Invalidated, Memory
from hybridcache.core.http.explained import RequestExplanation
from hybridcache.http import (
    AsyncCacheTransport,
    CacheAdapter,
    CacheTransport,
    HTTPPolicy,
    Served,
)
from tests.http.origin import Origin
from tests.integration.nodes import LoopThread

BROKEN: Final = (httpx.TransportError, requests.RequestException)
"""What a client raises where the origin failed."""

# Certificates take a while to be read, and no origin here has one.
NO_TLS: Final = False

Names: TypeAlias = Mapping[str, str]


@attrs.frozen
class Got:
    """A response as the caller of a client got it."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    served: Served
    before: tuple["Got", ...] = ()

    def all(self, name: str) -> list[str]:
        """Return the values of all lines of that name."""
        return [value for key, value in self.headers if key.lower() == name]


class Streamed(Protocol):
    """A response that is read part by part."""

    def part(self) -> bytes:
        """Return the next part; empty at the end."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Client(Protocol):
    """What tests do with a client."""

    @property
    def cookies(self) -> Mapping[str, str]:
        """Its cookies."""
        ...

    def ask(
        self,
        path: str = "/",
        headers: Names | None = None,
        *,
        method: str = "GET",
        content: bytes | None = None,
    ) -> Got:
        """Make a request and read its response."""
        ...

    def stream(self, path: str = "/") -> Streamed:
        """Make a request, its response still to be read."""
        ...

    def purge(self, path: str = "/") -> Invalidated:
        """Purge a URL."""
        ...

    def explain(self, path: str = "/") -> RequestExplanation:
        """Say what would become of a GET."""
        ...

    def close_cache(self) -> None:
        """Close the cache alone."""
        ...

    def close(self) -> None:
        """Close the client, and then its cache."""
        ...


class Make(Protocol):
    """Makes a client of one kind, with a cache of its own."""

    def __call__(
        self,
        origin: Origin,
        policy: HTTPPolicy,
        clock: Callable[[], float] = time.monotonic,
        redis: str | None = None,
    ) -> Client:
        """Make it."""
        ...


class _Options(TypedDict):
    name: str
    upstream: str | None
    downstream: Memory
    clock: Callable[[], float]


def _options(clock: Callable[[], float], redis: str | None) -> _Options:
    return {
        "name": "http",
        "upstream": redis,
        "downstream": Memory(max_items=1000),
        "clock": clock,
    }


@attrs.frozen
class _Streamed:
    """Parts that come by calls."""

    part: Callable[[], bytes]
    close: Callable[[], None]


def _got_of_httpx(response: httpx.Response) -> Got:
    return Got(
        response.status_code,
        response.reason_phrase,
        tuple(response.headers.multi_items()),
        response.content,
        response.extensions["hybridcache"],
        tuple(_got_of_httpx(one) for one in response.history),
    )


class OfHttpx:
    """An ``httpx.Client``."""

    def __init__(
        self,
        origin: Origin,
        policy: HTTPPolicy,
        clock: Callable[[], float] = time.monotonic,
        redis: str | None = None,
    ) -> None:
        self.cache = Cache(**_options(clock, redis))
        inner = httpx.HTTPTransport(verify=NO_TLS)
        self.transport = CacheTransport(inner, cache=self.cache, policy=policy)
        self.client = httpx.Client(
            base_url=origin.url, transport=self.transport, follow_redirects=True
        )
        self.url = origin.url

    @property
    def cookies(self) -> Mapping[str, str]:
        """The client's cookies."""
        return self.client.cookies

    def ask(
        self,
        path: str = "/",
        headers: Names | None = None,
        *,
        method: str = "GET",
        content: bytes | None = None,
    ) -> Got:
        """Make a request and read its response."""
        response = self.client.request(method, path, headers=headers, content=content)
        return _got_of_httpx(response)

    def stream(self, path: str = "/") -> Streamed:
        """Make a request, its response still to be read."""
        request = self.client.build_request("GET", path)
        response = self.client.send(request, stream=True)
        parts = response.iter_bytes()
        return _Streamed(lambda: next(parts, b""), response.close)

    def purge(self, path: str = "/") -> Invalidated:
        """Purge a URL."""
        return self.transport.purge(self.url + path)

    def explain(self, path: str = "/") -> RequestExplanation:
        """Say what would become of a GET."""
        return self.transport.explain(self.url + path)

    def close_cache(self) -> None:
        """Close the cache alone."""
        self.cache.close()

    def close(self) -> None:
        """Close the client, and then its cache."""
        self.client.close()
        self.cache.close()


class OfAsyncHttpx:
    """An ``httpx.AsyncClient``, on a loop in a thread."""

    def __init__(
        self,
        origin: Origin,
        policy: HTTPPolicy,
        clock: Callable[[], float] = time.monotonic,
        redis: str | None = None,
    ) -> None:
        self.loop = LoopThread()
        self.cache = AsyncCache(**_options(clock, redis))
        inner = httpx.AsyncHTTPTransport(verify=NO_TLS)
        self.transport = AsyncCacheTransport(inner, cache=self.cache, policy=policy)
        self.client = httpx.AsyncClient(
            base_url=origin.url, transport=self.transport, follow_redirects=True
        )
        self.url = origin.url

    @property
    def cookies(self) -> Mapping[str, str]:
        """The client's cookies."""
        return self.client.cookies

    def ask(
        self,
        path: str = "/",
        headers: Names | None = None,
        *,
        method: str = "GET",
        content: bytes | None = None,
    ) -> Got:
        """Make a request and read its response."""
        return self.loop.run(self._ask(path, headers, method, content))

    async def _ask(
        self, path: str, headers: Names | None, method: str, content: bytes | None
    ) -> Got:
        response = await self.client.request(
            method, path, headers=headers, content=content
        )
        return _got_of_httpx(response)

    def stream(self, path: str = "/") -> Streamed:
        """Make a request, its response still to be read."""
        return self.loop.run(self._stream(path))

    async def _stream(self, path: str) -> Streamed:
        request = self.client.build_request("GET", path)
        response = await self.client.send(request, stream=True)
        parts = response.aiter_bytes()
        return _Streamed(
            lambda: self.loop.run(_next(parts)),
            lambda: self.loop.run(response.aclose()),
        )

    def purge(self, path: str = "/") -> Invalidated:
        """Purge a URL."""
        return self.loop.run(self.transport.purge(self.url + path))

    def explain(self, path: str = "/") -> RequestExplanation:
        """Say what would become of a GET."""
        return self.loop.run(self.transport.explain(self.url + path))

    def close_cache(self) -> None:
        """Close the cache alone."""
        self.loop.run(self.cache.close())

    def close(self) -> None:
        """Close the client, and then its cache and its loop."""
        self.loop.run(self.client.aclose())
        self.loop.run(self.cache.close())
        self.loop.close()


async def _next(parts: AsyncIterator[bytes]) -> bytes:
    return await anext(parts, b"")


class OfRequests:
    """A ``requests.Session``."""

    def __init__(
        self,
        origin: Origin,
        policy: HTTPPolicy,
        clock: Callable[[], float] = time.monotonic,
        redis: str | None = None,
    ) -> None:
        self.cache = Cache(**_options(clock, redis))
        self.adapter = CacheAdapter(cache=self.cache, policy=policy)
        self.session = requests.Session()
        self.session.mount("http://", self.adapter)
        self.url = origin.url

    @property
    def cookies(self) -> Mapping[str, str]:
        """The session's cookies."""
        return self.session.cookies.get_dict()

    def ask(
        self,
        path: str = "/",
        headers: Names | None = None,
        *,
        method: str = "GET",
        content: bytes | None = None,
    ) -> Got:
        """Make a request and read its response."""
        response = self.session.request(
            method, self.url + path, headers=headers, data=content
        )
        return self._got(response)

    def _got(self, response: requests.Response) -> Got:
        return Got(
            response.status_code,
            response.reason,
            tuple(response.raw.headers.iteritems()),
            response.content,
            response.hybridcache,  # type: ignore[attr-defined]  # documented as such
            tuple(self._got(one) for one in response.history),
        )

    def stream(self, path: str = "/") -> Streamed:
        """Make a request, its response still to be read."""
        response = self.session.get(self.url + path, stream=True)
        parts: Iterator[bytes] = response.iter_content(1024)
        return _Streamed(lambda: next(parts, b""), response.close)

    def purge(self, path: str = "/") -> Invalidated:
        """Purge a URL."""
        return self.adapter.purge(self.url + path)

    def explain(self, path: str = "/") -> RequestExplanation:
        """Say what would become of a GET."""
        return self.adapter.explain(self.url + path)

    def close_cache(self) -> None:
        """Close the cache alone."""
        self.cache.close()

    def close(self) -> None:
        """Close the session, and then its cache."""
        self.session.close()
        self.cache.close()


MAKERS: Final[Mapping[str, Make]] = {
    "httpx": OfHttpx,
    "httpx-async": OfAsyncHttpx,
    "requests": OfRequests,
}
