"""The same figures and gauges as OpenTelemetry metrics, through its API alone.

Counters and gauges are read when the SDK collects, as at a scrape. A histogram is told
each measurement besides, inside the caller's trace: the API has none that is read.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final, TypeAlias

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

MetricsProvider: TypeAlias = MeterProvider
"""What collects; `None` means OpenTelemetry's global one."""

_UNITS: Final = {"_seconds": "s", "_bytes": "By"}


def show(
    provider: MeterProvider, figures: Figures, caches: Callable[[], Iterable[Live]]
) -> None:
    """Have *provider* collect what is counted and how *caches* stand."""
    meter = provider.get_meter("hybridcache")
    histograms: dict[Metric, Histogram] = {}
    for metric in METRICS:
        name, unit = named(metric.name)
        if metric.bounds:
            histograms[metric] = meter.create_histogram(
                name,
                unit,
                metric.help,
                explicit_bucket_boundaries_advisory=metric.bounds,
            )
        else:
            counts = partial(_counts, figures, metric)
            meter.create_observable_counter(name, [counts], unit, metric.help)
    for gauge in GAUGES:
        name, unit = named(gauge.name)
        stands = partial(_stands, caches, gauge)
        meter.create_observable_gauge(name, [stands], unit, gauge.help)

    def measured(metric: Metric, labels: tuple[str, ...], value: float) -> None:
        attributes = dict(zip(metric.labels, labels, strict=True))
        histograms[metric].record(value, attributes)

    figures.measured = (*figures.measured, measured)


def provider_of(provider: MeterProvider | None) -> MeterProvider:
    """Return *provider*; the global one if None.

    Raises:

        TypeError: It is no provider.
    """
    chosen = get_meter_provider() if provider is None else provider
    _check(chosen)
    return chosen


def _check(provider: object) -> None:
    if not isinstance(provider, MeterProvider):
        msg = f"meter_provider must be a MeterProvider or None, not {provider!r}"
        raise TypeError(msg)


def named(prometheus: str) -> tuple[str, str]:
    """Return name and unit; an exporter to Prometheus makes the same name of them."""
    name = prometheus.replace("_", ".", 1)
    for suffix, unit in _UNITS.items():
        if name.endswith(suffix):
            return name.removesuffix(suffix), unit
    return name, ""


def _counts(
    figures: Figures, metric: Metric, _: CallbackOptions
) -> Iterator[Observation]:
    for row in figures.rows():
        for sample, count in zip(row.samples, row.slots, strict=True):
            if sample.metric is metric:
                attributes = dict(zip(metric.labels, sample.labels, strict=True))
                yield Observation(count, attributes)


def _stands(
    caches: Callable[[], Iterable[Live]], gauge: Gauge, _: CallbackOptions
) -> Iterator[Observation]:
    for labels, value in standings(caches())[gauge].items():
        yield Observation(value, dict(zip(gauge.labels, labels, strict=True)))
