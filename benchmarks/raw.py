"""redis-py itself, with the connection settings that the library uses."""

from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from hybridcache.testing.server import RedisServer

VALUE = bytes(range(256)) * 4
"""1 KiB."""

_SETTINGS: dict[str, Any] = {
    "socket_timeout": 0.25,
    "socket_connect_timeout": 0.25,
    "protocol": 2,
    "driver_info": None,
    "health_check_interval": 0,
}


def blocking(server: RedisServer) -> redis.Redis:
    """Make a client for threads."""
    return redis.Redis.from_url(server.url, retry=Retry(NoBackoff(), 0), **_SETTINGS)


def awaiting(server: RedisServer) -> redis.asyncio.Redis:
    """Make a client for tasks."""
    retry = redis.asyncio.retry.Retry(NoBackoff(), 0)
    return redis.asyncio.Redis.from_url(server.url, retry=retry, **_SETTINGS)
