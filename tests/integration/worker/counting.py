"""A pool of processes that count in the files of prometheus-client's multiprocess mode.

Usage: python -m tests.integration.worker.counting FORKS HITS

With FORKS above 0 it makes its cache and counts, and only then forks its workers, as
gunicorn does with `--preload`; with 0 it is a worker itself. A worker says when it has
done its work, and then waits for a signal: SIGTERM closes its cache.
"""

import os
import signal
import sys
import threading
from types import FrameType

from hybridcache import Cache, Memory, Policy

POLICY = Policy(fresh_for=60, ttl=3600)
THREADS = 4

cache = Cache(name="pool", downstream=Memory(max_items=5))


@cache.cached(POLICY, key="i:{n}")
def item(n: int) -> int:
    """Load."""
    if n < 0:
        raise KeyError(n)
    return n


def work(hits: int) -> None:
    """Miss 6 times, hit so many times in each thread, fail once, and wait."""
    for n in range(1, 7):
        item(n)

    def hit() -> None:
        for _ in range(hits):
            item(6)

    threads = [threading.Thread(target=hit) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        item(-1)
    except KeyError:
        os.write(1, f"{os.getpid()}\n".encode())
    while True:
        signal.pause()


def end(number: int, frame: FrameType | None) -> None:
    """Close the cache and be gone, without the cleaning up that a fork inherited."""
    cache.close()
    os._exit(0)


def main(forks: int, hits: int) -> None:
    """Fork the workers, or work."""
    if not forks:
        signal.signal(signal.SIGTERM, end)
        work(hits)
    for _ in range(3):
        item(0)
    for _ in range(forks):
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, end)
            work(hits)
    for _ in range(forks):
        os.wait()
    cache.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
