"""Take the picture that the docs show: ``python -m dashboard.picture FILE [URL]``.

The page is that of a ``make dashboard`` which has run for a while.
"""

import sys
import time
from pathlib import Path

from dashboard.browser import Browser

WIDTH = 1320
SCALE = 1.5
WITHIN = 30.0
POLL = 0.2
DRAWN = "return Number(document.body.dataset.round ?? 0)"
HEIGHT = "return document.documentElement.scrollHeight"


def main() -> int:
    """Take it, of the whole page."""
    target, url = Path(sys.argv[1]), sys.argv[2]
    with Browser(f"--force-device-scale-factor={SCALE}") as browser:
        browser.resize(WIDTH, 900)
        browser.go(url)
        _wait(browser, 2)
        browser.resize(WIDTH, int(str(browser.run(HEIGHT))))
        _wait(browser, int(str(browser.run(DRAWN))) + 2)
        target.write_bytes(browser.picture())
        print("\n".join(browser.log()), end="")
    return 0


def _wait(browser: Browser, rounds: int) -> None:
    """Wait until everything was drawn so many times."""
    deadline = time.monotonic() + WITHIN
    while int(str(browser.run(DRAWN))) < rounds:
        if time.monotonic() > deadline:
            msg = f"not drawn: {browser.run('return document.body.dataset.trouble')}"
            raise TimeoutError(msg)
        time.sleep(POLL)


if __name__ == "__main__":
    sys.exit(main())
