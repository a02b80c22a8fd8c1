"""What happens to a node, told to every cache on it as an event that bears its name."""

from collections.abc import Callable
from typing import TypeAlias

import attrs

from hybridcache.core.breaker import Breaker, State
from hybridcache.engine.events import (
    BlindnessChanged,
    BreakerMoved,
    Event,
    InvalidationDone,
)

News: TypeAlias = Callable[[str], Event]
"""Makes the event of a cache's name."""


@attrs.define(eq=False)
class Listeners:
    """The caches on a node; told outside of its lock, for observers take time."""

    _listeners: list[Callable[[News], None]] = attrs.field(factory=list, init=False)

    def add(self, listener: Callable[[News], None]) -> None:
        """Tell *listener* too."""
        self._listeners.append(listener)

    def remove(self, listener: Callable[[News], None]) -> None:
        """Tell *listener* no more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def tell(self, news: News) -> None:
        """Tell all of them."""
        for listener in tuple(self._listeners):
            listener(news)

    def breaker_moved(self, breaker: Breaker) -> None:
        """Tell that the breaker opened or closed."""
        is_open = breaker.state is not State.CLOSED
        self.tell(lambda cache: BreakerMoved(cache, is_open, breaker.cause))

    def blindness_changed(self, *, blind: bool) -> None:
        """Tell that the subscription can be trusted no longer, or again."""
        self.tell(lambda cache: BlindnessChanged(cache, blind))

    def invalidated_elsewhere(self) -> None:
        """Tell that another node invalidated a key, or all of them."""
        self.tell(lambda cache: InvalidationDone(cache, "remote"))
