"""A URL or a user's client, taken as a template: where to connect and how.

The client itself is never used, changed or closed. What concerns its waiting
(timeouts, retries, protocol, decoding) is ours; what concerns reaching and proving
oneself to the server (address, TLS, credentials) is taken over.
"""

import codecs
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import redis
import redis.asyncio
import redis.asyncio.connection
import redis.asyncio.sentinel
import redis.sentinel
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

# The first getaddrinfo() looks this codec up, which imports it. A fork at that moment
# would leave the child waiting for ever: CPython keeps a module's import lock locked.
codecs.lookup("idna")

# Reaching the server; everything else about a connection is ours.
TAKEN_OVER: Final = frozenset(
    {
        "host",
        "port",
        "path",
        "db",
        "username",
        "password",
        "credential_provider",
        "client_name",
        "socket_keepalive",
        "socket_keepalive_options",
        "socket_type",
    }
)
# Known to redis-py, and ours to set: a URL that others use too may have them.
OURS: Final = frozenset(
    {
        "decode_responses",
        "encoding",
        "encoding_errors",
        "health_check_interval",
        "max_connections",
        "protocol",
        "retry_on_timeout",
        "socket_connect_timeout",
        "socket_read_size",
        "socket_timeout",
        "timeout",
    }
)
_SENTINEL_POOLS: Final = (
    redis.sentinel.SentinelConnectionPool,
    redis.asyncio.sentinel.SentinelConnectionPool,
)


@attrs.frozen
class Template:
    """How to connect.

    Attributes:

        options: Keyword arguments of a connection that reach the server.

        tls: Whether over TLS.

        sentinels: Addresses of sentinels with their options; empty without.

        service: The name that the sentinels know the primary by.

        startup: Addresses of nodes of a Redis Cluster; empty without.
    """

    options: Mapping[str, Any]
    tls: bool
    sentinels: Sequence[Mapping[str, Any]] = ()
    service: str = ""
    startup: Sequence[tuple[str, int]] = ()

    @property
    def identity(self) -> str:
        """Tell one Redis database from another; holds no secret."""
        options = self.options
        database = options.get("db") or 0
        if self.startup:
            return f"cluster:{sorted(self.startup)}"
        if self.service:
            return f"sentinel:{self.service}/{database}"
        if "path" in options:
            return f"unix:{options['path']}/{database}"
        host, port = options.get("host", "localhost"), options.get("port", 6379)
        return f"{host}:{port}/{database}"

    def at(self, address: tuple[str, int]) -> "Template":
        """Return how to connect to one node of the cluster."""
        host, port = address
        return Template({**self.options, "host": host, "port": port}, self.tls)

    def nodes(self) -> Sequence["Template"]:
        """Return how to connect to any node that has all messages."""
        return [self.at(address) for address in self.startup] or [self]


def template_of(source: object) -> Template:
    """Read a URL or a redis-py client, sync or async.

    Raises:

        TypeError: It is neither.

        ValueError: The URL is wrong, or has options that no connection has.
    """
    if isinstance(source, str):
        return _of_url(source)
    if isinstance(source, redis.Redis | redis.asyncio.Redis):
        return _of_pool(source.connection_pool)
    if isinstance(source, redis.RedisCluster):
        known = source.nodes_manager.startup_nodes
        return _of_cluster(known.values(), source.get_connection_kwargs())
    if isinstance(source, redis.asyncio.RedisCluster):
        startup = source.nodes_manager.startup_nodes
        return _of_cluster(startup.values(), source.connection_kwargs)
    msg = (
        "an upstream is a Redis URL (redis://, rediss://, unix://) or a redis-py"
        f" client (Redis or RedisCluster, sync or asyncio), not {source!r}"
    )
    raise TypeError(msg)


def _of_url(url: str) -> Template:
    _check_url(url)
    options = dict(parse_url(url))
    kind = options.pop("connection_class", redis.Connection)
    taken, unknown = _split(options)
    unknown -= OURS
    if unknown:
        known = ", ".join(sorted(TAKEN_OVER))
        msg = (
            f"the Redis URL has unknown options {sorted(unknown)}; known are {known}"
            " and ssl_*; the timeout is set with Redis(url, timeout=)"
        )
        raise ValueError(msg)
    return Template(taken, issubclass(kind, redis.SSLConnection))


_ESCAPES: Final = (
    "in a password, '/', '?', '#' and '@' are written %2F, %3F, %23 and %40"
)


