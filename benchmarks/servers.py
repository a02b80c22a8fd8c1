"""Web servers in processes of their own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

import attrs
import psutil

READY_WITHIN = 30.0
POLL = 0.05

Kind: TypeAlias = Literal["uvicorn", "gunicorn"]

# One process and one thread at work: what is measured is the work, not the waiting.
# Gunicorn's sync worker closes each connection, and waitress logs each request that
# waits for its thread: either would be most of what is measured.
COMMANDS: Final[Mapping[Kind, str]] = {
    "uvicorn": "uvicorn --host 127.0.0.1 --port {port} --loop uvloop --http httptools"
    " --no-access-log --log-level warning",
    "gunicorn": "gunicorn --bind 127.0.0.1:{port} --workers 1 --worker-class gthread"
    " --threads 1 --keep-alive 60 --log-level warning",
}


@attrs.frozen
class Server:
    """A server that runs.

    Attributes:

        port: Where it listens.

        process: Its process.
    """

    port: int
    process: psutil.Process

    def spent(self) -> float:
        """Return the processor seconds that it has taken."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextlib.contextmanager
def serving(
    kind: Kind, *app: str, environment: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Serve an application until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = COMMANDS[kind].format(port=port).split()
    with subprocess.Popen(
        [sys.executable, "-m", *command, *app],
        env={**os.environ, **(environment or {})},
    ) as process:
        try:
            _until_ready(process, port)
            yield Server(port, _worker(psutil.Process(process.pid)))
        finally:
            process.terminate()


def _until_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            # Answered, and not only accepted: there is somebody at work.
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
            return
        time.sleep(POLL)
    msg = "a web server did not start"
    raise TimeoutError(msg)


def _worker(process: psutil.Process) -> psutil.Process:
    """Return the process that answers: gunicorn's first one only watches over it."""
    children = process.children()
    return children[0] if children else process
