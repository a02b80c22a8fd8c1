"""`make soak`'s load with faults, run for a moment so that it cannot rot."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

BRIEF = ["--seconds", "3", "--every", "0.4", "--workers", "2", "--rate", "1000"]
WITHIN = 60
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_moment_of_load_with_faults() -> None:
    """A moment of it finds nothing wrong, and says what it looked at."""
    done = subprocess.run(
        [sys.executable, "-m", "soak.load", "--seed", "5", *BRIEF],
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
        cwd=ROOT,
    )

    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert re.search(r"[\d,]+ lookups in \d+ s", done.stdout)
    assert re.search(r"[1-9] faults", done.stdout)
    assert done.stdout.endswith("0 thing(s) wrong\n")
