"""What a registry shows after a script, to the last count."""

import gc
import shutil
import subprocess

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.openmetrics.exposition import (
    generate_latest as generate_openmetrics,
)

from hybridcache import Cache, Memory, Policy
from hybridcache.engine.gauges import GAUGES
from hybridcache.engine.metrics import METRICS
from tests.colours import Colour, Handle, held
from tests.eventually import eventually
from tests.scraped import Shown, lookups, scraped

POLICY = Policy(fresh_for=60, ttl=3600)
COUNTERS = [one.name for one in METRICS if not one.bounds]
HISTOGRAMS = [one.name for one in METRICS if one.bounds]


def _shown(cache: Handle, name: str) -> Shown:
    return scraped(cache.registry, f"hybridcache_{name}", cache.cache.name)


def _quiet(cache: Handle) -> None:
    eventually(lambda: not cache.node.flights.flights())


def test_a_script_in_memory_is_measured_exactly(colour: Colour) -> None:
    """Loads, refreshes, ages, stores and lookups are measured on the cache's clock."""
    cache = colour.make_cache(name="shop", downstream=Memory())
    fails: list[OSError] = []

    @cache.cached(POLICY, key="i:{n}")
    def item(n: int) -> int:
        colour.clock.advance(0.25)
        if fails:
            raise fails[0]
        return n

    for n in (1, 1, 1, 2):
        cache.call(item, n)
    colour.clock.advance(100)
    cache.call(item, 1)
    eventually(lambda: _shown(cache, "refreshes_total"))
    fails.append(OSError("no"))
    with pytest.raises(OSError, match="no"):
        cache.call(item, 3)

    assert {("stored",): 3, ("error",): 1} == _shown(cache, "load_seconds_count")
    assert {("stored",): 0.75, ("error",): 0.25} == _shown(cache, "load_seconds_sum")
    in_time = {("0.1", "stored"): 0.0, ("0.25", "stored"): 3, ("+Inf", "stored"): 3}
    buckets = _shown(cache, "load_seconds_bucket")
    assert in_time == {where: buckets.get(where, 0.0) for where in in_time}
    assert {("miss",): 2} == _shown(cache, "lookup_seconds_count")
    assert {("miss",): 0.5} == _shown(cache, "lookup_seconds_sum")
    assert {("hit-stale",): 1} == _shown(cache, "served_age_seconds_count")
    assert {("hit-stale",): 100.25} == _shown(cache, "served_age_seconds_sum")
    assert {("loaded",): 1} == _shown(cache, "refreshes_total")
    assert {("stored", "memory"): 3} == _shown(cache, "stores_total")
    assert {("replaced",): 1} == _shown(cache, "evictions_total")
    for nothing in ("wait_seconds_count", "upstream_seconds_count"):
        assert {} == _shown(cache, nothing)
    assert 6 == lookups(cache.registry, "shop")


def test_followers_and_what_is_not_stored_are_counted(colour: Colour) -> None:
    """A follower's wait has a scope; what cannot be stored has a reason."""
    cache, loader = colour.make_cache(name="shop", downstream=Memory()), held()
    calls = [cache.start("k", loader.load, POLICY) for _ in range(3)]
    flights = cache.node.flights
    eventually(lambda: len(flights) and len(flights.flights()[0].latch._wakes) == 3)
    assert {(): 1} == _shown(cache, "flights")
    colour.clock.advance(2.0)
    assert loader.gate is not None
    loader.gate.set()
    for call in calls:
        call.result(5)
    cache.get("o", lambda: object(), POLICY)  # noqa: PLW0108 (a loader with a name)

    assert {} == _shown(cache, "flights")
    assert {("process",): 2} == _shown(cache, "wait_seconds_count")
    assert {("process",): 4.0} == _shown(cache, "wait_seconds_sum")
    assert {("suppressed",): 2, ("miss",): 2} == _shown(cache, "lookup_seconds_count")
    stores = {("stored", "memory"): 1, ("unencodable", "loader"): 1}
    assert stores == _shown(cache, "stores_total")
    assert {("stored",): 1, ("unstored",): 1} == _shown(cache, "load_seconds_count")
    assert 4 == lookups(cache.registry, "shop")


