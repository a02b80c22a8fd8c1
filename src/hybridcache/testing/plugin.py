"""Fixtures for pytest, there wherever hybridcache is installed.

``manual_clock``, ``scripted_upstream``, ``hybrid_cache`` and ``redis_server``. A
fixture of the same name in a project's own conftest.py wins. Leave them all out with
``pytest -p no:hybridcache``.
"""

import asyncio
from collections.abc import Iterator
from typing import TypedDict

import attrs
import pytest
from prometheus_client import CollectorRegistry

from hybridcache.engine.events import Observer
from hybridcache.faces.async_cache import AsyncCache
from hybridcache.faces.cache import Cache
from hybridcache.faces.memory import Memory
from hybridcache.testing.clock import ManualClock
from hybridcache.testing.scripted import ScriptedUpstream
from hybridcache.testing.server import RedisServer


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


@pytest.fixture(name="manual_clock")
def _manual_clock() -> ManualClock:
    """Return a clock that the test moves by hand."""
    return ManualClock()


@pytest.fixture(name="scripted_upstream")
def _scripted_upstream(manual_clock: ManualClock) -> ScriptedUpstream:
    """Return a Redis by script, on `manual_clock`."""
    return ScriptedUpstream(manual_clock)


@pytest.fixture(name="hybrid_cache")
def _hybrid_cache(scripted_upstream: ScriptedUpstream) -> Iterator[CacheFactory]:
    """Return a factory of caches on `scripted_upstream`; they are closed after."""
    factory = CacheFactory(scripted_upstream)
    yield factory
    factory.close()


@pytest.fixture(name="redis_server", scope="session")
def _redis_server() -> Iterator[RedisServer]:
    """Return one real server for the whole run; see `RedisServer`."""
    with RedisServer() as server:
        yield server
