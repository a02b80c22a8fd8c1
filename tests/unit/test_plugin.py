"""The pytest plugin, in a run of its own as a user's project would have it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = """
import pytest
from hybridcache import Memory, Policy
from hybridcache.testing import assert_outcomes

POLICY = Policy(wait_for=5, fresh_for=60, ttl=3600)
events = []

def test_threads(hybrid_cache, scripted_upstream, manual_clock):
    assert scripted_upstream.clock is manual_clock
    here, there = hybrid_cache(), hybrid_cache(observer=events.append)
    here.get_or_load("k", int, POLICY)
    there.get_or_load("k", int, POLICY)
    scripted_upstream.refuse()
    there.get_or_load("l", int, POLICY)
    assert_outcomes(events, "hit-fresh", "upstream-down")
    events.append(there)

def test_tasks(hybrid_cache):
    import asyncio
    cache = hybrid_cache.for_tasks(downstream=Memory())
    async def load() -> int:
        return 1
    async def twice():
        return [await cache.outcome("k", load, POLICY) for _ in range(2)]
    assert_outcomes(asyncio.run(twice()), "miss", "hit-fresh")
    assert "closed" in repr(events[-1])

def test_server(redis_server):
    assert redis_server.running
"""


def test_the_fixtures(tmp_path: Path) -> None:
    """The plugin's fixtures work in a project that knows nothing of our tests."""
    (tmp_path / "test_project.py").write_text(PROJECT)
    plugin = ["-p", "hybridcache.testing.plugin"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", *plugin, tmp_path],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert "3 passed" in run.stdout, run.stdout + run.stderr
