"""A process that forks while its caches are at work."""

import json
import os
import subprocess
import sys


def test_children_start_anew(redis_url: str, prefix: str) -> None:
    """A forked child has its own keeper, no locked lock, and its parent's memory."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.integration.worker.forking", redis_url, prefix],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "" == ended.stderr
    said = json.loads(ended.stdout)
    child = {
        "warm": True,
        "made": True,
        "async": True,
        "keepers": 1,
        "own origin": True,
    }
    assert [child] * 5 == said["children"]
    assert (3, True) == (said["after"], said["whole"])