def test_each_cause_of_leaving_memory_is_counted(colour: Colour) -> None:
    """Size, expiry, invalidation, replacement and refusal count apart."""
    memory = Memory(max_items=3, max_bytes=100_000)
    cache = colour.make_cache(name="small", downstream=memory)

    def load(key: str, value: str = "v") -> None:
        cache.refresh(key, lambda: value, POLICY)

    for key in ("a", "b", "c", "d", "e"):
        load(key)
    assert {("size",): 2} == _shown(cache, "evictions_total")
    assert {(): 3} == _shown(cache, "memory_entries")
    load("e")
    load("large", "v" * 200_000)
    cache.invalidate("e")
    colour.clock.advance(4000)
    cache.node.sweep(colour.clock())

    causes = {
        ("size",): 2,
        ("replaced",): 1,
        ("refused",): 1,
        ("explicit",): 1,
        ("expired",): 2,
    }
    assert causes == _shown(cache, "evictions_total")
    assert {("local",): 1} == _shown(cache, "invalidations_total")
    assert {} == _shown(cache, "memory_entries")


def test_evictions_go_to_the_cache_whose_entry_it_was(colour: Colour) -> None:
    """On one memory each cache counts its own entries, also after it was closed."""
    memory, registry = Memory(max_items=2), CollectorRegistry()
    made = {
        name: colour.make_cache(name=name, downstream=memory, registry=registry)
        for name in ("first", "second")
    }
    for key in ("a", "b"):
        made["first"].get(key, lambda: 1, POLICY)
    made["first"].close()
    for key in ("c", "d", "e"):
        made["second"].get(key, lambda: 1, POLICY)

    assert {("size",): 2} == _shown(made["first"], "evictions_total")
    assert {("size",): 1} == _shown(made["second"], "evictions_total")
    assert {} == _shown(made["first"], "memory_entries")
    assert {(): 2} == _shown(made["second"], "memory_entries")


def test_two_caches_of_one_name_count_an_eviction_once(colour: Colour) -> None:
    """Caches of one name on one memory are one to the metrics."""
    memory, registry = Memory(max_items=2), CollectorRegistry()
    first, second = (
        colour.make_cache(name="twin", downstream=memory, registry=registry)
        for _ in range(2)
    )
    for key in ("a", "b", "c"):
        first.get(key, lambda: 1, POLICY)
        second.get(key, lambda: 1, POLICY)

    assert {("size",): 1} == _shown(first, "evictions_total")
    assert {(): 2} == _shown(second, "memory_entries")
    assert 6 == lookups(registry, "twin")


def test_every_call_with_a_loader_is_counted_once(colour: Colour) -> None:
    """Lookups and their failures add up to the calls, whatever became of them."""
    cache = colour.make_cache(name="law", downstream=Memory())

    @cache.cached(POLICY, key="i:{n}")
    def item(n: int) -> int:
        if n < 0:
            raise KeyError(n)
        return n

    calls = 0
    view = item.using(max_stale=0)
    for n in (1, 1, 1, -1, 2, -1):
        for call in (item, item.outcome, item.refresh, view):
            calls += 1
            if n < 0:
                with pytest.raises(KeyError):
                    cache.call(call, n)
            else:
                cache.call(call, n)
        cache.call(item.peek, n)
    cache.get("k", lambda: 1, POLICY)
    cache.refresh("k", lambda: 1, POLICY)
    colour.clock.advance(61)
    cache.call(item, 1)
    _quiet(cache)
    cache.close()
    for call in (item, item.outcome, item.refresh, view, item.peek):
        with pytest.raises(Exception, match="is closed"):
            cache.call(call, 1)

    failed = _shown(cache, "lookup_failures_total")
    assert calls + 3 + 4 == lookups(cache.registry, "law")
    assert [4.0, 8.0] == sorted(failed.values())


def test_counts_are_the_same_with_an_observer(colour: Colour) -> None:
    """Whether somebody listens changes no metric."""

    def run(cache: Handle) -> list[str]:
        @cache.cached(POLICY, key="i:{n}")
        def item(n: int) -> int:
            return n

        for n in (1, 1, 1, 2):
            cache.call(item, n)
        colour.clock.advance(100)
        cache.call(item, 1)
        eventually(lambda: _shown(cache, "refreshes_total"))
        return generate_latest(cache.registry).decode().splitlines()

    plain = run(colour.make_cache(name="c", downstream=Memory()))

    assert plain == run(colour.make_cache(name="c", downstream=Memory(), events=True))


