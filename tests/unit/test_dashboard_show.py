"""`make dashboard`, as far as it goes without Prometheus."""

import itertools
import os
import subprocess
import sys

from dashboard.build import ROOT
from dashboard.faults import NAMES, SCHEDULE, schedule

WITHIN = 60


def test_without_prometheus_it_says_what_to_install() -> None:
    """Where the program is missing, the message names the package."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-m", "dashboard"],
        capture_output=True,
        text=True,
        timeout=WITHIN,
        cwd=ROOT,
        env={"PATH": "/nowhere", "PYTHONPATH": path},
        check=False,
    )

    assert (1, "") == (done.returncode, done.stdout)
    assert "apt install prometheus" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_round_of_faults_follows_another() -> None:
    """Faults come in one order again and again, at the pace that is asked for."""
    two_rounds = list(itertools.islice(schedule(2), 2 * len(SCHEDULE)))

    assert NAMES * 2 == [fault.name for fault in two_rounds if fault.name]
    assert [fault.seconds / 2 for fault in SCHEDULE] * 2 == [
        fault.seconds for fault in two_rounds
    ]
    assert len(set(NAMES)) == len(NAMES)
