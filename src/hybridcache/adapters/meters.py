"""The same figures and gauges as OpenTelemetry metrics, through its API alone.

Counters and gauges are read when the SDK collects, as at a scrape. A histogram is told
each measurement besides, inside the caller's trace: the API has none that is read.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final, TypeAlias

import attrs
from opentelemetry.metrics import (
    CallbackOptions,
    Histogram,
    MeterProvider,
    Observation,
    get_meter_provider,
)

from hybridcache.engine.figures import Figures
from hybridcache.engine.gauges import GAUGES, Gauge, Live, standings
from hybridcache.engine.metrics import METRICS, Metric

log: Final = logging.getLogger("hybridcache.adapters")

MetricsProvider: TypeAlias = MeterProvider
"""What collects; `None` means OpenTelemetry's global one."""

_UNITS: Final = {"_seconds": "s", "_bytes": "By"}


@attrs.frozen(eq=False)
class Source:
    """What one registry shows.

    Attributes:

        figures: What is counted.

        caches: Returns those whose gauges are shown.
    """

    figures: Figures
    caches: Callable[[], Iterable[Live]]


@attrs.define(eq=False)
class Export:
    """The instruments of one provider, which show all that was exported to it.

    An SDK heeds no second observable of one name, so these are made once.
    """

    _sources: tuple[Source, ...] = attrs.field(default=(), init=False)
    _histograms: dict[Metric, Histogram] = attrs.field(factory=dict, init=False)
    _told: bool = attrs.field(default=False, init=False)

    def make_instruments(self, provider: MeterProvider) -> None:
        """Have *provider* collect what is and will be exported to it."""
        meter = provider.get_meter("hybridcache")
        for metric in METRICS:
            name, unit = named(metric.name)
            if metric.bounds:
                self._histograms[metric] = meter.create_histogram(
                    name,
                    unit,
                    metric.help,
                    explicit_bucket_boundaries_advisory=metric.bounds,
                )
            else:
                counts = partial(self._counts, metric)
                meter.create_observable_counter(name, [counts], unit, metric.help)
        for gauge in GAUGES:
            name, unit = named(gauge.name)
            stands = partial(self._stands, gauge)
            meter.create_observable_gauge(name, [stands], unit, gauge.help)

    def add(self, source: Source) -> None:
        """Show *source*, too; a second time is none."""
        figures = source.figures
        if all(figures is not known.figures for known in self._sources):
            # Replaced, not changed: the SDK may collect at this moment.
            self._sources = (*self._sources, source)
            figures.measured = (*figures.measured, self._measured)

    def _measured(self, metric: Metric, labels: tuple[str, ...], value: float) -> None:
        attributes = dict(zip(metric.labels, labels, strict=True))
        try:
            self._histograms[metric].record(value, attributes)
        except Exception:
            # A lookup does not fail because its measuring does.
            if not self._told:
                self._told = True
                log.exception("an OpenTelemetry histogram raised; said once")

    def _counts(self, metric: Metric, _: CallbackOptions) -> Iterator[Observation]:
        # Caches of one name may count in several registries.
        totals: dict[tuple[str, ...], float] = {}
        for source in self._sources:
            for row in source.figures.rows():
                for sample, count in zip(row.samples, row.slots, strict=True):
                    if sample.metric is metric:
                        before = totals.get(sample.labels, 0)
                        totals[sample.labels] = before + count
        yield from _observations(metric.labels, totals.items())

    def _stands(self, gauge: Gauge, _: CallbackOptions) -> Iterator[Observation]:
        caches = [cache for source in self._sources for cache in source.caches()]
        yield from _observations(gauge.labels, standings(caches)[gauge].items())


def _observations(
    names: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> Iterator[Observation]:
    for labels, value in values:
        yield Observation(value, dict(zip(names, labels, strict=True)))


@attrs.define(eq=False)
class Exports:
    """All providers that something was exported to, each once."""

    _explicit: list[tuple[MeterProvider, Export]] = attrs.field(
        factory=list, init=False
    )
    # The API hands out a stand-in until an SDK is set, which then stands behind it:
    # two objects, and all that is measured would be measured twice.
    _global: Export | None = attrs.field(default=None, init=False)

    def to(self, provider: MeterProvider | None) -> Export:
        """Return the export to *provider*; to the global one if None."""
        current = get_meter_provider()
        chosen = current if provider is None else provider
        known = next((made for one, made in self._explicit if one is chosen), None)
        if chosen is current:
            known = self._global = self._global or known or _made(chosen)
        elif known is None:
            known = _made(chosen)
            self._explicit.append((chosen, known))
        return known


def _made(provider: MeterProvider) -> Export:
    export = Export()
    export.make_instruments(provider)
    return export


def check_provider(provider: object) -> None:
    """Refuse what is neither a provider nor None.

    Raises:

        TypeError: It is neither.
    """
    if provider is not None and not isinstance(provider, MeterProvider):
        msg = f"meter_provider must be a MeterProvider or None, not {provider!r}"
        raise TypeError(msg)


def named(prometheus: str) -> tuple[str, str]:
    """Return name and unit; an exporter to Prometheus makes the same name of them."""
    name = prometheus.replace("_", ".", 1)
    for suffix, unit in _UNITS.items():
        if name.endswith(suffix):
            return name.removesuffix(suffix), unit
    return name, ""
