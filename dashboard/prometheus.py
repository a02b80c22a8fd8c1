"""A real Prometheus of one's own: it scrapes the processes and serves our page.

The program is the one on PATH. It listens on 127.0.0.1 alone and writes nothing but a
temporary directory.
"""

import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from dashboard.build import PAGE, RULES
from dashboard.ports import free_port
from dashboard.started import Started

READY_WITHIN = 30.0
STOPPED_WITHIN = 10.0
POLL = 0.1
SCRAPE_EVERY: Final = "1s"
EVALUATE_EVERY: Final = "5s"
# What the page shows at first, seconds: a round of faults.
SHOWN: Final = 120


class PrometheusUnavailable(RuntimeError):  # noqa: N818 (it is a state, not a mistake)
    """There is no Prometheus, or it did not start."""


def find_prometheus() -> str:
    """Find the program.

    Raises:

        PrometheusUnavailable: It is not on PATH; the message says how to get it.
    """
    found = shutil.which("prometheus")
    if found is None:
        msg = (
            "needs Prometheus, and there is no program of that name on PATH. On Debian"
            " and Ubuntu it is in the package prometheus: apt install prometheus"
        )
        raise PrometheusUnavailable(msg)
    return found


class Prometheus(Started):
    """One Prometheus. As a context manager it starts on entry and ends on exit.

    Args:

        targets: The ports to scrape, by job.

        port: Where it listens; a free port if 0.
    """

    def __init__(self, targets: Mapping[str, Sequence[int]], port: int = 0) -> None:
        self._program = find_prometheus()
        self._targets = targets
        self._port = port or free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="hybridcache-prometheus-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def page(self) -> str:
        """Where our page is: it serves that itself, so the page asks its own host."""
        return f"{self.url}/user/?range={SHOWN}"

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def _start(self) -> None:
        # Every JSON text is a YAML text.
        configuration = self._directory / "prometheus.yml"
        configuration.write_text(json.dumps(self._configuration()), encoding="utf-8")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 (a path that we found)
                [
                    self._program,
                    f"--config.file={configuration}",
                    f"--storage.tsdb.path={self._directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                    f"--web.user-assets={PAGE}",
                    "--log.level=warn",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for us; we end it ourselves.
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_WITHIN
        while not self._ready():
            if not self.running or time.monotonic() > deadline:
                raise PrometheusUnavailable(self._last_words())
            time.sleep(POLL)

    def _configuration(self) -> Mapping[str, object]:
        return {
            "global": {
                "scrape_interval": SCRAPE_EVERY,
                "evaluation_interval": EVALUATE_EVERY,
            },
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {
                    "job_name": job,
                    "static_configs": [
                        {"targets": [f"127.0.0.1:{port}" for port in ports]}
                    ],
                }
                for job, ports in self._targets.items()
            ],
        }

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(  # noqa: S310 (an address of our own)
                f"{self.url}/-/ready", timeout=2
            ) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004 (HTTP's OK)
        except OSError:
            return False

    def _end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._directory / "log"

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-5:]
        return "\n".join([f"{self._program} did not start on {self._port}:", *lines])
