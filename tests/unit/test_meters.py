"""The figures as OpenTelemetry metrics, as an SDK's reader collects them."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.metrics import Meter, NoOpHistogram
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


def test_several_registries_go_to_one_provider(collected: Collected) -> None:
    """What a second registry shows is collected too, and equal labels are added up."""
    other = CollectorRegistry()
    export_to_opentelemetry(collected.provider, registry=other)
    caches = [
        Cache(name=name, downstream=Memory(), registry=registry)
        for name, registry in (
            ("shop", collected.registry),
            ("shop", other),
            ("stock", other),
        )
    ]
    for cache in caches:
        cache.get_or_load("k", lambda: 1, POLICY)

    assert {
        ("shop", "", "miss", "loader"): 2,
        ("stock", "", "miss", "loader"): 1,
    } == collected.numbers("hybridcache.lookups")
    entries = {("shop",): 2, ("stock",): 1}
    assert entries == collected.numbers("hybridcache.memory_entries")
    points = collected.metrics()["hybridcache.load"].data.data_points
    counts = {
        (point.attributes or {})["cache"]: point.count
        for point in points
        if isinstance(point, HistogramDataPoint)
    }
    assert {"shop": 2, "stock": 1} == counts
    for cache in caches:
        cache.close()


GLOBAL = """
import sys
from opentelemetry.metrics import get_meter_provider, set_meter_provider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from hybridcache import Cache, Policy, export_to_opentelemetry

reader = InMemoryMetricReader()
provider = MeterProvider([reader])
for step in sys.argv[1:]:
    if step == "set":
        set_meter_provider(provider)
    else:
        export_to_opentelemetry({"none": None, "own": provider}[step])
with Cache(name="shop") as cache:
    cache.get_or_load("k", lambda: 1, Policy(fresh_for=60, ttl=60))
(resource,) = reader.get_metrics_data().resource_metrics
(scope,) = resource.scope_metrics
for metric in scope.metrics:
    if metric.name == "hybridcache.load":
        for point in metric.data.data_points:
            print(metric.name, point.count)
"""


@pytest.mark.parametrize(
    "steps", ["none set none", "none set own", "own set none", "set own none"]
)
def test_the_global_provider_is_one_before_and_after_it_is_set(steps: str) -> None:
    """An export to the global provider counts once, whenever the SDK is set up."""
    ended = subprocess.run(
        [sys.executable, "-c", GLOBAL, *steps.split()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ("", 0) == (ended.stderr, ended.returncode)
    assert ["hybridcache.load 1"] == ended.stdout.splitlines()


class Full(NoOpHistogram):
    """A histogram that has no room."""

    def record(self, *args: Any, **options: Any) -> None:
        """Raise."""
        msg = "no room"
        raise OSError(msg)


class Failing(MeterProvider):
    """A provider whose histograms raise."""

    def get_meter(self, *args: Any, **options: Any) -> Meter:
        """Return a meter that makes them."""
        meter = super().get_meter(*args, **options)
        made = Full("full")
        meter.create_histogram = lambda *_, **__: made  # type: ignore[method-assign]
        return meter


def test_a_histogram_that_raises_fails_no_lookup(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A lookup goes on where its measuring fails, and the log says so once."""
    registry = CollectorRegistry()
    export_to_opentelemetry(Failing(), registry=registry)
    with (
        caplog.at_level(logging.DEBUG, "hybridcache.adapters"),
        Cache(name="shop", registry=registry) as cache,
    ):
        for _ in range(3):
            assert 1 == cache.get_or_load("k", lambda: 1, POLICY)

    (record,) = caplog.records
    assert ("hybridcache.adapters", "ERROR") == (record.name, record.levelname)


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
