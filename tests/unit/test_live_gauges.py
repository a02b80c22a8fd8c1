"""The thread that says how a process of a pool stands."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hybridcache.adapters.prometheus.live import LiveGauges
from hybridcache.engine.gauges import (
    FLIGHTS,
    MEMORY_ENTRIES,
    UPSTREAM_UP,
    Gauge,
)
from tests.amid import Amid, amid_making, amid_start
from tests.colours import Colour
from tests.eventually import eventually
from tests.parts import Opened, memory_tier, node_of


def _value(gauges: LiveGauges, gauge: Gauge) -> float | None:
    """Return what a gauge says of the cache ``c``, if anything."""
    for metric in gauges._gauges[gauge].collect():
        for sample in metric.samples:
            if sample.labels["cache"] == "c":
                return float(sample.value)
    return None


def _threads() -> int:
    return sum(one.name == "hybridcache-gauges" for one in threading.enumerate())


def test_gauges_follow_a_cache_from_its_first_event_to_its_end() -> None:
    """One thread sets them while a cache is open, and ends with the last."""
    gauges = LiveGauges("/nowhere")
    node = node_of(memory_tier(), redis=True)
    caches = [Opened("c", node), Opened("d", node)]
    for cache in caches:
        gauges.watch(cache)
    assert (0, None) == (_threads(), _value(gauges, FLIGHTS))

    for _ in range(3):
        gauges.ensure()
    eventually(lambda: _value(gauges, FLIGHTS) == 0.0)
    assert (1, 1.0) == (_threads(), _value(gauges, UPSTREAM_UP))

    node.join(node.flights, "k", b"f", now=0.0, owned_for=9.0)
    eventually(lambda: _value(gauges, FLIGHTS) == 1.0)

    caches[0].closed = True
    gauges.ended()
    assert (0.0, 1.0) == (_value(gauges, FLIGHTS), _value(gauges, UPSTREAM_UP))
    assert 1 == _threads()

    caches[1].closed = True
    gauges.ended()
    gauges.ended()
    assert 0 == _threads()


@pytest.mark.parametrize("amid", [amid_making, amid_start])
def test_a_count_from_a_signal_handler(
    amid: Amid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts while the thread is started neither hangs nor starts another."""
    gauges = LiveGauges("/nowhere")
    cache = Opened("c", node_of(None, redis=True))
    gauges.watch(cache)
    amid(monkeypatch, "hybridcache-gauges", gauges.ensure)
    Colour("sync").start(gauges.ensure).result(5)
    assert 1 == _threads()

    cache.closed = True
    gauges.ended()
    assert 0 == _threads()


@pytest.mark.parametrize("amid", [amid_making, amid_start])
def test_an_end_from_a_signal_handler(
    amid: Amid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last cache closed while the thread is started ends it, and does not hang."""
    gauges = LiveGauges("/nowhere")
    cache = Opened("c", node_of(None, redis=True))
    gauges.watch(cache)

    def close() -> None:
        cache.closed = True
        gauges.ended()

    amid(monkeypatch, "hybridcache-gauges", close)
    Colour("sync").start(gauges.ensure).result(5)

    eventually(lambda: not _threads())


def test_a_closed_cache_holds_no_other_down() -> None:
    """What was shown once and is gone says nothing bad, also in a fork's child."""
    gauges = LiveGauges("/nowhere")
    node = node_of(None, redis=True)
    first, second = Opened("c", node), Opened("d", node_of(None, redis=True))
    gauges.watch(first)
    gauges.watch(second)
    gauges.ensure()
    eventually(lambda: _value(gauges, UPSTREAM_UP) == 1.0)
    first.closed = True
    gauges.ended()
    # What prometheus-client does there.
    gauges._gauges[UPSTREAM_UP].labels("c").set(0.0)

    eventually(lambda: _value(gauges, UPSTREAM_UP) == 1.0)
    second.closed = True
    gauges.ended()


def test_a_cache_that_nobody_closed_ends_the_thread() -> None:
    """A cache is not kept alive for its gauges."""
    gauges = LiveGauges("/nowhere")
    cache = Opened("c", node_of(memory_tier(), redis=False))
    gauges.watch(cache)
    gauges.ensure()
    eventually(lambda: _value(gauges, MEMORY_ENTRIES) == 0.0)
    del cache
    eventually(lambda: not _threads())


def test_a_child_of_a_fork_starts_a_thread_of_its_own() -> None:
    """The thread is not there after a fork, and the next event starts it."""
    gauges = LiveGauges("/nowhere")
    cache = Opened("c", node_of(None, redis=False))
    gauges.watch(cache)
    gauges.ensure()
    eventually(lambda: _value(gauges, FLIGHTS) == 0.0)
    gauges.forked()
    gauges.ensure()
    assert 2 == _threads()

    cache.closed = True
    gauges.ended()
    eventually(lambda: not _threads())


def test_a_child_that_counts_nothing_says_nothing_bad(tmp_path: Path) -> None:
    """It writes no gauges by itself; where it has some, they are as of a closed cache."""
    gauges = LiveGauges(str(tmp_path))
    node = node_of(None, redis=True)
    node.join(node.flights, "k", b"f", now=0.0, owned_for=9.0)
    cache = Opened("c", node)
    gauges.watch(cache)
    gauges.ensure()
    eventually(lambda: _value(gauges, FLIGHTS) == 1.0)
    gauges.forked()
    # What prometheus-client does there.
    gauges._gauges[UPSTREAM_UP].labels("c").set(0.0)

    assert gauges._turn()
    assert 0.0 == _value(gauges, UPSTREAM_UP)
    (tmp_path / f"gauge_livemin_{os.getpid()}.db").touch()
    eventually(lambda: _value(gauges, UPSTREAM_UP) == 1.0)
    eventually(lambda: _value(gauges, FLIGHTS) == 0.0)
    gauges.ensure()
    eventually(lambda: _value(gauges, FLIGHTS) == 1.0)
    cache.closed = True
    gauges.ended()
    eventually(lambda: not _threads())


SCRIPT = """
from hybridcache import Cache, Memory, Policy
cache = Cache(name="c", downstream=Memory())
for _ in range(3):
    print(cache.get_or_load("k", lambda: 1, Policy(fresh_for=60, ttl=60)))
cache.close()
"""


def test_a_directory_that_is_gone_fails_no_lookup(tmp_path: Path) -> None:
    """Where nothing can be written, lookups and closing go on; it is said once each."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "gone"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (0, "1\n1\n1\n") == (ended.returncode, ended.stdout)
    assert 2 == ended.stderr.count("said once")