def _check_url(url: str) -> None:
    """Refuse what redis-py would pass over, or repeat a piece of the password of."""
    parts = urlsplit(url)
    try:
        _ = parts.port
    except ValueError:
        msg = f"the Redis URL's port is no number up to 65535; {_ESCAPES}"
        raise ValueError(msg) from None
    database = parts.path.strip("/")
    if "@" in database:
        # What comes before is likely to be half a password.
        msg = f"the Redis URL has an '@' after its first '/'; {_ESCAPES}"
        raise ValueError(msg)
    if parts.scheme in ("redis", "rediss") and database and not database.isdecimal():
        msg = f"the Redis URL names database {database!r}; databases have numbers"
        raise ValueError(msg)


def _split(options: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    taken = {
        name: value
        for name, value in options.items()
        if name in TAKEN_OVER or name.startswith("ssl_")
    }
    return taken, set(options) - set(taken)


def _of_pool(pool: Any) -> Template:
    given = dict(pool.connection_kwargs)
    options, _ = _split(given)
    tls = "SSL" in pool.connection_class.__name__ or bool(given.get("ssl"))
    if not isinstance(pool, _SENTINEL_POOLS):
        return Template(options, tls)
    sentinels = [
        dict(sentinel.connection_pool.connection_kwargs)
        for sentinel in pool.sentinel_manager.sentinels
    ]
    options.pop("host", None)
    options.pop("port", None)
    return Template(options, tls, sentinels, pool.service_name)


def _of_cluster(nodes: Iterable[Any], given: Mapping[str, Any]) -> Template:
    options, _ = _split(given)
    for name in ("host", "port", "db"):
        options.pop(name, None)
    tls = any(name.startswith("ssl_") for name in options) or bool(given.get("ssl"))
    startup = tuple((node.host, int(node.port)) for node in nodes)
    return Template(options, tls, startup=startup)


def _ours(timeout: float | None, connect: float | None) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": connect,
        # RESP2 has no push messages between replies and no handshake of its own.
        "protocol": 2,
        "driver_info": None,
        "decode_responses": False,
        "health_check_interval": 0,
        # redis-py counts connections made, and we keep none that failed.
        "max_connections": 2**31,
    }


def sync_pool(template: Template, timeout: float) -> redis.ConnectionPool:
    """Make a maker of blocking connections that give up after *timeout* seconds.

    Raises:

        ValueError: The template has options that no connection has.
    """
    options = {**template.options, **_ours(timeout, timeout)}
    options["retry"] = Retry(NoBackoff(), 0)
    if template.service:
        sentinel = redis.sentinel.Sentinel(
            [(one["host"], one["port"]) for one in template.sentinels],
            sentinel_kwargs=_sentinel_options(template, timeout),
        )
        return redis.sentinel.SentinelConnectionPool(
            template.service, sentinel, ssl=template.tls, **options
        )
    if "path" in template.options:
        return redis.ConnectionPool(redis.UnixDomainSocketConnection, **options)
    if template.tls:
        return redis.ConnectionPool(redis.SSLConnection, **options)
    return redis.ConnectionPool(redis.Connection, **options)


def async_pool(template: Template, timeout: float) -> redis.asyncio.ConnectionPool:
    """Make a maker of asyncio connections; a request's timeout is its caller's."""
    options = {**template.options, **_ours(None, None)}
    options["retry"] = redis.asyncio.retry.Retry(NoBackoff(), 0)
    if template.service:
        sentinel = redis.asyncio.sentinel.Sentinel(
            [(one["host"], one["port"]) for one in template.sentinels],
            sentinel_kwargs=_sentinel_options(template, timeout),
        )
        return redis.asyncio.sentinel.SentinelConnectionPool(
            template.service, sentinel, ssl=template.tls, **options
        )
    kind: type[redis.asyncio.connection.AbstractConnection] = redis.asyncio.Connection
    if "path" in template.options:
        kind = redis.asyncio.UnixDomainSocketConnection
    elif template.tls:
        kind = redis.asyncio.SSLConnection
    return redis.asyncio.ConnectionPool(connection_class=kind, **options)


def _sentinel_options(template: Template, timeout: float) -> dict[str, Any]:
    given = template.sentinels[0] if template.sentinels else {}
    taken = {
        name: value
        for name, value in given.items()
        if name in {"username", "password"} or name.startswith("ssl_")
    }
    return {**taken, "socket_timeout": timeout, "socket_connect_timeout": timeout}
