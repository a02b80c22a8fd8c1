"""Fixtures for pytest, there wherever hybridcache is installed.

``manual_clock``, ``scripted_upstream``, ``hybrid_cache`` and ``redis_server``. A
fixture of the same name in a project's own conftest.py wins. Leave them all out with
``pytest -p no:hybridcache``; name the plugin where hybridcache is on the path and not
installed: ``pytest -p hybridcache.testing.plugin``.
"""

from collections.abc import Iterator

import pytest

from hybridcache.testing.clock import ManualClock
from hybridcache.testing.factory import CacheFactory
from hybridcache.testing.scripted import ScriptedUpstream
from hybridcache.testing.server import RedisServer


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
