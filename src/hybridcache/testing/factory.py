"""What the fixture ``hybrid_cache`` is: it makes caches, and closes them."""

import asyncio
from typing import TypedDict

import attrs
from prometheus_client import CollectorRegistry

from hybridcache.engine.events import Observer
from hybridcache.faces.async_cache import AsyncCache
from hybridcache.faces.cache import Cache
from hybridcache.faces.memory import Memory
from hybridcache.testing.clock import ManualClock
from hybridcache.testing.scripted import ScriptedUpstream


class _Shared(TypedDict):
    downstream: Memory
    upstream: ScriptedUpstream
    registry: CollectorRegistry
    clock: ManualClock


@attrs.define(eq=False)
class CacheFactory:
    """Makes caches on one scripted upstream, and closes them after the test.

    Each has a memory of its own, as in a process of its own, and counts in a
    registry of its own.

    Attributes:

        upstream: What all of them share; it has their clock.
    """

    upstream: ScriptedUpstream
    _made: list[Cache] = attrs.field(factory=list, init=False)
    _made_async: list[AsyncCache] = attrs.field(factory=list, init=False)

    def __call__(
        self,
        name: str = "test",
        *,
        observer: Observer | None = None,
        downstream: Memory | None = None,
    ) -> Cache:
        """Make a `Cache`."""
        cache = Cache(name=name, observer=observer, **self._shared(downstream))
        self._made.append(cache)
        return cache

    def for_tasks(
        self,
        name: str = "test",
        *,
        observer: Observer | None = None,
        downstream: Memory | None = None,
    ) -> AsyncCache:
        """Make an `AsyncCache`."""
        cache = AsyncCache(name=name, observer=observer, **self._shared(downstream))
        self._made_async.append(cache)
        return cache

    def _shared(self, downstream: Memory | None) -> _Shared:
        return {
            "downstream": Memory() if downstream is None else downstream,
            "upstream": self.upstream,
            "registry": CollectorRegistry(),
            "clock": self.upstream.clock,
        }

    def close(self) -> None:
        """Close all that were made."""
        for cache in self._made:
            cache.close()
        for waiting in self._made_async:
            asyncio.run(waiting.close())
