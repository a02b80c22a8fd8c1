"""A process forks again and again while all its threads are at it."""

import json
import os
import subprocess
import sys

from tests.integration.faults.timing import Waits

FORKS = 6


def test_fork_under_load(redis_url: str, prefix: str, waits: Waits) -> None:
    """No child hangs on a lock or a load of its parent's; the parent goes on."""
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.integration.faults.scripts.forking_under_load",
            redis_url,
            prefix,
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert "" == ended.stderr
    said = json.loads(ended.stdout)
    assert [] == said["errors"]
    assert [float] * FORKS == [type(one) for one in said["children"]]
    assert len(said["waits"]) > FORKS
    for wait in (*said["children"], *said["waits"]):
        waits.add(wait)
    waits.usually(0.05)
    # A child that ended in mid-refresh leaves its lease behind.
    waits.within(3.0)
