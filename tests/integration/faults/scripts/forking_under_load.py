"""A script that forks again and again while threads and tasks look up without a pause.

Usage: python -m tests.integration.faults.scripts.forking_under_load URL PREFIX
"""

import asyncio
import json
import os
import sys
import threading
import time
from functools import partial

from hybridcache import AsyncCache, Cache, Memory, Policy, Redis

POLICY = Policy(fresh_for=0.02, ttl=60, wait_for=5)
FORKS = 6
KEYS = 20


def same(key: str) -> str:
    """Load."""
    return key


def in_child(cache: Cache, async_cache: AsyncCache, number: int) -> float:
    """Look every key up, those in flight in the parent too; say the longest wait."""

    async def all_keys() -> list[str]:
        return await asyncio.gather(
            *(
                async_cache.get_or_load(f"k{n}", partial(same, f"k{n}"), POLICY)
                for n in range(KEYS)
            )
        )

    worst = 0.0
    for key in [f"k{n}" for n in range(KEYS)] + [f"child {number}"]:
        begun = time.perf_counter()
        value = cache.get_or_load(key, partial(same, key), POLICY)
        worst = max(worst, time.perf_counter() - begun)
        assert key == value
    assert [f"k{n}" for n in range(KEYS)] == asyncio.run(all_keys())
    cache.close()
    return worst


def main(url: str, prefix: str) -> None:  # noqa: C901 (a script, top to bottom)
    """Fork under load; print what the children and the parent's callers saw."""
    memory = Memory()
    upstream = Redis(url, timeout=2)
    cache = Cache(prefix=prefix, upstream=upstream, downstream=memory)
    async_cache = AsyncCache(prefix=prefix, upstream=upstream, downstream=memory)
    stop = threading.Event()
    errors: list[str] = []
    waits: list[float] = []

    def churn(offset: int) -> None:
        number = offset
        while not stop.is_set():
            key = f"k{number % KEYS}"
            begun = time.perf_counter()
            try:
                assert key == cache.get_or_load(key, partial(same, key), POLICY)
                if number % 7 == 0:
                    cache.invalidate(key)
            except BaseException as error:  # noqa: BLE001 (told to the test)
                errors.append(repr(error))
            number += 1
            waits.append(time.perf_counter() - begun)

    async def tasks() -> None:
        number = 0
        while not stop.is_set():
            key = f"k{number % KEYS}"
            assert key == await async_cache.get_or_load(key, partial(same, key), POLICY)
            number += 1
        await async_cache.close()

    threads = [threading.Thread(target=churn, args=(n,)) for n in range(3)]
    threads.append(threading.Thread(target=lambda: asyncio.run(tasks())))
    for thread in threads:
        thread.start()
    children: list[object] = []
    for number in range(FORKS):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                answer = json.dumps(in_child(cache, async_cache, number))
            except BaseException as error:  # noqa: BLE001 (told to the test)
                answer = json.dumps(repr(error))
            os.write(write, answer.encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            children.append(json.loads(pipe.read() or b'"nothing"'))
        os.waitpid(child, 0)
    stop.set()
    for thread in threads:
        thread.join(20)
    cache.close()
    print(json.dumps({"children": children, "errors": errors, "waits": waits}))  # noqa: T201 (its job)


if __name__ == "__main__":
    main(*sys.argv[1:])
