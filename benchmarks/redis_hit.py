"""A hit in Redis, one caller, no memory tier."""

import asyncio
from itertools import repeat
from time import perf_counter

from benchmarks.measuring import Measured, acompared, compared
from benchmarks.raw import VALUE, awaiting, blocking
from benchmarks.waiting import until_whole, until_whole_async
from hybridcache import AsyncCache, Cache, Policy
from hybridcache.testing.server import RedisServer

POLICY = Policy(fresh_for=3600, ttl=7200)
BAR = 1.4
NUMBER = 50


def measure(server: RedisServer) -> list[Measured]:
    """Measure both colours."""
    with blocking(server) as client:
        client.set("raw", VALUE)
    return [_sync(server), asyncio.run(_async(server))]


def _sync(server: RedisServer) -> Measured:
    cache = Cache(name="bench-hit", upstream=server.url)
    with cache, blocking(server) as client:

        @cache.cached(POLICY, key="item:{number}")
        def item(number: int) -> bytes:  # noqa: ARG001 (all have one value)
            return VALUE

        def ours(number: int) -> float:
            begun = perf_counter()
            for _ in repeat(None, number):
                item(7)
            return perf_counter() - begun

        def reference(number: int) -> float:
            begun = perf_counter()
            for _ in repeat(None, number):
                client.get("raw")
            return perf_counter() - begun

        item(7)
        until_whole(cache)
        return compared(
            "Redis hit, sync : redis-py GET", ours, reference, number=NUMBER, bar=BAR
        )


async def _async(server: RedisServer) -> Measured:
    cache = AsyncCache(name="bench-hit", upstream=server.url)
    async with cache, awaiting(server) as client:

        @cache.cached(POLICY, key="item:{number}")
        async def item(number: int) -> bytes:  # noqa: ARG001 (all have one value)
            return VALUE

        async def ours(number: int) -> float:
            begun = perf_counter()
            for _ in repeat(None, number):
                await item(7)
            return perf_counter() - begun

        async def reference(number: int) -> float:
            begun = perf_counter()
            for _ in repeat(None, number):
                await client.get("raw")
            return perf_counter() - begun

        await item(7)
        await until_whole_async(cache)
        return await acompared(
            "Redis hit, async : redis-py GET", ours, reference, number=NUMBER, bar=BAR
        )
