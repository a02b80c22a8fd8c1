"""Several HTTP faces on one cache: each has what is its own."""

import asyncio
import time

import httpx

from hybridcache import AsyncCache, Cache, Memory
from hybridcache.http import AsyncCacheTransport, CacheTransport, Served
from tests.integration.test_http_asgi import on_a_loop, site

URL = "http://example.org/me"


def secret(_: httpx.Request) -> httpx.Response:
    """Answer with what is for one user."""
    fields = {"cache-control": "private, max-age=60"}
    return httpx.Response(200, headers=fields, content=b"secret")


@on_a_loop
async def test_private_cache_serves_no_shared_one() -> None:
    """What a client stored for itself serves nobody who asks a server with its Host."""
    async with site() as web:
        inner = httpx.MockTransport(secret)
        transport = AsyncCacheTransport(inner, cache=web.cache)
        async with httpx.AsyncClient(transport=transport) as client:
            await client.get(URL)
        got = await web.get("/me", host="example.org")

        assert (got.hit, got.body) == (False, b"hello")


class _Slow(httpx.AsyncBaseTransport):
    """Answers when it may."""

    def __init__(self) -> None:
        self.may = asyncio.Event()
        self.asked = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.asked.set()
        await self.may.wait()
        return secret(request)


@on_a_loop
async def test_sync_client_on_a_loop_waits_for_nothing_of_that_loop() -> None:
    """A sync client that would wait for its own thread's loop asks the origin at once."""
    memory, slow = Memory(max_items=10), _Slow()
    async with AsyncCache(name="one", downstream=memory) as cache:
        transport = AsyncCacheTransport(slow, cache=cache)
        async with httpx.AsyncClient(transport=transport) as client:
            loading = asyncio.create_task(client.get(URL))
            await slow.asked.wait()
            begun = time.monotonic()
            with Cache(name="one", downstream=memory) as other:
                inner = CacheTransport(httpx.MockTransport(secret), cache=other)
                with httpx.Client(transport=inner) as blocking:
                    got = blocking.get(URL)  # noqa: ASYNC212 (the point)
            took = time.monotonic() - begun
            slow.may.set()
            await loading

            assert got.extensions["hybridcache"] is Served.MISS
            assert took < 5.0
