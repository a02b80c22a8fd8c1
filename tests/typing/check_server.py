"""What the server for tests promises to a type checker."""

from typing import assert_type

import redis

from hybridcache.testing.server import RedisServer

with RedisServer("--maxmemory", "1mb") as server:
    assert_type(server, RedisServer)
    assert_type(server.url, str)
    assert_type(server.running, bool)
    assert_type(server.client(), redis.Redis)
