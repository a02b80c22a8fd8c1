"""A cold key while Redis is down and the breaker open: what it costs besides the loader."""

import asyncio
from itertools import count
from statistics import median
from time import perf_counter

from benchmarks.measuring import ROUNDS, Measured
from benchmarks.waiting import is_open
from hybridcache import AsyncCache, Cache, Memory, Policy
from hybridcache.testing.server import RedisServer

POLICY = Policy(fresh_for=3600, ttl=7200)
NUMBER = 30


def measure(server: RedisServer) -> list[Measured]:
    """Measure both colours; *server* is down afterwards."""
    server.kill()
    return [_sync(server), asyncio.run(_async(server))]


def _load(number: int) -> int:
    return number


async def _aload(number: int) -> int:
    return number


def _sync(server: RedisServer) -> Measured:
    keys = count()
    memory = Memory()
    with Cache(name="bench-down", upstream=server.url, downstream=memory) as cache:
        item = cache.cached(POLICY, key="item:{number}")(_load)
        while not is_open(cache):
            item(next(keys))
        ours, reference = [], []
        for _ in range(ROUNDS * NUMBER):
            key = next(keys)
            begun = perf_counter()
            item(key)
            middle = perf_counter()
            _load(key)
            ended = perf_counter()
            ours.append(middle - begun)
            reference.append(ended - middle)
    return _measured("Redis down, breaker open, threads", ours, reference, 200.0)


async def _async(server: RedisServer) -> Measured:
    keys = count()
    memory = Memory()
    cache = AsyncCache(name="bench-adown", upstream=server.url, downstream=memory)
    async with cache:
        item = cache.cached(POLICY, key="item:{number}")(_aload)
        while not is_open(cache):
            await item(next(keys))
        ours, reference = [], []
        for _ in range(ROUNDS * NUMBER):
            key = next(keys)
            begun = perf_counter()
            await item(key)
            middle = perf_counter()
            await _aload(key)
            ended = perf_counter()
            ours.append(middle - begun)
            reference.append(ended - middle)
    return _measured("Redis down, breaker open, asyncio", ours, reference, 100.0)


def _measured(
    path: str, ours: list[float], reference: list[float], bar: float
) -> Measured:
    over = sorted(mine - other for mine, other in zip(ours, reference, strict=True))
    return Measured(
        path,
        "us over the loader",
        median(over) * 1e6,
        bar,
        median(ours),
        median(reference),
        {"p99_us": over[int(0.99 * len(over))] * 1e6, "calls": len(over)},
    )
