"""What happens to a node, told to every cache on it as an event that bears its name."""

from collections.abc import Callable
from typing import Protocol, TypeAlias
from weakref import WeakKeyDictionary

import attrs

from hybridcache.core.breaker import Breaker, State
from hybridcache.engine.events import (
    BlindnessChanged,
    BreakerMoved,
    Event,
    InvalidationDone,
)
from hybridcache.engine.latch import Lock

News: TypeAlias = Callable[[str], Event]
"""Makes the event of a cache's name."""


class Listener(Protocol):
    """A cache on a node.

    Attributes:

        name: The cache's.

        counter: What counts its events.
    """

    @property
    def name(self) -> str:
        """The cache's name."""

    @property
    def counter(self) -> Callable[[Event], None]:
        """What counts its events; equal for caches that are counted together."""

    def hear(self, event: Event, *, logged: bool) -> None:
        """Tell the user's observer of *event*, and the log where it is told."""


def _at_once(call: Callable[[], None]) -> None:
    call()


@attrs.define(eq=False)
class Listeners:
    """The caches on a node, as long as they live.

    What happened is counted at once, and told outside of the node's lock by whoever
    *post* has do it: the keeper runs no user's observer.
    """

    _lock: Lock
    post: Callable[[Callable[[], None]], None] = _at_once
    # With the number of times that it was added: a cache may run on a node twice.
    _listeners: WeakKeyDictionary[Listener, int] = attrs.field(
        factory=WeakKeyDictionary, init=False
    )

    def add(self, listener: Listener) -> None:
        """Tell *listener* too."""
        with self._lock:
            self._listeners[listener] = self._listeners.get(listener, 0) + 1

    def remove(self, listener: Listener) -> None:
        """Tell *listener* no more, if it was not added more often."""
        with self._lock:
            times = self._listeners.pop(listener, 0)
            if times > 1:
                self._listeners[listener] = times - 1

    def tell(self, news: News) -> None:
        """Count what happened once for each name and counter, and have it told."""
        with self._lock:
            listeners = list(self._listeners)
        counted: set[tuple[str, Callable[[Event], None]]] = set()
        logged: set[str] = set()
        for listener in listeners:
            event = news(listener.name)
            whose = listener.name, listener.counter
            if whose not in counted:
                counted.add(whose)
                listener.counter(event)
            first = listener.name not in logged
            logged.add(listener.name)
            self.post(_telling(listener, event, logged=first))

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


def _telling(listener: Listener, event: Event, *, logged: bool) -> Callable[[], None]:
    return lambda: listener.hear(event, logged=logged)
