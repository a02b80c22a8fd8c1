"""What runs inside a worker process: its caches, and its loop of jobs."""

import asyncio
from multiprocessing.connection import Connection
from typing import Any

import redis

from hybridcache import AsyncCache, Cache, Memory, Redis
from tests.eventually import eventually


class Inside:
    """A process's caches, one of each colour on one memory, and a plain client."""

    def __init__(self, url: str, prefix: str) -> None:
        memory = Memory()
        # Timeouts are not what the tests in processes are about.
        upstream = Redis(url, timeout=2)
        self.url = url
        self.cache = Cache(prefix=prefix, upstream=upstream, downstream=memory)
        self.async_cache = AsyncCache(
            prefix=prefix, upstream=upstream, downstream=memory
        )
        self.redis = redis.Redis.from_url(url)
        self.runner = asyncio.Runner()


def serve(pipe: "Connection[Any, Any]", url: str, prefix: str) -> None:
    """Carry out jobs until the process is killed or the pipe ends."""
    inside = Inside(url, prefix)
    station = inside.cache._state.wiring.station
    station.ensure_keeper()
    eventually(lambda: station.node.whole, within=20)
    pipe.send("ready")
    while True:
        try:
            job, args, kwargs = pipe.recv()
        except EOFError:
            return
        try:
            answer = job(inside, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 (raised where the job came from)
            answer = error
        pipe.send(answer)
