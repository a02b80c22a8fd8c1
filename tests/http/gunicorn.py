"""A WSGI application behind gunicorn, in processes of their own."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

ROOT = Path(__file__).parents[2]
LISTENING = re.compile(r"Listening at: (http://127\.0\.0\.1:\d+)")


class Gunicorn:
    """Serves ``module:app`` until the block is left."""

    def __init__(self, app: str, *options: str, environment: Mapping[str, str]) -> None:
        self.url = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-b", "127.0.0.1:0", *options, app],
            cwd=ROOT,
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        heard = []
        for line in self._stderr:
            heard.append(line)
            found = LISTENING.search(line)
            if found is not None:
                self.url = found[1]
                return self
        msg = f"gunicorn did not start: {''.join(heard)}"
        raise AssertionError(msg)

    def __exit__(self, *exc_info: object) -> None:
        self._process.terminate()
        # Read to the end, or it may wait for room in the pipe.
        self._stderr.read()
        self._stderr.close()
        self._process.wait(20)

    @property
    def _stderr(self) -> IO[str]:
        assert self._process.stderr is not None
        return self._process.stderr
