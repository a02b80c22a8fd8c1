"""Figures and gauges as a registry's collector, read at scrape time.

A prometheus-client counter costs more than a memory hit; these cost a slot of a list.
"""

import os
import threading
from collections.abc import Iterable
from itertools import accumulate
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

import attrs
from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from hybridcache.adapters.prometheus.files import Files
from hybridcache.adapters.prometheus.live import LiveGauges
from hybridcache.engine.figures import Figures
from hybridcache.engine.gauges import GAUGES, Live, standings
from hybridcache.engine.metrics import METRICS
from hybridcache.engine.rows import Histogram

# Read when prometheus-client reads it: a process is in its multiprocess mode or is not.
DIRECTORY: Final = os.environ.get("PROMETHEUS_MULTIPROC_DIR")


@attrs.define(eq=False)
class Exposition(Collector):
    """All that one registry shows of hybridcache.

    Attributes:

        figures: What is counted; it stays when a cache goes.

        gauges: Writes how things stand, in multiprocess mode.
    """

    figures: Figures
    gauges: LiveGauges | None
    _files: Files | None
    _caches: "WeakSet[Live]" = attrs.field(factory=WeakSet, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def watch(self, cache: Live) -> None:
        """Show the gauges of *cache* as long as it is open."""
        with self._lock:
            self._caches.add(cache)
        if self.gauges is not None:
            self.gauges.watch(cache)

    def caches(self) -> list[Live]:
        """Return the caches whose gauges are shown."""
        with self._lock:
            return list(self._caches)

    def ended(self) -> None:
        """Show no more of a cache that was closed."""
        if self.gauges is not None:
            self.gauges.ended()

    def describe(self) -> Iterable[Metric]:
        """Return the metrics without values, for the registry's own checks."""
        return [*_counters().values(), *_histograms().values(), *_gauges().values()]

    def collect(self) -> Iterable[Metric]:
        """Return the metrics with their values."""
        counters, histograms, gauges = _counters(), _histograms(), _gauges()
        for row in self.figures.rows():
            if isinstance(row, Histogram):
                _add_histogram(histograms[row.metric.name], row)
                continue
            for sample, value in zip(row.samples, row.slots, strict=True):
                counters[sample.metric.name].add_metric(sample.labels, value)
        for gauge, standing in standings(self.caches()).items():
            for labels, value in standing.items():
                gauges[gauge.name].add_metric(labels, value)
        return [*counters.values(), *histograms.values(), *gauges.values()]

    def forked(self) -> None:
        """Start anew in the child of a fork."""
        self._lock = threading.Lock()
        if self._files is not None:
            self._files.forked()
        self.figures.forked(threading.Lock())
        if self.gauges is not None:
            self.gauges.forked()


def _add_histogram(family: HistogramMetricFamily, row: Histogram) -> None:
    *counts, total = row.slots
    bounds = [sample.bound or "" for sample in row.samples[:-1]]
    buckets = list(zip(bounds, accumulate(counts), strict=True))
    family.add_metric(row.labels, buckets, total)


def _counters() -> dict[str, CounterMetricFamily]:
    return {
        one.name: CounterMetricFamily(one.name, one.help, labels=one.labels)
        for one in METRICS
        if not one.bounds
    }


def _histograms() -> dict[str, HistogramMetricFamily]:
    return {
        one.name: HistogramMetricFamily(one.name, one.help, labels=one.labels)
        for one in METRICS
        if one.bounds
    }


def _gauges() -> dict[str, GaugeMetricFamily]:
    return {
        one.name: GaugeMetricFamily(one.name, one.help, labels=one.labels)
        for one in GAUGES
    }


Registry: TypeAlias = CollectorRegistry
"""Where prometheus-client collects; `None` means its default."""

_by_registry: Final[WeakKeyDictionary[CollectorRegistry, Exposition]] = (
    WeakKeyDictionary()
)
_live_gauges: Final[list[LiveGauges]] = []

MAKING: Final = threading.RLock()
"""Held while a registry is given its exposition."""


def exposition_of(registry: CollectorRegistry | None) -> Exposition:
    """Return what *registry* shows; the default registry's if None.

    Raises:

        TypeError: It is no registry.

        ValueError: It shows another metric under one of these names.
    """
    chosen = REGISTRY if registry is None else registry
    _check(chosen)
    with MAKING:
        known = _by_registry.get(chosen)
        if known is None:
            known = _make()
            chosen.register(known)
            _by_registry[chosen] = known
        return known


def _make() -> Exposition:
    if DIRECTORY is None:
        return Exposition(Figures(threading.Lock()), None, None)
    if not _live_gauges:
        # One for all registries: the files that it writes are the process's.
        _live_gauges.append(LiveGauges(DIRECTORY))
    gauges = _live_gauges[0]
    files = Files(DIRECTORY, gauges.ensure)
    return Exposition(Figures(threading.Lock(), files.place), gauges, files)


def _check(registry: object) -> None:
    if not isinstance(registry, CollectorRegistry):
        msg = f"registry must be a CollectorRegistry, not {registry!r}"
        raise TypeError(msg)
