"""The keeper's own connection: a subscription, and what arrives on it.

redis-py's PubSub subscribes anew behind one's back; this reads the bare replies, so
that a connection that was lost is seen to be lost.
"""

from collections.abc import Callable
from time import sleep

import attrs
from redis.connection import ConnectionInterface

from hybridcache.adapters.upstream.template import Template, sync_pool
from hybridcache.engine.keeper import Keeper


@attrs.define(eq=False)
class Subscription:
    """One connection that is subscribed to *channels*. One thread uses it."""

    template: Template
    timeout: float
    _connection: ConnectionInterface | None = attrs.field(default=None, init=False)
    _channels: frozenset[str] = attrs.field(default=frozenset(), init=False)

    def open(self, *channels: str) -> bool:
        """Connect and subscribe; False if that failed."""
        self.close()
        for template in self.template.nodes():
            # Named, for a connection that asks sentinels knows its pool weakly.
            pool = sync_pool(template, self.timeout)
            connection = pool.make_connection()
            try:
                # Said aloud: on its own, sending does not ask the sentinels.
                connection.connect()
                connection.send_command("SUBSCRIBE", *channels)
            except Exception:  # noqa: BLE001 (a user's credential provider raises any)
                connection.disconnect()
            else:
                self._connection = connection
                self._channels = frozenset(channels)
                return True
        return False

    def listen(self, keeper: Keeper, wait: float, now: Callable[[], float]) -> None:
        """Tell *keeper* what arrives within *wait* seconds."""
        connection = self._connection
        if connection is None:
            # Nothing to listen to; a lease that is taken meanwhile is young.
            sleep(wait)
            return
        try:
            if not connection.can_read(wait):
                return
            reply = connection.read_response()
        except Exception:  # noqa: BLE001 (of damaged bytes redis-py raises anything)
            self.close()
            keeper.dropped(now())
            return
        match reply:
            case [b"subscribe", bytes(name), _] if (channel := _text(name)) in (
                self._channels
            ):
                keeper.confirmed(channel, now())
            case [b"message", _, bytes(data)]:
                keeper.received(data, now())
            case _:
                # Nothing that our subscription has: damaged on its way. What it was
                # to tell is lost, so that nothing can be trusted.
                self.close()
                keeper.dropped(now())

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None

    def forked(self) -> None:
        """Leave the parent's connection to the parent."""
        self._connection = None


def _text(name: bytes) -> str:
    return name.decode(errors="replace")
