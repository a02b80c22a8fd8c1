"""The middleware among others: what stands outside of it, and what inside."""

import asyncio
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from hybridcache import AsyncCache, Memory
from hybridcache.http import CacheMiddleware

ORIGINS = ["https://a.example", "https://b.example"]
TEXT = "hello " * 500


class Application:
    """A page of text, behind what is given."""

    def __init__(self, *middleware: Middleware) -> None:
        self.calls = 0
        self.app = Starlette(
            routes=[Route("/", self._page)], middleware=list(middleware)
        )

    async def _page(self, request: Request) -> PlainTextResponse:
        self.calls += 1
        return PlainTextResponse(TEXT, headers={"Cache-Control": "max-age=60"})


async def ask(app: Any, headers: dict[str, str]) -> httpx.Response:
    """Ask for the page."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://shop.example"
    ) as client:
        return await client.get("/", headers=headers)


def test_cors_outside_is_each_origins_own() -> None:
    """What CORSMiddleware adds outside of the cache is not stored: each gets its own."""

    async def play() -> None:
        async with AsyncCache(name="w", downstream=Memory(max_items=9)) as cache:
            inside = Application()
            cached = CacheMiddleware(inside.app, cache=cache)
            app = CORSMiddleware(cached, allow_origins=ORIGINS)
            got = [await ask(app, {"Origin": origin}) for origin in ORIGINS]

            allowed = [each.headers["access-control-allow-origin"] for each in got]
            assert allowed == ORIGINS
            assert inside.calls == 1

    asyncio.run(play())


def test_cors_inside_varies() -> None:
    """Inside of the cache it sends Vary: Origin, and each origin has a variant."""

    async def play() -> None:
        async with AsyncCache(name="w", downstream=Memory(max_items=9)) as cache:
            inside = Application(Middleware(CORSMiddleware, allow_origins=ORIGINS))
            app = CacheMiddleware(inside.app, cache=cache)
            got = [await ask(app, {"Origin": origin}) for origin in ORIGINS * 2]

            allowed = [each.headers["access-control-allow-origin"] for each in got]
            assert allowed == ORIGINS * 2
            assert inside.calls == 2

    asyncio.run(play())


def test_compression_inside_varies() -> None:
    """What GZipMiddleware compressed inside of the cache is for those who asked for it."""

    async def play() -> None:
        async with AsyncCache(name="w", downstream=Memory(max_items=9)) as cache:
            inside = Application(Middleware(GZipMiddleware))
            app = CacheMiddleware(inside.app, cache=cache)
            codings = ["gzip", "identity"]
            got = [
                await ask(app, {"Accept-Encoding": coding}) for coding in codings * 2
            ]

            assert [each.headers.get("content-encoding") for each in got] == [
                "gzip",
                None,
            ] * 2
            assert {each.text for each in got} == {TEXT}
            assert inside.calls == 2

    asyncio.run(play())
