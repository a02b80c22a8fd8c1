"""Take a picture for the docs: ``python -m dashboard.picture FILE URL [SECTIONS]``.

The page is that of a ``make dashboard`` which has run for a while. With a number of
sections the picture ends below them.
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
# Below the last of some sections, with the room that is between panels.
BELOW = """
const section = document.querySelectorAll('main section')[{last}];
return Math.ceil(section.getBoundingClientRect().bottom + scrollY + 14)
"""


def main() -> int:
    """Take it."""
    target, url, *sections = sys.argv[1:]
    height = BELOW.format(last=int(sections[0]) - 1) if sections else HEIGHT
    with Browser(f"--force-device-scale-factor={SCALE}") as browser:
        browser.resize(WIDTH, 900)
        browser.go(url)
        _wait(browser, 2)
        browser.resize(WIDTH, int(str(browser.run(height))))
        _wait(browser, int(str(browser.run(DRAWN))) + 2)
        Path(target).write_bytes(browser.picture())
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
