"""Interpreters that end while their caches are at work."""

import os
import subprocess
import sys
import time

import pytest

from hybridcache.testing.server import RedisServer
from tests.integration.faults.timing import Waits


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("how", ["threads", "tasks", "churn"])
def test_leaving_with_refreshes_running(
    own_redis: RedisServer, prefix: str, how: str, paused: bool, waits: Waits
) -> None:
    """The process ends at once, with code 0 and nothing on stderr, Redis up or hung."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.integration.faults.scripts.leaving",
            own_redis.url,
            prefix,
            how,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert "leaving\n" == process.stdout.readline()
        begun = time.perf_counter()
        if paused:
            own_redis.pause()
        _, stderr = process.communicate(timeout=20)
        waits.add(time.perf_counter() - begun)
        own_redis.resume()

    assert "" == stderr
    assert 0 == process.returncode
    waits.within(1.0)
