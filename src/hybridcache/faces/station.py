"""What the caches of one process share for one upstream, prefix and memory.

The node's machines, the connections and the keeper's thread; made by the first cache
and ended with the last.
"""

import secrets
import threading
import time

import attrs

from hybridcache.adapters.keeping import KeeperThread
from hybridcache.adapters.upstream.awaiting import AwaitingUpstream
from hybridcache.adapters.upstream.blocking import BlockingUpstream
from hybridcache.adapters.upstream.clustered import AwaitingCluster, BlockingCluster
from hybridcache.adapters.upstream.subscription import Subscription
from hybridcache.adapters.upstream.template import Template
from hybridcache.core.breaker import Breaker
from hybridcache.engine.context import Remote
from hybridcache.engine.keeper import Keeper
from hybridcache.engine.names import channel_of
from hybridcache.engine.node import Node
from hybridcache.faces.forks import start_anew_in_forks, survive_forks
from hybridcache.faces.memory import Memory
from hybridcache.faces.upstream import Redis


def token() -> str:
    """Make a random token of 16 characters."""
    return secrets.token_hex(8)


@attrs.define(eq=False)
class Link:
    """The connections to one Redis, in both colours, and the keeper on them."""

    remote: Remote
    blocking: BlockingUpstream | BlockingCluster
    awaiting: AwaitingUpstream | AwaitingCluster
    subscription: Subscription
    keeper: KeeperThread


@attrs.define(eq=False)
class Station:
    """One node with what surrounds it.

    Attributes:

        node: The machines.

        link: Connections and keeper; None without Redis.

        prefix: Of all its names in Redis.

        users: Caches that use it.

        closed: Whether the last of them was closed.
    """

    node: Node
    link: Link | None
    prefix: str
    users: int = 0
    closed: bool = False

    def ensure_keeper(self) -> None:
        """Start the keeper's thread at the first need of Redis."""
        if self.link is not None:
            self.link.keeper.ensure()

    def leave(self) -> bool:
        """Be used by one cache less; True if that was the last."""
        with self.node.lock:
            self.users -= 1
            last = self.users <= 0
            self.closed = self.closed or last
        return last

    def end(self) -> None:
        """End the keeper and all connections but the idle ones of event loops."""
        if self.link is not None:
            self.link.keeper.stop()
            self.link.blocking.end()
            self.link.awaiting.end()

    def forked(self) -> None:
        """Start anew in the child of a fork."""
        self.node.forked()
        if self.link is not None:
            # A node of its own from now on: what the parent publishes concerns it.
            channel = channel_of(self.prefix, token())
            self.node.channel = self.link.keeper.keeper.channel = channel
            self.link.blocking.forked()
            self.link.awaiting.forked()
            self.link.subscription.forked()
            self.link.keeper.forked()


def station_for(upstream: Redis | None, memory: Memory | None, prefix: str) -> Station:
    """Join the station of this upstream and prefix on *memory*, or make one."""
    where = "" if upstream is None else upstream.template.identity
    namespace = f"{where}|{prefix}"

    def make() -> Station:
        return _make(upstream, memory, prefix, namespace)

    if memory is None:
        station = make()
        station.users = 1
        survive_forks(station.node.lock)
    else:
        with memory.lock:
            known = memory.shared.get(namespace)
            if not isinstance(known, Station) or known.closed:
                known = memory.shared[namespace] = make()
            known.users += 1
            station = known
    # Outside of the lock: a fork takes all locks, in an order of its own.
    start_anew_in_forks(station)
    return station


def _make(
    upstream: Redis | None, memory: Memory | None, prefix: str, namespace: str
) -> Station:
    channel = None if upstream is None else channel_of(prefix, token())
    node = Node(
        namespace,
        threading.RLock() if memory is None else memory.lock,
        None if memory is None else memory.tier,
        channel,
        None if memory is None else memory.max_ttl,
    )
    link = None
    if upstream is not None and channel is not None:
        node.gate.breaker = Breaker(threshold=upstream.failures)
        timeout = upstream.timeout
        blocking, awaiting = _upstreams(upstream.template, timeout)
        subscription = Subscription(upstream.template, timeout)
        keeper = KeeperThread(
            Keeper(node, channel, token),
            blocking,
            subscription,
            timeout,
            time.monotonic,
        )
        link = Link(
            Remote(prefix, timeout, upstream.max_value_bytes),
            blocking,
            awaiting,
            subscription,
            keeper,
        )
    return Station(node, link, prefix)


def _upstreams(
    template: Template, timeout: float
) -> tuple[BlockingUpstream | BlockingCluster, AwaitingUpstream | AwaitingCluster]:
    if template.startup:
        return BlockingCluster(template, timeout), AwaitingCluster(template, timeout)
    return BlockingUpstream(template, timeout), AwaitingUpstream(template, timeout)
