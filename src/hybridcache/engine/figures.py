"""All that is counted for one registry, by event.

A pure machine: it is told what happened and adds to slots. A row of slots is made when
its labels are first counted, and stays when the cache goes: a counter does not go back.
"""

from bisect import bisect_left
from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar, cast

import attrs

from hybridcache.core.outcome import HitFresh, HitStale, Tier
from hybridcache.engine.events import (
    Event,
    InvalidationDone,
    LoadEnded,
    LookedUp,
    RefreshEnded,
    StoreEnded,
    UndecodableFound,
    UpstreamAsked,
    WaitEnded,
)
from hybridcache.engine.latch import Lock
from hybridcache.engine.metrics import (
    EVICTIONS,
    INVALIDATIONS,
    LOAD_SECONDS,
    LOOKUP_SECONDS,
    LOOKUPS,
    REFRESHES,
    SERVED_AGE_SECONDS,
    STORES,
    UNDECODABLE,
    UPSTREAM_SECONDS,
    WAIT_SECONDS,
    Metric,
)
from hybridcache.engine.rows import Count, Evictions, Histogram, Row
from hybridcache.engine.tally import Tally

E = TypeVar("E", bound=Event)
R = TypeVar("R", bound=Row)
RowKey: TypeAlias = tuple[Metric, tuple[str, ...]]

_HITS: Final = frozenset((HitFresh.tag, HitStale.tag))
# To read a member off its class costs more than to compare it.
_MEMORY: Final = Tier.MEMORY


@attrs.define(eq=False)
class Figures:
    """The rows of one registry, by metric and labels.

    Attributes:

        place: Puts the slots of a row elsewhere than in the process, or does nothing.
    """

    _lock: Lock
    place: Callable[[Row], None] = lambda _: None
    # Apart by class: what is hot looks in one of them and casts nothing.
    _counts: dict[RowKey, Count] = attrs.field(factory=dict, init=False)
    _histograms: dict[RowKey, Histogram] = attrs.field(factory=dict, init=False)
    _tallies: dict[RowKey, Tally] = attrs.field(factory=dict, init=False)
    _evictions: dict[RowKey, Evictions] = attrs.field(factory=dict, init=False)

    def take(self, event: Event) -> None:
        """Count what happened; a lookup that failed, the tally has counted."""
        counts = _COUNTS.get(type(event))
        if counts is not None:
            counts(self, event)

    def looked_up(
        self, cache: str, tag: str, tier: Tier, age: float | None, seconds: float
    ) -> None:
        """Measure a lookup; that it happened, its tally has counted."""
        if tier is _MEMORY:
            if tag == HitStale.tag and age is not None:
                self.measure(SERVED_AGE_SECONDS, (cache, tag), age)
            if tag in _HITS:
                return
        elif age is not None:
            self.measure(SERVED_AGE_SECONDS, (cache, tag), age)
        self.measure(LOOKUP_SECONDS, (cache, tag), seconds)

    def asked(self, cache: str, operation: str, result: str, seconds: float) -> None:
        """Measure a request to Redis."""
        self.measure(UPSTREAM_SECONDS, (cache, operation, result), seconds)

    def count(self, metric: Metric, labels: tuple[str, ...]) -> None:
        """Add one to a counter."""
        row = self._counts.get((metric, labels))
        if row is None:
            made = Count(metric, labels)
            row = self._row(self._counts, (metric, labels), made)
        row.add()

    def measure(self, metric: Metric, labels: tuple[str, ...], value: float) -> None:
        """Count *value* in the first bucket whose bound it does not exceed."""
        row = self._histograms.get((metric, labels))
        if row is None:
            made = Histogram(metric, labels)
            row = self._row(self._histograms, (metric, labels), made)
        slots = row.slots
        slots[bisect_left(row.bounds, value)] += 1
        slots[-1] += value

    def tally(self, cache: str, function: str) -> Tally:
        """Return the tally of a function; two caches of one name share it."""
        key = (LOOKUPS, (cache, function))
        row = self._tallies.get(key)
        if row is None:
            row = self._row(self._tallies, key, Tally(cache, function))
        return row

    def evictions(self, cache: str) -> Evictions:
        """Return where it is counted what leaves a cache's memory."""
        key = (EVICTIONS, (cache,))
        return self._row(self._evictions, key, Evictions(cache))

    def rows(self) -> list[Row]:
        """Return all rows."""
        with self._lock:
            return self._all()

    def forked(self, lock: Lock) -> None:
        """Count anew in the child of a fork where slots have a place of their own.

        The old lock may be locked for ever, by a thread that is the parent's.
        """
        self._lock = lock
        for row in self._all():
            self.place(row)

    def _all(self) -> list[Row]:
        return [
            *self._tallies.values(),
            *self._counts.values(),
            *self._histograms.values(),
            *self._evictions.values(),
        ]

    def _row(self, rows: dict[RowKey, R], key: RowKey, made: R) -> R:
        with self._lock:
            known = rows.get(key)
            if known is None:
                self.place(made)
                known = rows[key] = made
            return known


_COUNTS: Final[dict[type[object], Callable[[Figures, Event], None]]] = {}


def _counts(
    kind: type[E],
) -> Callable[[Callable[[Figures, E], None]], Callable[[Figures, E], None]]:
    """Have the function count the events of *kind*."""

    def enter(function: Callable[[Figures, E], None]) -> Callable[[Figures, E], None]:
        # Found by the event's own type: it is never given another.
        _COUNTS[kind] = cast("Callable[[Figures, Event], None]", function)
        return function

    return enter


@_counts(LookedUp)
def _looked_up(figures: Figures, event: LookedUp) -> None:
    whose = (event.cache, event.outcome)
    figures.looked_up(*whose, event.tier, event.age, event.seconds)


@_counts(LoadEnded)
def _load_ended(figures: Figures, event: LoadEnded) -> None:
    figures.measure(LOAD_SECONDS, (event.cache, event.result), event.seconds)


@_counts(WaitEnded)
def _wait_ended(figures: Figures, event: WaitEnded) -> None:
    figures.measure(WAIT_SECONDS, (event.cache, event.scope.value), event.seconds)


@_counts(RefreshEnded)
def _refresh_ended(figures: Figures, event: RefreshEnded) -> None:
    figures.count(REFRESHES, (event.cache, event.result))


@_counts(UpstreamAsked)
def _upstream_asked(figures: Figures, event: UpstreamAsked) -> None:
    figures.asked(event.cache, event.operation, event.result, event.seconds)


@_counts(StoreEnded)
def _store_ended(figures: Figures, event: StoreEnded) -> None:
    figures.count(STORES, (event.cache, event.tier.value, event.result))


@_counts(UndecodableFound)
def _undecodable_found(figures: Figures, event: UndecodableFound) -> None:
    figures.count(UNDECODABLE, (event.cache, event.reason))


@_counts(InvalidationDone)
def _invalidation_done(figures: Figures, event: InvalidationDone) -> None:
    figures.count(INVALIDATIONS, (event.cache, event.origin))
