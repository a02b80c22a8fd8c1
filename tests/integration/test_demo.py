"""`hybridcache demo`, run as a user runs it: its rows, lines and account agree."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter

import psutil  # type: ignore[import-untyped]  # its stubs are a package apart
import pytest

from hybridcache.cli import main
from hybridcache.demo.board import Board
from hybridcache.demo.messages import Report
from hybridcache.demo.tally import TAGS, Tally

DEMO = [sys.executable, "-m", "hybridcache.cli", "demo", "--seconds", "8"]
WITHIN = 60

ACTS = (
    "cold key",
    "stale hits",
    "refresh",
    "invalidation",
    "Redis stopped",
    "Redis back",
)
TITLE = re.compile(r"^\d\. (.+?): ", re.MULTILINE)
ROW = re.compile(r"^ *\d+ s (.{13})((?: +[\d,]+){6})$", re.MULTILINE)


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
    _, *told = TITLE.split(shown)
    acts = dict(zip(told[::2], told[1::2], strict=True))
    assert ACTS == tuple(acts)
    # One load, but on a machine so slow that its value is old before the act ends.
    waited = re.search(r"-> \d+ loads?, (\d+) calls waited for it", acts["cold key"])
    assert waited is not None
    assert 105 <= int(waited[1])
    assert "this caller's own load made the value" in " ".join(acts["refresh"].split())
    assert "all is loaded anew" in " ".join(acts["Redis back"].split())
    check_sums(acts, account)
    flat = " ".join(account.split())
    assert re.search(r"[\d,]{5,} calls, by 3 processes with 36 callers each", flat)
    assert re.search(r"\([\d.]+ s of searching\)", flat)
    assert re.search(
        r"[1-9][\d,]* seconds of callers' time: [\d,]+ calls were served without a load"
        r" of about [\d.]+ m?s each",
        flat,
    )
    assert re.search(r"It was stopped for [1-9][\d.]* s, under load", flat)
    assert re.search(r"[1-9]\d* that searched without Redis", flat)
    assert "0 calls raised; 0 values differed from a direct search" in flat


def check_sums(acts: dict[str, str], account: str) -> None:
    """Every call is in one row of its act, and every load in one act's line."""
    rows: Counter[str] = Counter()
    loads = 0
    for act, text in acts.items():
        found = ROW.findall(text)
        assert {act} == {name.strip() for name, _ in found}
        for _, cells in found:
            *calls, errors = map(number, cells.split())
            assert 0 == errors
            rows.update(dict(zip(TAGS, calls, strict=True)))
        (line,) = re.findall(r"-> ([\d,]+) loads?\b", text)
        loads += number(line)

    table = {
        tag: number(count)
        for tag, count in re.findall(
            r"^ {6}([a-z-]+) +([\d,]+)(?: |$)", account, re.MULTILINE
        )
    }
    assert table == rows
    (called,) = re.findall(r"^Calls\n +([\d,]+) calls", account, re.MULTILINE)
    assert number(called) == rows.total()
    (loaded,) = re.findall(r"^Loads\n +([\d,]+) loads", account, re.MULTILINE)
    assert number(loaded) == loads


def number(text: str) -> int:
    """Read a number with commas."""
    return int(text.replace(",", ""))


def test_a_row_holds_what_no_row_of_its_act_had() -> None:
    """A call that is reported after the next act began is in a row of its own act."""
    board = Board(1)
    first, late, second = Tally(), Tally(), Tally()
    first.add("miss", 1.0)
    late.add("suppressed", 1.0)
    second.add("hit-fresh", 0.0)

    board.record([Report(0, {1: first}, earliest=1)])
    assert [{"miss": 1}] == board.next_row(1)
    board.record([Report(0, {1: late, 2: second}, earliest=2)])
    assert [{"suppressed": 1}] == board.next_row(1)
    assert [{"hit-fresh": 1}] == board.next_row(2)
    assert [{}] == board.next_row(1)


def test_an_act_is_over_when_every_process_has_counted_its_calls() -> None:
    """One process that still waits for a call of the act keeps it open."""
    board = Board(2)

    board.record([Report(0, {}, earliest=2), Report(1, {}, earliest=1)])
    assert not board.is_over(1)
    board.record([Report(1, {}, earliest=2)])
    assert board.is_over(1)


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


def test_without_a_command_it_says_which_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`hybridcache` alone is a mistake, answered with the help and exit code 2."""
    assert 2 == main([])

    said = capsys.readouterr()
    assert "" == said.out
    assert "demo" in said.err
    assert "see it work" in said.err


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`hybridcache --version` names the program and the version."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert 0 == ended.value.code
    assert capsys.readouterr().out.startswith("hybridcache ")
