"""What the caches of one process share for one upstream, prefix and memory.

The node's machines, the connections and the keeper's thread; made by the first cache
and ended with the last.
"""

import secrets
import threading

import attrs

from hybridcache.adapters.messenger import Messenger
from hybridcache.core.breaker import Breaker
from hybridcache.engine.context import Remote
from hybridcache.engine.keeper import Keeper
from hybridcache.engine.names import channel_of
from hybridcache.engine.node import Node
from hybridcache.faces.forks import start_anew_in_forks, survive_forks
from hybridcache.faces.memory import Memory
from hybridcache.faces.upstream import Awaiting, Blocking, Keeping, Upstream

# How long the end waits for observers that are still being told, seconds.
TOLD_WITHIN = 1.0


def token() -> str:
    """Make a random token of 16 characters."""
    return secrets.token_hex(8)


@attrs.define(eq=False)
class Link:
    """The connections to one Redis, in both colours, and the keeper on them."""

    remote: Remote
    blocking: Blocking
    awaiting: Awaiting
    keeper: Keeper
    keeping: Keeping


@attrs.define(eq=False)
class Station:
    """One node with what surrounds it.

    Attributes:

        node: The machines.

        messenger: Tells the node's news to its caches.

        link: Connections and keeper; None without Redis.

        prefix: Of all its names in Redis.

        users: Caches that use it.

        closed: Whether the last of them was closed.
    """

    node: Node
    messenger: Messenger
    link: Link | None
    prefix: str
    users: int = 0
    closed: bool = False

    def ensure_keeper(self) -> None:
        """Start the keeper's thread at the first need of Redis."""
        if self.link is not None:
            self.node.listens = True
            self.link.keeping.ensure()

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
            self.link.keeping.stop()
            self.link.blocking.end()
            self.link.awaiting.end()
        self.messenger.end(TOLD_WITHIN)

    def forked(self) -> None:
        """Start anew in the child of a fork."""
        self.messenger.forked()
        self.node.forked()
        if self.link is not None:
            # A node of its own from now on: what the parent publishes concerns it.
            channel = channel_of(self.prefix, token())
            self.node.channel = self.link.keeper.channel = channel
            self.link.blocking.forked()
            self.link.awaiting.forked()
            self.link.keeping.forked()


def station_for(
    upstream: Upstream | None, memory: Memory | None, prefix: str
) -> Station:
    """Join the station of this upstream and prefix on *memory*, or make one."""
    where = "" if upstream is None else upstream.identity
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
    upstream: Upstream | None, memory: Memory | None, prefix: str, namespace: str
) -> Station:
    channel = None if upstream is None else channel_of(prefix, token())
    node = Node(
        namespace,
        threading.RLock() if memory is None else memory.lock,
        None if memory is None else memory.tier,
        channel,
        None if memory is None else memory.max_ttl,
    )
    messenger = Messenger()
    node.listeners.post = messenger.post
    link = None
    if upstream is not None and channel is not None:
        node.gate.breaker = Breaker(threshold=upstream.failures)
        keeper = Keeper(node, channel, token)
        connected = upstream.connect(keeper)
        link = Link(
            Remote(prefix, upstream.timeout, upstream.max_value_bytes),
            connected.blocking,
            connected.awaiting,
            keeper,
            connected.keeping,
        )
    return Station(node, messenger, link, prefix)
