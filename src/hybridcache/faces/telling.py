"""Telling people what happened: the metrics, the user's observer, the log."""

import logging
from collections.abc import Callable
from typing import Final

import attrs

from hybridcache.core.errors import Unencodable
from hybridcache.engine.events import Event, Observer

log: Final = logging.getLogger("hybridcache.faces")


@attrs.define(eq=False)
class Telling:
    """Whom a cache tells what.

    Attributes:

        name: The cache's.

        counter: Counts every event.

        journal: Logs those that operators must know of.

        observer: The user's, or None.
    """

    name: str
    counter: Callable[[Event], None]
    journal: Callable[[Event], None]
    observer: Observer | None
    _said: set[str] = attrs.field(factory=set, init=False)

    def observe(self, event: Event) -> None:
        """Count *event* and tell of it."""
        self.counter(event)
        self.hear(event, logged=True)

    def hear(self, event: Event, *, logged: bool) -> None:
        """Tell of *event*, the observer last."""
        if logged:
            self.journal(event)
        if self.observer is None:
            return
        try:
            self.observer(event)
        except Exception:
            # A lookup does not fail because somebody's counting does.
            if self._first("observer"):
                log.exception("the observer of cache %r raised; said once", self.name)

    def warn(self, what: str, error: Unencodable) -> None:
        """Say why what *what* returns is not stored."""
        if self._first(what):
            log.warning(
                "cache %r does not store what %s returns: %s (said once)",
                self.name,
                what,
                error,
            )

    def _first(self, what: str) -> bool:
        first = what not in self._said
        self._said.add(what)
        return first
