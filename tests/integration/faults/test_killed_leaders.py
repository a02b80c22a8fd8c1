"""Leaders killed with kill -9 at random points, and those who wait for them."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from hybridcache.engine.lease_requests import LEASE_MS
from hybridcache.engine.names import Names
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.faults.timing import Waits
from tests.integration.nodes import Colour

AT_ONCE = 10
# The leader's whole lookup takes about 30 ms: before, during and after it.
WITHIN = 0.04


def waits_for() -> str:
    """Make a value, where the leader made none."""
    return "waiter"


@contextmanager
def leaders(url: str, prefix: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the process that forks leaders."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.faults.scripts.leading", url, prefix],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _what_is_left(client: "redis.Redis", names: Names) -> str:
    """Say how far a leader came."""
    if client.exists(names.entry):
        return "an entry"
    return "a lease" if client.exists(names.lease) else "nothing"


@pytest.mark.parametrize(
    "kills", [10, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(300)])]
)
def test_killed_at_random_points(
    node: MakeNode,
    colour: Colour,
    redis_url: str,
    prefix: str,
    client: "redis.Redis",
    kills: int,
    waits: Waits,
) -> None:
    """Who waits gets the leader's value or makes one, when the lease ends at last."""
    dice = random.Random(kills)
    one = node(redis_url, timeout=2).subscribed()
    left: Counter[str] = Counter()
    with leaders(redis_url, prefix) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for batch in range(kills // AT_ONCE):
            running = []
            for number in range(AT_ONCE):
                process.stdin.write(f"{colour}-{batch}.{number}\n")
                process.stdin.flush()
                key, _, pid = process.stdout.readline().rstrip().rpartition(" ")
                names = one.names(key)
                until = time.perf_counter() + dice.random() * WITHIN
                # Asked by us and not by the waiter, who would lead instead.
                while time.perf_counter() < until:
                    client.exists(names.lease)
                os.kill(int(pid), signal.SIGKILL)
                left[_what_is_left(client, names)] += 1
                running.append((time.perf_counter(), key, one.begin(key, waits_for)))
            for begun, key, future in running:
                outcome = future.result(20)
                waits.add(time.perf_counter() - begun)
                assert outcome.value in {"leader", "waiter"}
                assert "upstream-down" != outcome.tag
                assert outcome.value == one.outcome(key, waits_for).value
    # Most die in mid-load: their leases are what is waited for.
    assert kills == left.total()
    assert left["a lease"] > 0
    eventually(lambda: not client.keys(f"{prefix}*:lease"))
    waits.within(LEASE_MS / 1000)
