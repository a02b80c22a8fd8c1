"""Metrics of a pool of processes, added up by prometheus-client's own collector."""

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import attrs
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from tests.eventually import eventually
from tests.integration.worker.counting import THREADS
from tests.scraped import Shown, lookups, scraped

HITS = 2_500
WORKERS = 4
FUNCTION = "__main__.item"


@attrs.define
class Pool:
    """Processes that count in one directory."""

    directory: Path
    _stack: ExitStack

    def start(self, *, forks: int) -> "subprocess.Popen[str]":
        """Start a process that forks so many workers, or is one."""
        module = "tests.integration.worker.counting"
        return self.run("-m", module, str(forks), str(HITS))

    def run(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start Python in the pool's directory."""
        started = subprocess.Popen(
            [sys.executable, *arguments],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "PROMETHEUS_MULTIPROC_DIR": str(self.directory),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._stack.enter_context(started)
        self._stack.callback(started.kill)
        return started

    @property
    def registry(self) -> CollectorRegistry:
        """What any process of the pool would show."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self.directory))  # type: ignore[no-untyped-call]
        return registry

    def shown(self, metric: str) -> Shown:
        """Return what the pool shows of a metric, but for zeros."""
        read: list[Shown] = []

        def scrape() -> bool:
            # A file that prometheus-client is about to make is empty for a moment.
            with suppress(struct.error):
                read.append(scraped(self.registry, f"hybridcache_{metric}", "pool"))
            return bool(read)

        eventually(scrape)
        return read[0]


@pytest.fixture(name="pool")
def _pool(tmp_path: Path) -> Iterator[Pool]:
    """A pool whose processes end with the test."""
    with ExitStack() as stack:
        yield Pool(tmp_path, stack)


def _done(process: "subprocess.Popen[str]") -> int:
    """Wait until a worker has done its work; return its process id."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def _dead(pid: int) -> bool:
    """Whether a process is gone, or only its parent has yet to hear of it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_forked_workers_add_up_also_when_one_is_killed(pool: Pool) -> None:
    """What each worker counts is there to the last count; none counts its parent's."""
    parent = pool.start(forks=WORKERS)
    pids = [_done(parent) for _ in range(WORKERS)]
    eventually(lambda: pool.shown("memory_entries") == {(): 5 * WORKERS + 1})
    os.kill(pids[0], signal.SIGKILL)
    eventually(lambda: _dead(pids[0]))
    mark_process_dead(pids[0], str(pool.directory))  # type: ignore[no-untyped-call]
    eventually(lambda: pool.shown("memory_entries") == {(): 5 * (WORKERS - 1) + 1})
    for pid in pids[1:]:
        os.kill(pid, signal.SIGTERM)
    parent.wait(20)

    assert {
        (FUNCTION, "hit-fresh", "memory"): WORKERS * THREADS * HITS + 2,
        (FUNCTION, "miss", "loader"): 6 * WORKERS + 1,
    } == pool.shown("lookups_total")
    assert {(FUNCTION, "loader"): WORKERS} == pool.shown("lookup_failures_total")
    loads = {("stored",): 6 * WORKERS + 1, ("error",): WORKERS}
    assert loads == pool.shown("load_seconds_count")
    assert {("miss",): 6 * WORKERS + 1} == pool.shown("lookup_seconds_count")
    assert {("stored", "memory"): 6 * WORKERS + 1} == pool.shown("stores_total")
    # Each worker inherits the parent's entry besides its own six.
    assert {("size",): 2 * WORKERS} == pool.shown("evictions_total")
    assert {} == pool.shown("memory_entries")


def test_spawned_workers_add_up_also_when_one_is_killed(pool: Pool) -> None:
    """Processes that begin on their own add up like those that were forked."""
    workers = [pool.start(forks=0) for _ in range(WORKERS)]
    for worker in workers:
        assert _done(worker) == worker.pid
    workers[0].kill()
    for worker in workers[1:]:
        worker.terminate()
    for worker in workers:
        worker.wait(20)

    assert {
        (FUNCTION, "hit-fresh", "memory"): WORKERS * THREADS * HITS,
        (FUNCTION, "miss", "loader"): 6 * WORKERS,
    } == pool.shown("lookups_total")
    assert {("size",): WORKERS} == pool.shown("evictions_total")
    assert WORKERS * (THREADS * HITS + 7) == lookups(pool.registry, "pool")
    buckets = pool.shown("load_seconds_bucket")
    assert 6 * WORKERS == buckets["+Inf", "stored"]
    ascending = [
        (float(bound), count)
        for (bound, result), count in buckets.items()
        if result == "stored"
    ]
    counts = [count for _, count in sorted(ascending)]
    assert counts == sorted(counts)
    assert b"# HELP hybridcache_load_seconds" in generate_latest(pool.registry)


BYSTANDER = """
import os, signal, sys
from prometheus_client import Counter
from hybridcache import Cache, Memory, Policy

theirs = Counter("theirs", "Somebody else's.")
url, prefix = sys.argv[1:]
with Cache(name="pool", prefix=prefix, upstream=url, downstream=Memory()) as cache:
    cache.get_or_load("k", lambda: 1, Policy(fresh_for=60, ttl=60))
    sys.stdin.readline()
    child = os.fork()
    if child == 0:
        theirs.inc()
        print(os.getpid(), flush=True)
        signal.pause()
    os.waitpid(child, 0)
"""


def test_a_forked_child_that_counts_nothing_raises_no_alarm(
    pool: Pool, redis_url: str, prefix: str
) -> None:
    """What it inherits says nothing bad, though it writes metrics of somebody else's."""
    parent = pool.run("-c", BYSTANDER, redis_url, prefix)
    eventually(lambda: pool.shown("upstream_up") == {(): 1.0})
    eventually(lambda: pool.shown("blind") == {})
    assert parent.stdin is not None
    parent.stdin.write("\n")
    parent.stdin.flush()
    pid = _done(parent)

    assert (pool.directory / f"gauge_livemin_{pid}.db").exists()
    eventually(lambda: pool.shown("upstream_up") == {(): 1.0})
    assert {} == pool.shown("blind")
    os.kill(pid, signal.SIGKILL)
    assert 0 == parent.wait(20)
