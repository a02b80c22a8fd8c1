"""The Redis tier as users configure it, and what may stand in for it in a test."""

import time
from abc import ABC, abstractmethod
from typing import Protocol

import attrs

from hybridcache.adapters import loops, threads
from hybridcache.adapters.keeping import KeeperThread
from hybridcache.adapters.upstream.awaiting import AwaitingUpstream
from hybridcache.adapters.upstream.blocking import BlockingUpstream
from hybridcache.adapters.upstream.clustered import AwaitingCluster, BlockingCluster
from hybridcache.adapters.upstream.subscription import Subscription
from hybridcache.adapters.upstream.template import Template, template_of
from hybridcache.core.policy import seconds
from hybridcache.engine.keeper import Keeper

# Longest that a lookup may lose to a Redis that hangs (design, section 6).
DEFAULT_TIMEOUT = 0.25
DEFAULT_MAX_VALUE_BYTES = 64 * 2**20
# Redis stores no string over 512 MiB; leave room for the header.
LARGEST_VALUE = 500 * 2**20


def _timeout(_: object, field: "attrs.Attribute[float]", value: float) -> None:
    if not 0.0 < value <= 60.0:  # noqa: PLR2004 (a minute is no timeout of a cache)
        msg = f"{field.name} must be seconds above 0, up to 60, not {value!r}"
        raise ValueError(msg)


def _size(_: object, field: "attrs.Attribute[int]", value: int) -> None:
    if not 1 <= value <= LARGEST_VALUE:
        msg = f"{field.name} must be from 1 to {LARGEST_VALUE} bytes, not {value!r}"
        raise ValueError(msg)


def _failures(_: object, field: "attrs.Attribute[int]", value: int) -> None:
    if isinstance(value, bool) or value < 1:
        msg = f"{field.name} must be at least 1, not {value!r}"
        raise ValueError(msg)


class _Connections(Protocol):
    def end(self) -> None:
        """Keep no connection from now on."""

    def forked(self) -> None:
        """Leave the parent's connections to the parent, in the child of a fork."""


class Blocking(threads.Upstream, _Connections, Protocol):
    """Connections for threads."""


class Awaiting(loops.Upstream, _Connections, Protocol):
    """Connections for tasks."""

    async def close(self) -> None:
        """Close the idle connections of the running loop."""


class Keeping(Protocol):
    """Whoever drives a node's keeper."""

    def ensure(self) -> None:
        """Have the keeper work, from the first need of Redis on."""

    def stop(self) -> None:
        """Have it work no longer."""

    def forked(self) -> None:
        """Start anew in the child of a fork."""


@attrs.frozen
class Connected:
    """What one node has of its upstream."""

    blocking: Blocking
    awaiting: Awaiting
    keeping: Keeping


class Upstream(ABC):
    """A Redis, or what stands in for one.

    Attributes:

        timeout: Of each request, seconds.

        failures: Failed requests in a row that open the breaker.

        max_value_bytes: A value with a longer encoding is not stored.
    """

    __slots__ = ()

    timeout: float
    failures: int
    max_value_bytes: int

    @property
    @abstractmethod
    def identity(self) -> str:
        """Tell one database from another; holds no secret."""

    @abstractmethod
    def connect(self, keeper: Keeper) -> Connected:
        """Make what one node needs; nothing is sent yet."""


@attrs.frozen
class Redis(Upstream):
    """Where Redis is and how long it may take. Making one connects nothing.

    Attributes:

        source: A URL (``redis://``, ``rediss://``, ``unix://``) or a redis-py
            client, sync or async, which is only a template: never used or closed.

        timeout: Of each request, seconds.

        failures: Failed requests in a row that open the breaker.

        max_value_bytes: A value with a longer encoding is not stored.

    Raises:

        TypeError: *source* is neither a URL nor a redis-py client.

        ValueError: The URL or an option is wrong.
    """

    source: object = attrs.field(repr=False)
    timeout: float = attrs.field(
        default=DEFAULT_TIMEOUT, kw_only=True, converter=seconds, validator=_timeout
    )
    failures: int = attrs.field(default=3, kw_only=True, validator=_failures)
    max_value_bytes: int = attrs.field(
        default=DEFAULT_MAX_VALUE_BYTES, kw_only=True, validator=_size
    )
    # In place of the source, which may hold a password.
    template: Template = attrs.field(
        init=False, eq=False, repr=lambda template: repr(template.identity)
    )

    @template.default
    def _read_source(self) -> Template:
        return template_of(self.source)

    @property
    def identity(self) -> str:
        """Tell one database from another; holds no secret."""
        return self.template.identity

    def connect(self, keeper: Keeper) -> Connected:
        """Make what one node needs; nothing is sent yet."""
        template, timeout = self.template, self.timeout
        blocking: BlockingUpstream | BlockingCluster
        awaiting: AwaitingUpstream | AwaitingCluster
        if template.startup:
            blocking = BlockingCluster(template, timeout)
            awaiting = AwaitingCluster(template, timeout)
        else:
            blocking = BlockingUpstream(template, timeout)
            awaiting = AwaitingUpstream(template, timeout)
        subscription = Subscription(template, timeout)
        thread = KeeperThread(keeper, blocking, subscription, timeout, time.monotonic)
        return Connected(blocking, awaiting, thread)


def upstream_of(upstream: "Upstream | str | object | None") -> Upstream | None:
    """Accept an `Upstream`, or what a `Redis` is made of."""
    if upstream is None or isinstance(upstream, Upstream):
        return upstream
    return Redis(upstream)
