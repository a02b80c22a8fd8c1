"""What the scenarios share: a proxy before a server of one's own, and a stopwatch."""

from collections.abc import Iterator

import pytest

from hybridcache.testing.server import RedisServer
from tests.integration.faults.proxy import Proxy
from tests.integration.faults.timing import Waits


@pytest.fixture(name="waits")
def _waits(request: pytest.FixtureRequest) -> Iterator[Waits]:
    """The waits of this test."""
    waits = Waits(request.node.name)
    yield waits
    waits.tell()


@pytest.fixture(name="proxy")
def _proxy(own_redis: RedisServer) -> Iterator[Proxy]:
    """A way to `own_redis` that can be spoilt."""
    with Proxy(own_redis.port) as proxy:
        yield proxy
