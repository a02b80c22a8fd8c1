"""A cold key with a lease: memory, Redis, the lease, a trivial loader, two stores."""

import asyncio
from itertools import count
from time import perf_counter

from benchmarks.measuring import Measured, acompared, compared
from benchmarks.raw import VALUE, awaiting, blocking
from benchmarks.waiting import until_whole, until_whole_async
from hybridcache import AsyncCache, Cache, Memory, Policy
from hybridcache.testing.server import RedisServer

POLICY = Policy(fresh_for=3600, ttl=7200)
BAR = 1.5
NUMBER = 30


def measure(server: RedisServer) -> list[Measured]:
    """Measure both colours."""
    return [_sync(server), asyncio.run(_async(server))]


def _sync(server: RedisServer) -> Measured:
    cache = Cache(name="bench-miss", upstream=server.url, downstream=Memory())
    keys = count()
    with cache, blocking(server) as client:

        @cache.cached(POLICY, key="item:{number}")
        def item(number: int) -> bytes:  # noqa: ARG001 (all have one value)
            return VALUE

        def ours(number: int) -> float:
            begun = perf_counter()
            for _ in range(number):
                item(next(keys))
            return perf_counter() - begun

        def reference(number: int) -> float:
            begun = perf_counter()
            for _ in range(number):
                name = f"raw:{next(keys)}"
                client.get(name)
                client.set(name, VALUE)
            return perf_counter() - begun

        until_whole(cache)
        return compared(
            "miss with a lease, sync : GET + SET",
            ours,
            reference,
            number=NUMBER,
            bar=BAR,
        )


async def _async(server: RedisServer) -> Measured:
    cache = AsyncCache(name="bench-amiss", upstream=server.url, downstream=Memory())
    keys = count()
    async with cache, awaiting(server) as client:

        @cache.cached(POLICY, key="item:{number}")
        async def item(number: int) -> bytes:  # noqa: ARG001 (all have one value)
            return VALUE

        async def ours(number: int) -> float:
            begun = perf_counter()
            for _ in range(number):
                await item(next(keys))
            return perf_counter() - begun

        async def reference(number: int) -> float:
            begun = perf_counter()
            for _ in range(number):
                name = f"raw:{next(keys)}"
                await client.get(name)
                await client.set(name, VALUE)
            return perf_counter() - begun

        await until_whole_async(cache)
        return await acompared(
            "miss with a lease, async : GET + SET",
            ours,
            reference,
            number=NUMBER,
            bar=BAR,
        )
