"""The figures as OpenTelemetry metrics, as an SDK's reader collects them."""

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    NumberDataPoint,
)
from prometheus_client import CollectorRegistry

from hybridcache import (
    AsyncCache,
    Cache,
    Memory,
    Policy,
    export_to_opentelemetry,
)
from hybridcache.adapters.meters import named
from hybridcache.engine.gauges import GAUGES
from hybridcache.engine.metrics import METRICS, SECONDS

POLICY = Policy(fresh_for=60, ttl=3600)


class Collected:
    """A registry, exported, and what an SDK collects of it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])
        export_to_opentelemetry(self.provider, registry=self.registry)

    def metrics(self) -> dict[str, Metric]:
        """Return all metrics by name."""
        data = self._reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def numbers(self, name: str) -> dict[tuple[object, ...], float]:
        """Return the numbers of a counter or gauge by attributes, but for zeros."""
        metric = self.metrics().get(name)
        points = () if metric is None else metric.data.data_points
        return {
            tuple((point.attributes or {}).values()): point.value
            for point in points
            if isinstance(point, NumberDataPoint) and point.value
        }


@pytest.fixture(name="collected")
def _collected() -> Iterator[Collected]:
    """A registry of its own, exported."""
    collected = Collected()
    yield collected
    collected.provider.shutdown()


def test_lookups_are_counted_as_for_prometheus(collected: Collected) -> None:
    """Counters and gauges are what a scrape of the registry shows."""
    cache = Cache(name="shop", downstream=Memory(), registry=collected.registry)

    @cache.cached(POLICY, key="{n}")
    def double(n: int) -> int:
        return 2 * n

    for _ in range(5):
        double(4)

    test = "test_lookups_are_counted_as_for_prometheus"
    label = f"{__name__}.{test}.<locals>.double"
    assert {
        ("shop", label, "miss", "loader"): 1,
        ("shop", label, "hit-fresh", "memory"): 4,
    } == collected.numbers("hybridcache.lookups")
    assert {("shop",): 1} == collected.numbers("hybridcache.memory_entries")
    assert {("shop", "memory", "stored"): 1} == collected.numbers("hybridcache.stores")
    cache.close()
    assert {} == collected.numbers("hybridcache.memory_entries")


def test_times_are_histograms_of_the_same_buckets(collected: Collected) -> None:
    """A load is one value of a histogram in seconds, with the library's buckets."""

    async def load() -> int:
        return 1

    async def calls() -> None:
        async with AsyncCache(name="shop", registry=collected.registry) as cache:
            await cache.get_or_load("k", load, POLICY)

    asyncio.run(calls())
    metric = collected.metrics()["hybridcache.load"]
    (point,) = metric.data.data_points

    assert isinstance(point, HistogramDataPoint)
    assert "s" == metric.unit
    assert {"cache": "shop", "result": "unstored"} == point.attributes
    assert SECONDS == tuple(point.explicit_bounds)
    assert 1 == point.count


def test_exporting_twice_counts_once(collected: Collected) -> None:
    """A second export of a registry to the same provider does nothing."""
    export_to_opentelemetry(collected.provider, registry=collected.registry)
    with Cache(name="shop", registry=collected.registry) as cache:
        cache.get_or_load("k", lambda: 1, POLICY)

    (point,) = collected.metrics()["hybridcache.load"].data.data_points
    assert isinstance(point, HistogramDataPoint)
    assert 1 == point.count


def test_names_come_back_as_those_of_prometheus() -> None:
    """Name and unit make the Prometheus name again, as exporters put them together."""
    suffixes = {"s": "_seconds", "By": "_bytes", "": ""}
    for metric in (*METRICS, *GAUGES):
        name, unit = named(metric.name)

        assert metric.name == name.replace(".", "_") + suffixes[unit]


def test_a_wrong_provider_is_refused() -> None:
    """What is no provider is refused by name."""
    provider: object = "http://collector"
    with pytest.raises(TypeError, match="meter_provider must be a MeterProvider"):
        export_to_opentelemetry(provider)  # type: ignore[arg-type] # as is meant
