"""What operators must know, in stdlib logging: changes of state once, failures rarely.

A state that flaps is logged a few times a minute, then with the number of changes that
were not, and never so that the last line is wrong for longer than a minute. A failure
that comes again and again is logged at once and then once a minute with the number of
those that were not; never with a traceback, a key or a value.
"""

import logging
from collections import deque
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

CHANGES_A_MINUTE: Final = 10
"""So many changes of state of a cache are logged a minute at most."""

MINUTE: Final = 60.0

_REDIS: Final = (
    "cache %r does without Redis until it answers again: %s",
    "cache %r uses Redis again, after %.1f s without",
)
_SUBSCRIPTION: Final = (
    "cache %r lost its subscription: memory is checked with Redis before it serves",
    "cache %r has its subscription again, after %.1f s without",
)


@attrs.define(eq=False)
class _Repeats:
    """How often a kind of failure was not logged since it was."""

    logged_at: float
    held_back: int = 0


@attrs.define(eq=False)
class _State:
    """Something of a cache that is well, or is not.

    Attributes:

        lost: What is logged when it is well no more; the cache and why not follow.

        back: What is logged when it is well again; the cache and seconds follow.

        well: Whether it is.

        told_well: Whether that is what the log says.

        why: Why it is not.

        lost_at: Since when.
    """

    lost: str
    back: str
    well: bool = True
    told_well: bool = True
    why: tuple[str, ...] = ()
    lost_at: float = 0.0

    def tell(self, cache: str, now: float, note: str) -> None:
        """Log how it stands."""
        self.told_well = self.well
        if self.well:
            log.info(self.back + note, cache, now - self.lost_at)  # noqa: G003 (constants)
        else:
            log.warning(self.lost + note, cache, *self.why)  # noqa: G003 (as above)


@attrs.define(eq=False)
class _Changes:
    """The changes of state of one cache: all are logged, unless they are too many.

    Then the log says so, and how things stand as soon as there is room.

    Attributes:

        redis: Whether it answers.

        subscription: Whether it is whole.

        behind: Whether the log may say otherwise.
    """

    redis: _State = attrs.field(factory=lambda: _State(*_REDIS), init=False)
    subscription: _State = attrs.field(
        factory=lambda: _State(*_SUBSCRIPTION), init=False
    )
    behind: bool = attrs.field(default=False, init=False)
    _held_back: int = attrs.field(default=0, init=False)
    _logged: deque[float] = attrs.field(
        factory=lambda: deque(maxlen=CHANGES_A_MINUTE), init=False
    )

    def lost(self, state: _State, cache: str, now: float, *why: str) -> None:
        """Log that *state* is well no more."""
        if state.well:
            state.lost_at = now
        state.well, state.why = False, why
        self._changed(state, cache, now)

    def back(self, state: _State, cache: str, now: float) -> None:
        """Log that *state* is well again; at first it is."""
        if not state.well:
            state.well = True
            self._changed(state, cache, now)

    def catch_up(self, cache: str, now: float) -> None:
        """Log what is otherwise than the log says."""
        for state in (self.redis, self.subscription):
            if state.well is not state.told_well:
                if not self._has_room(now):
                    return
                # Its last change, which is told now, is one of them.
                self._held_back = max(0, self._held_back - 1)
                self._tell(state, cache, now)
        self.behind = False

    def _changed(self, state: _State, cache: str, now: float) -> None:
        if self._has_room(now):
            self._tell(state, cache, now)
        else:
            self._held_back += 1
            self.behind = True

    def _has_room(self, now: float) -> bool:
        return len(self._logged) < CHANGES_A_MINUTE or now >= self._logged[0] + MINUTE

    def _tell(self, state: _State, cache: str, now: float) -> None:
        self._logged.append(now)
        note = ""
        if self._held_back:
            note = f" ({self._held_back} changes before were not logged)"
            self._held_back = 0
        if not self._has_room(now):
            note += "; more of them within a minute are not logged"
        state.tell(cache, now, note)


@attrs.define(eq=False)
class Journal:
    """The log of one cache. Events of several threads may cost a count, no more.

    Attributes:

        clock: Monotonic seconds.
    """

    clock: Callable[[], float]
    _changes: _Changes = attrs.field(factory=_Changes, init=False)
    _failures: dict[tuple[str, ...], _Repeats] = attrs.field(factory=dict, init=False)

    def take(self, event: Event) -> None:
        """Log *event* if operators must know of it now."""
        write = _WRITERS.get(type(event))
        if write is not None:
            write(self, event)
        if self._changes.behind:
            self._changes.catch_up(event.cache, self.clock())

    def _breaker(self, event: BreakerMoved) -> None:
        changes, now = self._changes, self.clock()
        if event.open:
            changes.lost(changes.redis, event.cache, now, event.cause)
        else:
            changes.back(changes.redis, event.cache, now)

    def _blindness(self, event: BlindnessChanged) -> None:
        changes, now = self._changes, self.clock()
        if event.blind:
            changes.lost(changes.subscription, event.cache, now)
        else:
            changes.back(changes.subscription, event.cache, now)

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
        what = _UNSERVED.get(event.result)
        if what is not None:
            # By the error's first word: another one is another failure.
            self._failed(
                ("upstream", event.operation, event.result, *event.cause.split()[:1]),
                "cache %r: Redis %s the request %r: %s",
                event.cache,
                what,
                event.operation,
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


# A request that its caller gave up is no failure of Redis.
_UNSERVED: Final = {"down": "did not answer", "refused": "refused"}

_WRITERS: Final[Mapping[type[Event], Callable[[Journal, Any], None]]] = {
    BreakerMoved: Journal._breaker,  # noqa: SLF001 (of this module)
    BlindnessChanged: Journal._blindness,  # noqa: SLF001
    RefreshEnded: Journal._refresh,  # noqa: SLF001
    UpstreamAsked: Journal._asked,  # noqa: SLF001
    UndecodableFound: Journal._undecodable,  # noqa: SLF001
    LoadAbandoned: Journal._abandoned,  # noqa: SLF001
}
