"""What operators must know, in stdlib logging: changes of state once, failures rarely.

A failure that comes again and again is logged at once and then once a minute with the
number of those that were not; never with a traceback, a key or a value.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from hybridcache.engine.events import (
    BlindnessChanged,
    BreakerMoved,
    Event,
    LoadAbandoned,
    RefreshEnded,
    UndecodableFound,
    UpstreamAsked,
)

log: Final = logging.getLogger("hybridcache.adapters")

AGAIN_AFTER: Final = 60.0
"""A failure of one kind is logged this often at most, seconds."""


@attrs.define(eq=False)
class _Repeats:
    """How often a kind of failure was not logged since it was."""

    logged_at: float
    held_back: int = 0


@attrs.define(eq=False)
class Journal:
    """The log of one cache. Events of several threads may cost a count, no more.

    Attributes:

        clock: Monotonic seconds.
    """

    clock: Callable[[], float]
    _down_since: float | None = attrs.field(default=None, init=False)
    _blind_since: float | None = attrs.field(default=None, init=False)
    _failures: dict[tuple[str, ...], _Repeats] = attrs.field(factory=dict, init=False)

    def take(self, event: Event) -> None:
        """Log *event* if operators must know of it now."""
        write = _WRITERS.get(type(event))
        if write is not None:
            write(self, event)

    def _breaker(self, event: BreakerMoved) -> None:
        now = self.clock()
        if event.open:
            self._down_since = now
            log.warning(
                "cache %r does without Redis until it answers again: %s",
                event.cache,
                event.cause,
            )
        elif self._down_since is not None:
            log.info(
                "cache %r uses Redis again, after %.1f s without",
                event.cache,
                now - self._down_since,
            )
            self._down_since = None

    def _blindness(self, event: BlindnessChanged) -> None:
        now = self.clock()
        if event.blind:
            self._blind_since = now
            log.warning(
                "cache %r lost its subscription: what memory holds is checked with"
                " Redis before it is served",
                event.cache,
            )
        elif self._blind_since is not None:
            log.info(
                "cache %r has its subscription again, after %.1f s without",
                event.cache,
                now - self._blind_since,
            )
            self._blind_since = None

    def _refresh(self, event: RefreshEnded) -> None:
        if event.result == "failed":
            self._failed(
                ("refresh", event.function, event.error),
                "cache %r could not refresh what %s returns: %s; the stale value goes"
                " on being served",
                event.cache,
                event.function or "a loader",
                event.error,
            )

    def _asked(self, event: UpstreamAsked) -> None:
        if event.result != "ok":
            self._failed(
                ("upstream", event.operation, event.result),
                "cache %r got no answer from Redis to a %s (%s): %s",
                event.cache,
                event.operation,
                event.result,
                event.cause,
            )

    def _undecodable(self, event: UndecodableFound) -> None:
        self._failed(
            ("undecodable", event.reason),
            "cache %r found in Redis what is no entry of its own (%s); the next load"
            " replaces it",
            event.cache,
            event.reason,
        )

    def _abandoned(self, event: LoadAbandoned) -> None:
        self._failed(
            ("abandoned",),
            "a load of cache %r runs past abandon_after; its key is free for another",
            event.cache,
        )

    def _failed(self, kind: tuple[str, ...], message: str, *facts: str) -> None:
        now = self.clock()
        repeats = self._failures.get(kind)
        if repeats is not None and now < repeats.logged_at + AGAIN_AFTER:
            repeats.held_back += 1
            return
        self._failures[kind] = _Repeats(now)
        if repeats is None or not repeats.held_back:
            log.warning(message, *facts)
        else:
            log.warning(f"{message} (and %d more)", *facts, repeats.held_back)  # noqa: G004 (constants)


_WRITERS: Final[Mapping[type[Event], Callable[[Journal, Any], None]]] = {
    BreakerMoved: Journal._breaker,  # noqa: SLF001 (of this module)
    BlindnessChanged: Journal._blindness,  # noqa: SLF001
    RefreshEnded: Journal._refresh,  # noqa: SLF001
    UpstreamAsked: Journal._asked,  # noqa: SLF001
    UndecodableFound: Journal._undecodable,  # noqa: SLF001
    LoadAbandoned: Journal._abandoned,  # noqa: SLF001
}
