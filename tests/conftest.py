"""What all tests share: a Redis server, a prefix of one's own, an event loop.

No test is skipped for want of Redis: where none is found, the fixture fails.
"""

import asyncio
import os
from collections.abc import Coroutine, Iterator
from typing import TypeVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Verbosity, settings

from hybridcache.testing.server import RedisServer
from tests.run import Run

T = TypeVar("T")

# Read by mypy and pyright, never run.
collect_ignore = ["typing"]

# No deadlines: a slow example means a busy machine, not a wrong library.
_CALM = [HealthCheck.too_slow]
settings.register_profile(
    "dev", max_examples=50, deadline=None, suppress_health_check=_CALM
)
settings.register_profile(
    "ci",
    max_examples=300,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=_CALM,
)
settings.register_profile(
    "nightly", max_examples=5_000, deadline=None, suppress_health_check=_CALM
)
settings.register_profile(
    "debug", max_examples=10, deadline=None, verbosity=Verbosity.verbose
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")
)


@pytest.fixture(name="redis_server", scope="session")
def _redis_server() -> Iterator[RedisServer]:
    """One server for the whole run. Ask for `redis_url` or `own_redis` instead."""
    with RedisServer() as server:
        yield server


@pytest.fixture(name="redis_url")
def _redis_url(redis_server: RedisServer) -> str:
    """The shared server, empty. Leave it running: `own_redis` is there to break."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture(name="own_redis")
def _own_redis() -> Iterator[RedisServer]:
    """A server for one test, to pause, kill and restart."""
    with RedisServer() as server:
        yield server


@pytest.fixture(name="prefix")
def _prefix() -> str:
    """A prefix that no other test uses."""
    return f"t{uuid4().hex[:12]}:"


@pytest.fixture(name="run")
def _run() -> Run:
    """Run a coroutine to its end, on a loop of its own."""

    def run(coroutine: Coroutine[object, None, T], *, within: float = 30) -> T:
        async def bounded() -> T:
            async with asyncio.timeout(within):
                return await coroutine

        return asyncio.run(bounded())

    return run
