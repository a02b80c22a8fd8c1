"""The demo from beginning to end, and the clean end of it whatever happens."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hybridcache.demo.account import Account
from hybridcache.demo.acts import FRESH_FOR, LENGTH, STOPPED, WORDS, Stage
from hybridcache.demo.board import Board
from hybridcache.demo.crew import Crew, WorkerLost
from hybridcache.demo.messages import Start
from hybridcache.demo.screen import Screen, screen
from hybridcache.demo.search import Found, search
from hybridcache.testing.server import RedisServer, ServerUnavailable

PROCESSES = 3
CALLERS = 36
PAUSE = 0.025

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or a signal that asks to end."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.exit_code = 128 + signum


def run(length: float = LENGTH) -> int:
    """Run the demo, its acts for *length* seconds in all; return the exit code."""
    try:
        with _interruptible():
            return _run(length)
    except Interrupted as interrupted:
        print("\nStopped: the processes and the server have ended.", file=sys.stderr)
        return interrupted.exit_code
    except (ServerUnavailable, WorkerLost) as error:
        print(f"hybridcache demo: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who read our output has seen enough; nothing more can be written there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(length: float) -> int:
    started = time.monotonic()
    show = screen()
    with RedisServer() as server:
        show.say(
            "hybridcache demo: searching the standard library's source for a word,"
            " through memory and a real Redis."
        )
        expected, search_seconds = _search_directly(show)
        speed = LENGTH / length
        starts = [
            Start(process, server.url, CALLERS, PAUSE, FRESH_FOR / speed, expected)
            for process in range(PROCESSES)
        ]
        board = Board(PROCESSES)
        with Crew(starts) as crew, show:
            stage = Stage(crew, server, show, board, CALLERS, speed)
            stage.play()
    total = board.total()
    account = Account(
        total=total,
        stopped=board.act(STOPPED),
        away=stage.away,
        search_seconds=search_seconds,
        processes=PROCESSES,
        callers=CALLERS,
        took=time.monotonic() - started,
    )
    show.say(f"\n{account.text()}")
    return 1 if total.errors else 0


def _search_directly(show: Screen) -> tuple[dict[str, Found], float]:
    """Call the search itself: the values to check against, and what one call takes."""
    expected: dict[str, Found] = {}
    started = time.monotonic()
    for word in WORDS:
        expected[word] = search(word)
    seconds = (time.monotonic() - started) / len(WORDS)
    files = next(iter(expected.values())).files
    found = ", ".join(f'"{word}" {found.count:,}' for word, found in expected.items())
    show.say(f"   A direct search of {files:,} files: {seconds:.2f} s. Found: {found}.")
    return expected, seconds


@contextmanager
def _interruptible() -> Iterator[None]:
    """Have the first signal that asks to end raise, and the next ones do nothing.

    So the clean-up is not itself interrupted.
    """

    def interrupt(signum: int, _: FrameType | None) -> None:
        for ending in ENDING:
            signal.signal(ending, signal.SIG_IGN)
        raise Interrupted(signum)

    before = {ending: signal.signal(ending, interrupt) for ending in ENDING}
    try:
        yield
    finally:
        for ending, handler in before.items():
            signal.signal(ending, handler)
