"""The processes of the service: started, told their mood, ended."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from dashboard.mood import Mood
from dashboard.started import Started

ROOT: Final = Path(__file__).parents[1]
LEAVE_WITHIN = 10.0


class ProcessLost(RuntimeError):  # noqa: N818 (what happened, in two words)
    """A process of the service ended before it was told to."""


class Crew(Started):
    """Some processes. As a context manager it ends them, whatever happens.

    Each ends when its standard input does, so it does not outlive us either.

    Args:

        url: Where Redis is.

        count: How many processes there are.
    """

    def __init__(self, url: str, count: int) -> None:
        self._url = url
        self._count = count
        self._processes: list[subprocess.Popen[str]] = []
        self.ports: list[int] = []

    def _start(self) -> None:
        for seed in range(self._count):
            self._processes.append(self._launched(seed))
        self.ports += [self._port_of(process) for process in self._processes]

    def tell(self, mood: Mood) -> None:
        """Tell all of them their mood.

        Raises:

            ProcessLost: One of them is gone.
        """
        for process in self._processes:
            if process.stdin is None or process.poll() is not None:
                raise _lost(process)
            try:
                process.stdin.write(f"{mood.value}\n")
                process.stdin.flush()
            except OSError:
                raise _lost(process) from None

    def _launched(self, seed: int) -> subprocess.Popen[str]:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        return subprocess.Popen(  # noqa: S603 (our own module)
            [sys.executable, "-m", "dashboard.service", self._url, f"{seed}"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is for us; we end them ourselves.
            start_new_session=True,
        )

    @staticmethod
    def _port_of(process: subprocess.Popen[str]) -> int:
        said = process.stdout.readline() if process.stdout is not None else ""
        if not said.strip().isdigit():
            raise _lost(process)
        return int(said)

    def _end(self) -> None:
        for process in self._processes:
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()
        deadline = time.monotonic() + LEAVE_WITHIN
        for process in self._processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _lost(process: subprocess.Popen[str]) -> ProcessLost:
    code = process.poll()
    return ProcessLost(f"a process of the service ended early, exit code {code}")
