"""What each event adds to which slots."""

import mmap
import threading
from collections.abc import Mapping
from itertools import chain
from typing import get_args

from hybridcache import (
    Event,
    InvalidationDone,
    LoadEnded,
    LookedUp,
    LookupFailed,
    Reason,
    RefreshEnded,
    Scope,
    StoreEnded,
    Tier,
    UndecodableFound,
    UpstreamAsked,
    WaitEnded,
)
from hybridcache.engine import figures as machine
from hybridcache.engine.figures import Figures
from hybridcache.engine.metrics import AGES, METRICS, SECONDS, WAIT_SECONDS
from hybridcache.engine.rows import Count


def _counted(*events: Event) -> Mapping[tuple[str, ...], float]:
    """Give every slot that is not zero, by metric, part, labels and bound."""
    figures = Figures(threading.Lock())
    for event in events:
        figures.take(event)
    counted = {}
    for row in figures.rows():
        for sample, value in zip(row.samples, row.slots, strict=True):
            if value:
                bound = () if sample.bound is None else (sample.bound,)
                name = sample.metric.name.removeprefix("hybridcache_")
                counted[name, sample.part, *sample.labels, *bound] = value
    return counted


def test_each_event_is_counted_under_its_labels() -> None:
    """One event of each kind makes one count, and its seconds are in the sum."""
    counted = _counted(
        LookedUp("c", "f", "miss", Tier.LOADER, None, 0.2),
        LoadEnded("c", "f", "stored", 0.04),
        WaitEnded("c", Scope.CLUSTER, 3.0),
        UpstreamAsked("c", "read", "ok", 0.0003),
        RefreshEnded("c", "adopted"),
        StoreEnded("c", Tier.REDIS, "lost"),
        UndecodableFound("c", "shape"),
        InvalidationDone("c", "local"),
        InvalidationDone("c", "remote"),
        InvalidationDone("c", "remote"),
    )

    assert {
        ("lookup_seconds", "bucket", "c", "miss", "0.25"): 1,
        ("lookup_seconds", "sum", "c", "miss"): 0.2,
        ("load_seconds", "bucket", "c", "stored", "0.05"): 1,
        ("load_seconds", "sum", "c", "stored"): 0.04,
        ("wait_seconds", "bucket", "c", "cluster", "5.0"): 1,
        ("wait_seconds", "sum", "c", "cluster"): 3.0,
        ("upstream_seconds", "bucket", "c", "read", "ok", "0.0005"): 1,
        ("upstream_seconds", "sum", "c", "read", "ok"): 0.0003,
        ("refreshes", "total", "c", "adopted"): 1,
        ("stores", "total", "c", "redis", "lost"): 1,
        ("undecodable", "total", "c", "shape"): 1,
        ("invalidations", "total", "c", "local"): 1,
        ("invalidations", "total", "c", "remote"): 2,
    } == counted


def test_hits_in_memory_are_not_timed() -> None:
    """Memory hits have no seconds; stale ones, and those in Redis, have an age."""
    counted = _counted(
        LookedUp("c", "f", "hit-fresh", Tier.MEMORY, 7.0, 9.0),
        LookedUp("c", "f", "hit-stale", Tier.MEMORY, 70.0, 9.0),
        LookedUp("c", "f", "hit-stale", Tier.REDIS, 90.0, 0.25),
        LookedUp("c", "f", "hit-fresh", Tier.REDIS, 0.1, 0.125),
    )

    assert {
        ("lookup_seconds", "bucket", "c", "hit-stale", "0.25"): 1,
        ("lookup_seconds", "sum", "c", "hit-stale"): 0.25,
        ("lookup_seconds", "bucket", "c", "hit-fresh", "0.25"): 1,
        ("lookup_seconds", "sum", "c", "hit-fresh"): 0.125,
        ("served_age_seconds", "bucket", "c", "hit-stale", "300.0"): 2,
        ("served_age_seconds", "sum", "c", "hit-stale"): 160.0,
        ("served_age_seconds", "bucket", "c", "hit-fresh", "0.1"): 1,
        ("served_age_seconds", "sum", "c", "hit-fresh"): 0.1,
    } == counted


def test_a_bucket_takes_its_own_bound() -> None:
    """A value equal to a bound is in that bucket; beyond the last it is in +Inf."""
    for at, bound in enumerate(SECONDS):
        figures = Figures(threading.Lock())
        figures.measure(WAIT_SECONDS, ("c", "process"), bound)
        figures.measure(WAIT_SECONDS, ("c", "process"), bound * 1.0001)
        (row,) = figures.rows()

        assert [1.0, 1.0] == list(row.slots)[at : at + 2]
        assert 2 == sum(list(row.slots)[:-1])


def test_bounds_reach_from_a_fast_redis_to_a_slow_loader() -> None:
    """Seconds reach from 50 us to a minute, ages from 0.1 s to a day, ascending."""
    assert (50e-6, 60.0, 0.1, 86400.0) == (SECONDS[0], SECONDS[-1], AGES[0], AGES[-1])
    assert all(list(bounds) == sorted(set(bounds)) for bounds in (SECONDS, AGES))


def test_every_kind_of_event_has_its_place() -> None:
    """Nothing that can happen is counted nowhere; failures are in the tally."""
    kinds = set(get_args(Event))

    assert kinds - {LookupFailed} == set(machine._COUNTS)
    assert {} == _counted(LookupFailed("c", "f", Reason.LOADER))


def test_names_follow_the_rules_of_prometheus() -> None:
    """Names say the base unit, a histogram ends in it, and each has a help text."""
    for metric in METRICS:
        assert metric.name.startswith("hybridcache_")
        assert metric.name.endswith("_seconds") == bool(metric.bounds)
        assert metric.help.endswith(".")
        assert "cache" == metric.labels[0]
        assert not {"key", "le", "quantile"} & set(metric.labels)


def test_counts_of_many_threads_are_exact() -> None:
    """Adding to a slot is never interrupted, in a list as in a view of a file."""
    memory = mmap.mmap(-1, 4096)
    counts = [Count(WAIT_SECONDS, ("c", str(number))) for number in range(2)]
    counts[1].slots = memoryview(memory).cast("d")[8:64:8]
    start = threading.Barrier(4)

    def work() -> None:
        start.wait(10)
        for _ in range(20_000):
            counts[0].add()
            counts[1].add()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    shown = chain(*(row.slots for row in counts))
    assert [80_000, 80_000] == [value for value in shown if value]
