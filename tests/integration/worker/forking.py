"""A script that forks while its caches are busy; the test reads what it prints.

Usage: python -m tests.integration.worker.forking URL PREFIX
"""

import asyncio
import json
import os
import sys
import threading

from hybridcache import AsyncCache, Cache, HitFresh, Memory, Miss, Outcome, Policy
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600, wait_for=5)


def main(url: str, prefix: str) -> None:  # noqa: C901, PLR0915 (a script, top to bottom)
    """Fork many times in the middle of loads; say what child and parent saw."""
    memory = Memory()
    cache = Cache(prefix=prefix, upstream=url, downstream=memory)
    async_cache = AsyncCache(prefix=prefix, upstream=url, downstream=memory)
    node = cache._state.wiring.ctx.node
    cache.outcome("warm", lambda: 1, POLICY)
    eventually(lambda: node.whole)
    origin = node.channel.origin if node.channel is not None else ""
    stop = threading.Event()
    gate = threading.Event()

    def churn(number: int) -> None:
        while not stop.is_set():
            cache.outcome(f"churn {number}", lambda: number, POLICY)
            cache.invalidate(f"churn {number}")

    def held() -> int:
        gate.wait(20)
        return 1

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(4)]
    threads.append(threading.Thread(target=lambda: cache.outcome("held", held, POLICY)))
    for thread in threads:
        thread.start()
    eventually(lambda: len(node.flights) >= 1)

    def in_child(number: int) -> dict[str, object]:
        served: Outcome[int] = cache.outcome("warm", lambda: 2, POLICY)
        made: Outcome[int] = cache.outcome(f"child {number}", lambda: 3, POLICY)

        async def awaited() -> int:
            return 4

        async def lookup() -> Outcome[int]:
            return await async_cache.outcome(f"async {number}", awaited, POLICY)

        loaded = asyncio.run(lookup())
        eventually(lambda: node.whole)
        assert node.channel is not None
        keepers = [one.name for one in threading.enumerate() if "keeper" in one.name]
        cache.close()
        return {
            "warm": isinstance(served, HitFresh) and served.value == 1,
            "made": isinstance(made, Miss) and made.value == 3,
            "async": loaded.value == 4,
            "keepers": len(keepers),
            "own origin": node.channel.origin != origin,
        }

    said = []
    for number in range(5):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                answer = json.dumps(in_child(number))
            except BaseException as error:  # noqa: BLE001 (told to the test)
                answer = json.dumps({"error": repr(error)})
            os.write(write, answer.encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            said.append(json.loads(pipe.read() or b"{}"))
        os.waitpid(child, 0)
    gate.set()
    stop.set()
    for thread in threads:
        thread.join(20)
    after: Outcome[int] = cache.outcome("child 0", lambda: 9, POLICY)
    whole = node.whole
    cache.close()
    print(json.dumps({"children": said, "after": after.value, "whole": whole}))  # noqa: T201 (its job)


if __name__ == "__main__":
    main(*sys.argv[1:])
