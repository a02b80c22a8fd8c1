"""Lookups as Prometheus counters, read from the tallies at scrape time.

A prometheus-client counter costs more than a memory hit; these cost an integer.
"""

import threading
from collections.abc import Iterable
from typing import Final, TypeAlias

import attrs
from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from hybridcache.engine.tally import Tally


@attrs.define(eq=False)
class Tallies(Collector):
    """All tallies that one registry shows, by cache and function.

    They stay when a cache goes: a counter does not go back.
    """

    _tallies: dict[tuple[str, str], Tally] = attrs.field(factory=dict, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def tally(self, cache: str, function: str) -> Tally:
        """Return the tally of a function; two caches of one name share it."""
        with self._lock:
            return self._tallies.setdefault((cache, function), Tally())

    def describe(self) -> Iterable[Metric]:
        """Return the metrics without counts, for the registry's own checks."""
        return (_lookups(), _failures())

    def collect(self) -> Iterable[Metric]:
        """Return the metrics with their counts."""
        lookups, failures = _lookups(), _failures()
        with self._lock:
            tallies = list(self._tallies.items())
        for (cache, function), tally in tallies:
            for outcome, tier, count in tally.outcomes():
                lookups.add_metric([cache, function, outcome, tier.value], count)
            for reason, count in tally.failed():
                failures.add_metric([cache, function, reason.value], count)
        return (lookups, failures)


def _lookups() -> CounterMetricFamily:
    return CounterMetricFamily(
        "hybridcache_lookups",
        "Lookups by what they say happened and the tier that served.",
        labels=["cache", "function", "outcome", "tier"],
    )


def _failures() -> CounterMetricFamily:
    return CounterMetricFamily(
        "hybridcache_lookup_failures",
        "Lookups that raised, by reason.",
        labels=["cache", "function", "reason"],
    )


Registry: TypeAlias = CollectorRegistry
"""Where prometheus-client collects; `None` means its default."""

_by_registry: Final[dict[int, tuple[CollectorRegistry, Tallies]]] = {}
_making: Final = threading.Lock()


def tallies_of(registry: CollectorRegistry | None) -> Tallies:
    """Return the tallies that *registry* shows; the default registry's if None.

    Raises:

        TypeError: It is no registry.
    """
    chosen = REGISTRY if registry is None else registry
    _check(chosen)
    with _making:
        known = _by_registry.get(id(chosen))
        if known is None:
            known = _by_registry[id(chosen)] = (chosen, Tallies())
            chosen.register(known[1])
        return known[1]


def _check(registry: object) -> None:
    if not isinstance(registry, CollectorRegistry):
        msg = f"registry must be a CollectorRegistry, not {registry!r}"
        raise TypeError(msg)
