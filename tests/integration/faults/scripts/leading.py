"""Processes that lead a load each, forked quickly, to be killed at any moment.

A template process imports all it needs and forks a leader a line that it reads; the
leader says that it begins and looks one key up. Every other leads in a task.

Usage: python -m tests.integration.faults.scripts.leading URL PREFIX
"""

import asyncio
import os
import sys
import time

from hybridcache import AsyncCache, Cache, Memory, Policy, Redis

POLICY = Policy(fresh_for=60, ttl=600, wait_for=10)
LOADS_FOR = 0.02


def lead(url: str, prefix: str, key: str) -> None:
    """Look *key* up once, as a process that has just started."""
    cache = Cache(prefix=prefix, upstream=Redis(url, timeout=2), downstream=Memory())

    def load() -> str:
        time.sleep(LOADS_FOR)
        return "leader"

    print(f"{key} {os.getpid()}", flush=True)  # noqa: T201 (its job)
    cache.outcome(key, load, POLICY)
    # Until it is killed: the test decides when.
    time.sleep(60)


def lead_in_a_task(url: str, prefix: str, key: str) -> None:
    """Look *key* up once, in a task."""

    async def load() -> str:
        await asyncio.sleep(LOADS_FOR)
        return "leader"

    async def look_up() -> None:
        upstream = Redis(url, timeout=2)
        cache = AsyncCache(prefix=prefix, upstream=upstream, downstream=Memory())
        print(f"{key} {os.getpid()}", flush=True)  # noqa: T201 (its job)
        await cache.outcome(key, load, POLICY)
        await asyncio.sleep(60)

    asyncio.run(look_up())


def main(url: str, prefix: str) -> None:
    """Fork a leader for each line."""
    for number, line in enumerate(sys.stdin):
        if os.fork() == 0:
            (lead, lead_in_a_task)[number % 2](url, prefix, line.strip())
            os._exit(0)
    # Whoever is left over is killed with the pipe that it inherited.


if __name__ == "__main__":
    main(*sys.argv[1:])
