"""The demo's worker processes: started, told, heard and ended."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from hybridcache.demo.messages import Command, Leave, Message, Start

LEAVE_WITHIN = 6.0


class WorkerLost(RuntimeError):  # noqa: N818 (what happened, in two words)
    """A worker process ended before it was told to."""


class Crew:
    """Some worker processes. As a context manager it ends them, whatever happens.

    Each is in a session of its own, so that Ctrl-C reaches the demo alone, and has
    one end of a pipe, so that it ends when the demo is killed.
    """

    def __init__(self, starts: Sequence[Start]) -> None:
        self._starts = starts
        self._processes: list[subprocess.Popen[bytes]] = []
        self._pipes: list[Connection[Command, Message]] = []

    def __enter__(self) -> Self:
        try:
            for start in self._starts:
                self._launch(start)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def _launch(self, start: Start) -> None:
        mine: Connection[Command, Message]
        mine, theirs = Pipe()
        self._pipes.append(mine)
        with theirs:
            number = theirs.fileno()
            self._processes.append(
                subprocess.Popen(  # noqa: S603 (our own module)
                    # -P: what lies in the current directory is none of its business.
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "hybridcache.demo.worker",
                        f"{number}",
                    ],
                    env=os.environ | {"PYTHONPATH": os.pathsep.join(_import_path())},
                    pass_fds=[number],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        mine.send(start)

    def tell(self, command: Command, *, process: int | None = None) -> None:
        """Send *command* to one process, or to all."""
        for number, pipe in enumerate(self._pipes):
            if process is None or process == number:
                try:
                    pipe.send(command)
                except OSError:
                    raise self._lost(number) from None

    def hear(self, timeout: float) -> list[Message]:
        """Return what they sent, waiting up to *timeout* for the first message."""
        messages: list[Message] = []
        for ready in wait(self._pipes, timeout):
            for number, pipe in enumerate(self._pipes):
                if pipe is ready:
                    try:
                        messages.append(pipe.recv())
                    except (EOFError, OSError):
                        raise self._lost(number) from None
        return messages

    def leave(self) -> list[Message]:
        """Tell all to end; return their last messages once they have."""
        self.tell(Leave())
        messages: list[Message] = []
        deadline = time.monotonic() + LEAVE_WITHIN
        for number, pipe in enumerate(self._pipes):
            try:
                while pipe.poll(max(0.0, deadline - time.monotonic())):
                    messages.append(pipe.recv())
            except (EOFError, OSError):
                continue
            msg = f"worker process {number + 1} did not end within {LEAVE_WITHIN} s"
            raise WorkerLost(msg)
        return messages

    def _lost(self, number: int) -> WorkerLost:
        try:
            code: object = self._processes[number].wait(1.0)
        except subprocess.TimeoutExpired:
            code = "none yet"
        return WorkerLost(f"worker process {number + 1} ended early, exit code {code}")

    def _end(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        deadline = time.monotonic() + LEAVE_WITHIN
        for process in self._processes:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _import_path() -> list[str]:
    """Return where we import from, so that a worker imports the same."""
    return [entry or os.getcwd() for entry in sys.path]  # noqa: PTH109 (a str is wanted)
