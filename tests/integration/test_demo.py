"""`hybridcache demo`, run as a user runs it."""

import os
import re
import signal
import subprocess
import sys

import psutil  # type: ignore[import-untyped]  # its stubs are a package apart
import pytest

from hybridcache.cli import main

DEMO = [sys.executable, "-m", "hybridcache.cli", "demo", "--seconds", "8"]
WITHIN = 60


@pytest.mark.slow
def test_piped_to_a_file_it_shows_all_acts_and_gives_an_account() -> None:
    """Piped, it writes plain lines of at most 80 columns, and every call succeeds."""
    done = subprocess.run(
        DEMO, capture_output=True, text=True, timeout=WITHIN, check=False
    )

    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout
    assert 80 >= max(map(len, done.stdout.splitlines()))
    shown, account = done.stdout.split("The account, after")
    assert ["1", "2", "3", "4", "5", "6"] == re.findall(
        r"^(\d)\. ", shown, re.MULTILINE
    )
    assert "1 load, 107 calls waited for it" in shown
    flat = " ".join(account.split())
    assert re.search(r"[\d,]{5,} calls, by 3 processes with 36 callers each", flat)
    assert re.search(r"[1-9]\d* loads \([\d.]+ s of searching\)", flat)
    assert re.search(r"[1-9][\d,]* seconds \(.+?\): without a cache", flat)
    assert re.search(r"It was stopped for [1-9][\d.]* s, under load", flat)
    assert re.search(r"[1-9]\d* that searched without Redis", flat)
    assert "0 calls raised; 0 values differed from a direct search" in flat


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_no_process_behind(signum: signal.Signals) -> None:
    """Ctrl-C, or a polite kill, ends the workers and the server too."""
    with subprocess.Popen(
        DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("1. "):
                break
        children = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signum)
        _, said = demo.communicate(timeout=WITHIN)

    assert 128 + signum == demo.returncode
    assert "Traceback" not in said
    assert "Stopped" in said
    assert 4 == len(children)
    assert not any(child.is_running() for child in children)


def test_without_rich_it_says_what_to_install() -> None:
    """Where rich is missing, the message names the extra."""
    hide = "import sys; sys.modules['rich'] = None; import hybridcache.cli as c;"
    done = subprocess.run(
        [sys.executable, "-c", f"{hide} sys.exit(c.main(['demo']))"],
        capture_output=True,
        text=True,
        timeout=WITHIN,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )

    assert 1 == done.returncode
    assert "pip install 'hybridcache[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("seconds", ["4", "31", "nan", "soon"])
def test_a_wrong_length_is_refused(
    seconds: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--seconds` takes 5 to 30."""
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--seconds", seconds])

    assert 2 == ended.value.code
    assert seconds in capsys.readouterr().err


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`hybridcache --version` names the program and the version."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert 0 == ended.value.code
    assert capsys.readouterr().out.startswith("hybridcache ")
