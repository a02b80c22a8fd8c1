"""What a scrape would show, short enough to compare."""

from collections.abc import Mapping
from typing import TypeAlias

from prometheus_client import CollectorRegistry

Shown: TypeAlias = Mapping[tuple[str, ...], float]


def scraped(registry: CollectorRegistry, name: str, cache: str) -> Shown:
    """Return the samples of one name and cache, but for those that are zero.

    They go by the values of their other labels, in the order of the labels' names.
    """
    shown = {}
    for metric in registry.collect():
        for sample in metric.samples:
            labels = dict(sample.labels)
            if sample.name == name and labels.pop("cache", None) == cache:
                values = tuple(value for _, value in sorted(labels.items()))
                assert values not in shown, f"{name} has {values} twice"
                shown[values] = sample.value
    return {labels: value for labels, value in shown.items() if value}


def lookups(registry: CollectorRegistry, cache: str) -> float:
    """Return how many lookups of a cache were counted, those included that raised."""
    names = ("hybridcache_lookups_total", "hybridcache_lookup_failures_total")
    return sum(sum(scraped(registry, name, cache).values()) for name in names)
