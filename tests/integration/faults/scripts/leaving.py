"""A script that ends while refreshes and loads run, and its caches stay open.

Usage: python -m tests.integration.faults.scripts.leaving URL PREFIX HOW
"""

import asyncio
import sys
import threading
import time

from hybridcache import AsyncCache, Cache, HitStale, Memory, Policy, Redis
from tests.eventually import eventually

STALE = Policy(fresh_for=0, ttl=600, wait_for=5)
KEYS = 5


def in_threads(url: str, prefix: str) -> None:
    """Leave with sync refreshes running, and a caller that waits in a thread."""
    cache = Cache(prefix=prefix, upstream=Redis(url), downstream=Memory())
    begun = threading.Semaphore(0)

    def hang() -> int:
        begun.release()
        time.sleep(600)
        return 2

    def one() -> int:
        return 1

    for number in range(KEYS):
        cache.outcome(f"k{number}", one, STALE)
        assert isinstance(cache.outcome(f"k{number}", hang, STALE), HitStale)
    waiting = threading.Thread(
        target=lambda: cache.outcome("cold", hang, STALE.evolve(wait_for=600)),
        daemon=True,
    )
    waiting.start()
    for _ in range(KEYS + 1):
        assert begun.acquire(timeout=10)


def in_tasks(url: str, prefix: str) -> None:
    """Leave with an event loop that ended while its refreshes ran."""

    async def main() -> None:
        cache = AsyncCache(prefix=prefix, upstream=Redis(url), downstream=Memory())
        begun = asyncio.Semaphore(0)

        async def hang() -> int:
            begun.release()
            await asyncio.sleep(600)
            return 2

        async def one() -> int:
            return 1

        for number in range(KEYS):
            await cache.outcome(f"k{number}", one, STALE)
            assert isinstance(await cache.outcome(f"k{number}", hang, STALE), HitStale)
        for _ in range(KEYS):
            await begun.acquire()

    asyncio.run(main())


def in_churn(url: str, prefix: str) -> None:
    """Leave while daemon threads look up, refresh and invalidate without a pause."""
    cache = Cache(prefix=prefix, upstream=Redis(url), downstream=Memory())

    rounds = [0] * 4

    def churn(number: int) -> None:
        while True:
            cache.outcome(f"k{number}", lambda: number, STALE)
            cache.invalidate("k0")
            rounds[number] += 1

    for number in range(len(rounds)):
        threading.Thread(target=churn, args=(number,), daemon=True).start()
    node = cache._state.wiring.ctx.node
    eventually(lambda: node.whole and min(rounds) > KEYS)


if __name__ == "__main__":
    {"threads": in_threads, "tasks": in_tasks, "churn": in_churn}[sys.argv[3]](
        *sys.argv[1:3]
    )
    print("leaving", flush=True)  # noqa: T201 (the test takes the time from here)
