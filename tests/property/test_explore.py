"""Tests of the runs of many schedules."""

import os
import subprocess
import sys

import pytest

from hybridcache.testing import explore


def test_a_run_goes_on_after_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each violation of a range is told, with the expression that replays it."""
    monkeypatch.setattr(
        "hybridcache.engine.poison.PoisonRegistry.close", lambda *_: None
    )

    lookups, found = explore.run(range(3))

    assert lookups > 0
    assert 3 == len(found)
    assert all(one.splitlines()[-1].startswith("Cluster(") for one in found)


def test_a_seed_is_one_run_in_every_process() -> None:
    """What a worker found replays elsewhere, whatever Python's hashes of strings are."""
    code = (
        "from hybridcache.testing import Cluster\n"
        "from hybridcache.testing.workload import SMALL\n"
        "print(*(Cluster(seed=seed, workload=SMALL).run().happenings"
        " for seed in (28, 42)))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert runs[0] == runs[1]
    assert b"LookupEnded" in runs[0]


def test_how_far_it_is_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A long run prints now and then how many schedules there were."""
    monkeypatch.setattr(explore, "PROGRESS_EVERY", 0.0)

    status = explore.main(["--seeds", "0:2", "--processes", "1"])

    progress, total = capsys.readouterr().out.splitlines()
    assert 0 == status
    assert progress.startswith("2 schedules, ")
    assert total.startswith("2 schedules from seed 0 in ")
    assert total.endswith(" 0 violations")
