"""A real Chromium, told what to do over WebDriver's HTTP (W3C, *WebDriver*, 2018)."""

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import attrs

from dashboard.ports import free_port
from dashboard.started import Started

FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
)
READY_WITHIN = 30.0
ANSWERS_WITHIN = 60.0
POLL = 0.1


class BrowserUnavailable(RuntimeError):  # noqa: N818 (it is a state, not a mistake)
    """There is no Chromium with its driver, or it did not start."""


@attrs.frozen
class Received:
    """A response that came over the wire.

    Attributes:

        path: Path of its URL.

        status: As the server sent it: 304 where the page sees a 200.

        fields: By name in lower case.
    """

    path: str
    status: int
    fields: Mapping[str, str]


class Browser(Started):
    """One window. As a context manager it starts on entry and ends on exit.

    Args:

        flags: More of them for Chromium.

        network: Whether it notes what comes over the wire.

    Raises:

        BrowserUnavailable: chromium or chromedriver is not on PATH.
    """

    def __init__(self, *flags: str, network: bool = False) -> None:
        self._flags = flags
        self._logs = {"browser": "ALL"}
        if network:
            self._logs["performance"] = "ALL"
        self._driver = shutil.which("chromedriver") or ""
        if not self._driver or shutil.which("chromium") is None:
            msg = (
                "needs chromium and chromedriver on PATH. On Debian they are in the"
                " packages chromium and chromium-driver"
            )
            raise BrowserUnavailable(msg)
        self._profile = Path(tempfile.mkdtemp(prefix="hybridcache-browser-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._paths: dict[str, str] = {}

    def go(self, url: str) -> None:
        """Open a page and wait until it is loaded."""
        self._ask("POST", "/url", {"url": url})

    def run(self, script: str) -> object:
        """Run the body of a JavaScript function; give what it returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

    def complaints(self) -> list[str]:
        """Give the errors and warnings of the page since last asked."""
        entries = self._ask("POST", "/se/log", {"type": "browser"})
        assert isinstance(entries, list)  # noqa: S101 (for the type checker)
        return [
            entry["message"]
            for entry in entries
            if entry["level"] in {"SEVERE", "WARNING"}
        ]

    def reload(self) -> None:
        """Load the page again, as its button does, and wait until it is loaded."""
        self._ask("POST", "/refresh", {})

    def received(self) -> list[Received]:
        """Give what came over the wire since last asked, in order of arrival."""
        entries = self._ask("POST", "/se/log", {"type": "performance"})
        assert isinstance(entries, list)  # noqa: S101 (for the type checker)
        came = []
        for entry in entries:
            event = json.loads(entry["message"])["message"]
            said = event["params"]
            if event["method"] == "Network.requestWillBeSent":
                self._paths[said["requestId"]] = urlsplit(said["request"]["url"]).path
            elif event["method"] == "Network.responseReceivedExtraInfo":
                fields = {name.lower(): text for name, text in said["headers"].items()}
                came.append((said["requestId"], said["statusCode"], fields))
        # What is told of a request may come after what is told of its response.
        return [Received(self._paths.get(at, ""), *rest) for at, *rest in came]

    def resize(self, width: int, height: int) -> None:
        """Give the page so many pixels of its own kind."""
        size = {"width": width, "height": height}
        self._emulate(
            "setDeviceMetricsOverride", size | {"deviceScaleFactor": 0, "mobile": False}
        )

    def darken(self, *, dark: bool) -> None:
        """Let the page believe that its reader prefers dark, or light."""
        feature = {
            "name": "prefers-color-scheme",
            "value": "dark" if dark else "light",
        }
        self._emulate("setEmulatedMedia", {"features": [feature]})

    def _emulate(self, what: str, parameters: Mapping[str, object]) -> None:
        command = {"cmd": f"Emulation.{what}", "params": parameters}
        self._ask("POST", "/goog/cdp/execute", command)

    def picture(self) -> bytes:
        """Take a picture of the window, as PNG."""
        return base64.b64decode(str(self._ask("GET", "/screenshot")))

    def _start(self) -> None:
        port = free_port()
        self._process = subprocess.Popen(  # noqa: S603 (a path that we found)
            [self._driver, f"--port={port}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + READY_WITHIN
        while not self._ready():
            if time.monotonic() > deadline:
                msg = f"{self._driver} did not start"
                raise BrowserUnavailable(msg)
            time.sleep(POLL)
        arguments = [*FLAGS, f"--user-data-dir={self._profile}", *self._flags]
        options = {"args": arguments}
        capabilities = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": self._logs,
        }
        started = self._ask(
            "POST", "/session", {"capabilities": {"alwaysMatch": capabilities}}
        )
        assert isinstance(started, dict)  # noqa: S101 (for the type checker)
        self._url += f"/session/{started['sessionId']}"

    def _ready(self) -> bool:
        try:
            status = self._ask("GET", "/status")
        except OSError:
            return False
        return isinstance(status, dict) and status.get("ready") is True

    def _ask(self, method: str, path: str, body: object = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 (an address of our own)
            self._url + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN) as answer:  # noqa: S310
            said: dict[str, object] = json.load(answer)
        return said["value"]

    def _end(self) -> None:
        if self._process is not None:
            if "/session/" in self._url:
                self._ask("DELETE", "")
            self._process.terminate()
            self._process.wait(READY_WITHIN)
        shutil.rmtree(self._profile, ignore_errors=True)