def test_a_closed_cache_takes_its_gauges_along(colour: Colour) -> None:
    """Gauges are of open caches; what was counted stays, also when a cache is gone."""
    cache = colour.make_cache(name="shop", downstream=Memory())
    cache.get("k", lambda: 1, POLICY)
    assert {(): 1} == _shown(cache, "memory_entries")
    cache.close()

    assert 1 == lookups(cache.registry, "shop")
    assert [] == _named(cache.registry, "hybridcache_memory_entries")


def test_a_forgotten_cache_takes_its_gauges_along() -> None:
    """A cache that was never closed is not kept for its gauges."""
    registry = CollectorRegistry()
    cache = Cache(name="shop", downstream=Memory(), registry=registry)
    cache.get_or_load("k", lambda: 1, POLICY)
    assert 1 == len(_named(registry, "hybridcache_memory_entries"))
    del cache
    gc.collect()

    assert [] == _named(registry, "hybridcache_memory_entries")
    assert 1 == lookups(registry, "shop")


def _named(registry: CollectorRegistry, name: str) -> list[object]:
    return [
        sample
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name == name
    ]


def test_each_registry_shows_its_own_caches() -> None:
    """Caches of one registry are shown together, those of another apart."""
    first, second = CollectorRegistry(), CollectorRegistry()
    with (
        Cache(name="a", registry=first) as a,
        Cache(name="b", registry=first) as b,
        Cache(name="a", registry=second) as other,
    ):
        for cache in (a, a, b, other):
            cache.get_or_load("k", lambda: 1, POLICY)

    assert [2, 1] == [lookups(first, "a"), lookups(first, "b")]
    assert [1, 0] == [lookups(second, "a"), lookups(second, "b")]


def test_the_same_metric_of_somebody_else_is_an_error() -> None:
    """A registry that shows one of the names already refuses, each time."""
    registry = CollectorRegistry()
    theirs = Counter("hybridcache_evictions", "Not ours.", registry=registry)
    for _ in range(2):
        with pytest.raises(ValueError, match="Duplicated"):
            Cache(name="a", registry=registry)
    registry.unregister(theirs)
    with Cache(name="a", registry=registry) as cache:
        cache.get_or_load("k", lambda: 1, POLICY)

    assert 1 == lookups(registry, "a")


def test_all_names_are_described() -> None:
    """A registry knows every metric and its kind before anything happened."""
    registry = CollectorRegistry()
    with Cache(name="a", registry=registry):
        text = generate_latest(registry).decode()
        described = {
            f"# TYPE {name} {kind}"
            for kind, names in (
                ("counter", [f"{name}_total" for name in COUNTERS]),
                ("histogram", HISTOGRAMS),
                ("gauge", [gauge.name for gauge in GAUGES]),
            )
            for name in names
        }

        assert described == {
            line for line in text.splitlines() if line.startswith("# TYPE")
        }
        assert text.count("# HELP") == text.count("# TYPE")
        for name in (*COUNTERS, *HISTOGRAMS, *(gauge.name for gauge in GAUGES)):
            with pytest.raises(ValueError, match="Duplicated"):
                Counter(name, "Not ours.", registry=registry)


def _scrape_of(colour: Colour) -> CollectorRegistry:
    """Return a registry whose labels have what must be escaped."""
    cache = colour.make_cache(name='a "b"\n\\c', downstream=Memory())
    cache.get("k", lambda: 1, POLICY)
    cache.invalidate("k")
    return cache.registry


def test_a_scrape_is_well_formed(colour: Colour) -> None:
    """Both text formats can be made."""
    registry = _scrape_of(colour)

    assert b"hybridcache_memory_entries" in generate_latest(registry)
    openmetrics = generate_openmetrics(registry)  # type: ignore[no-untyped-call]
    assert openmetrics.endswith(b"# EOF\n")


PROMTOOL = shutil.which("promtool")


@pytest.mark.skipif(PROMTOOL is None, reason="needs promtool, which Prometheus brings")
def test_promtool_has_nothing_to_say_of_a_scrape(colour: Colour) -> None:
    """Prometheus' own check of names, units and help finds nothing."""
    assert PROMTOOL is not None
    checked = subprocess.run(
        [PROMTOOL, "check", "metrics"],
        input=generate_latest(_scrape_of(colour)),
        capture_output=True,
        check=False,
    )

    assert (0, b"", b"") == (checked.returncode, checked.stdout, checked.stderr)
