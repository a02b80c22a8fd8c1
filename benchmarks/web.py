"""ASGI applications to measure: one that only answers, and the same behind the cache.

Servers import them by name: ``benchmarks.web:bare``, and so on.
"""

import asyncio
import os
from typing import Any

from hybridcache import AsyncCache, Memory
from hybridcache.http import CacheMiddleware

BODY = b"x" * 1024
FIELDS = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(BODY)),
    (b"cache-control", b"max-age=3600"),
)
# As many as come from the cache, and as long.
FIELDS_OF_A_HIT = (
    *FIELDS,
    (b"age", b"12"),
    (b"cache-status", b"hybridcache; hit; ttl=3588"),
)
# What the slow application is told by its environment.
CALLS = "HYBRIDCACHE_BENCH_CALLS"
REDIS = "HYBRIDCACHE_BENCH_REDIS"
SLOW_SECONDS = 0.2


async def bare(scope: Any, _receive: Any, send: Any) -> None:
    """Answer with 1 KiB and the field lines of a hit."""
    await _answer(scope, send, FIELDS_OF_A_HIT)


async def page(scope: Any, _receive: Any, send: Any) -> None:
    """Answer with 1 KiB that may be kept."""
    await _answer(scope, send, FIELDS)


async def _answer(scope: Any, send: Any, fields: Any) -> None:
    if scope["type"] == "http":
        head = {"type": "http.response.start", "status": 200, "headers": fields}
        await send(head)
        await send({"type": "http.response.body", "body": BODY})


cached = CacheMiddleware(page, cache=AsyncCache(name="bench-asgi", downstream=Memory()))


def slow() -> CacheMiddleware:
    """Make an application that takes its time, and notes each of its calls."""
    notes = os.open(os.environ[CALLS], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        os.write(notes, scope["raw_path"] + b"\n")
        await asyncio.sleep(SLOW_SECONDS)
        await page(scope, receive, send)

    cache = AsyncCache(
        name="bench-slow", upstream=os.environ[REDIS], downstream=Memory()
    )
    return CacheMiddleware(app, cache=cache)
