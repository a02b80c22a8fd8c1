"""Several HTTP faces on one cache: each has what is its own."""

import httpx

from hybridcache.http import AsyncCacheTransport
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
