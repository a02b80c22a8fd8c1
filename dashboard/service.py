"""One process of the service: two caches, their callers, and ``/metrics``.

Started as ``python -m dashboard.service URL SEED``. It says on which port it shows its
metrics, is told its mood on its standard input, a word a line, and ends with it.
"""

import asyncio
import logging
import sys
import threading
from random import Random

from prometheus_client import CollectorRegistry, start_http_server

from dashboard.callers import Callers
from dashboard.loader import Loader
from dashboard.mood import Mood
from hybridcache import AsyncCache, Cache, Memory, Policy, Redis

POLICY = Policy(
    fresh_for=5, ttl=60, wait_for=2, abandon_after=2.1, jitter=0.2, retry_after=1
)
CALLERS = 14
MEMORY_ITEMS = 250
LEAVE_WITHIN = 5.0


class Service:
    """A cache for threads and one for tasks, in front of one slow thing."""

    def __init__(self, url: str, seed: int) -> None:
        random = Random(seed)  # noqa: S311 (which keys are asked for is no secret)
        self.registry = CollectorRegistry()
        self._loader = Loader(random)
        self._callers = Callers(random)
        self._shop = Cache(
            name="shop",
            upstream=Redis(url),
            downstream=Memory(max_items=MEMORY_ITEMS),
            registry=self.registry,
        )
        self._url = url

    def run(self) -> None:
        """Call until told to leave, or until nobody is there to tell."""
        items = self._shop.cached(POLICY, key="items:{number}")(self._loader.query)
        self._callers.start(CALLERS, items)
        self._callers.start_storm(items.invalidate)
        tasks = threading.Thread(target=asyncio.run, args=(self._prices(),))
        tasks.start()
        for line in sys.stdin:
            self._obey(Mood(line.strip()))
        self._callers.leaving.set()
        tasks.join(LEAVE_WITHIN)
        self._shop.close(1.0)

    def _obey(self, mood: Mood) -> None:
        self._loader.mood = mood
        if mood is Mood.STORM:
            self._callers.storm.set()
        else:
            self._callers.storm.clear()

    async def _prices(self) -> None:
        cache = AsyncCache(
            name="prices",
            upstream=Redis(self._url),
            downstream=Memory(max_items=MEMORY_ITEMS),
            registry=self.registry,
        )
        prices = cache.cached(POLICY, key="prices:{number}")(self._loader.aquery)
        await self._callers.acall(CALLERS, prices)
        await cache.close(1.0)


def main() -> int:
    """Be a process of the service."""
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO
    )
    service = Service(sys.argv[1], int(sys.argv[2]))
    server, _ = start_http_server(0, addr="127.0.0.1", registry=service.registry)
    print(server.server_port, flush=True)
    service.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
