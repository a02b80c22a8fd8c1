"""`make dashboard`, as far as it goes without Prometheus."""

import itertools
import os
import re
import subprocess
import sys
import threading
from typing import IO

import pytest

from dashboard.__main__ import main
from dashboard.build import ROOT
from dashboard.faults import NAMES, SCHEDULE, schedule
from hybridcache.testing.server import RedisServer

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


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--pace", "0"), "argument --pace: must be a number above 0, not 0"),
        (("--pace", "nan"), "argument --pace: must be a number above 0, not nan"),
        (("--seconds", "-3"), "argument --seconds: must be a number above 0, not -3"),
        (("--port", "70000"), "argument --port: must be from 0 (a free one) to 65535"),
    ],
)
def test_wrong_options(
    option: tuple[str, str],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An option that makes no sense is wrong usage, in one line that says why."""
    monkeypatch.setattr(sys, "argv", ["dashboard", *option])
    with pytest.raises(SystemExit) as ended:
        main()

    assert 2 == ended.value.code
    assert told in capsys.readouterr().err


def test_the_service_logs_what_operators_would_see(own_redis: RedisServer) -> None:
    """A process of the service logs from INFO on, each line with its time."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    service = subprocess.Popen(
        [sys.executable, "-m", "dashboard.service", own_redis.url, "1"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert service.stderr is not None
    at_the_latest = threading.Timer(WITHIN, service.kill)
    at_the_latest.start()
    try:
        own_redis.kill()
        down = _line_of(service.stderr, "does without Redis")
        own_redis.start()
        up = _line_of(service.stderr, "uses Redis again")
    finally:
        service.communicate(timeout=WITHIN)
        at_the_latest.cancel()

    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ WARNING cache ", down)
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ INFO cache ", up)


def _line_of(stream: IO[str], text: str) -> str:
    """Read on to the first line with that text."""
    return next(line for line in stream if text in line)


def test_a_round_of_faults_follows_another() -> None:
    """Faults come in one order again and again, at the pace that is asked for."""
    two_rounds = list(itertools.islice(schedule(2), 2 * len(SCHEDULE)))

    assert NAMES * 2 == [fault.name for fault in two_rounds if fault.name]
    assert [fault.seconds / 2 for fault in SCHEDULE] * 2 == [
        fault.seconds for fault in two_rounds
    ]
    assert len(set(NAMES)) == len(NAMES)
