"""The connections that subscriptions have, and whose they are."""

from collections import deque
from typing import Protocol

import attrs

from hybridcache.testing.scheduler import Action


class Peer(Protocol):
    """A process, as the network knows it."""

    number: int

    def after(self, seconds: float, action: Action) -> None:
        """Run *action* after that many seconds of its clock, unless it is dead."""


@attrs.define(eq=False)
class Line:
    """A subscription's connection.

    Attributes:

        process: Whose.

        inbox: What arrived and was not read yet; None: it was closed.

        told: Called when something arrives, once.
    """

    process: Peer
    inbox: "deque[tuple[str, bytes] | None]" = attrs.field(factory=deque, init=False)
    told: Action | None = attrs.field(default=None, init=False)
    free_at: float = attrs.field(default=0.0, init=False)
    alive: bool = attrs.field(default=True, init=False)

    def arrive(self, what: tuple[str, bytes] | None) -> None:
        """Have it read later."""
        self.inbox.append(what)
        told, self.told = self.told, None
        if told is not None:
            told()
