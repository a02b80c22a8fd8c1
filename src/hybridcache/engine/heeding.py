"""Carry out what other nodes, or this one's own scripts, published."""

from hybridcache.engine.messages import Kind, Message
from hybridcache.engine.node import Node


def heed(node: Node, message: Message) -> None:
    """Carry out *message* on *node*."""
    own = node.channel is not None and message.origin == node.channel.origin
    match message.kind:
        case Kind.SETTLED:
            node.holds.ended_elsewhere(message.key)
            node.watches.wake(message.key, message.token)
        case Kind.INVALIDATED:
            if not own:
                node.invalidated(message.key)
                node.listeners.invalidated_elsewhere()
        case Kind.CLEARED:
            _doubt_marker(node, message.token.encode(), own=own)
            if not own:
                node.listeners.invalidated_elsewhere()
        case Kind.ECHO:
            return
    if node.on_message is not None:
        node.on_message(message)


def _doubt_marker(node: Node, marker: bytes, *, own: bool) -> None:
    """Drop what was stamped otherwise; which marker counts now, Redis tells.

    A message may be older than a `clear()` of our own that has returned: to believe it
    would bring back what that cleared.
    """
    known = node.marker
    # Our own, dropped when clear() returned; what came since was checked.
    if known != marker and not (own and known is None):
        node.cleared(None)
