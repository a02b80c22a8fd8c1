"""What Chromium sees of the FastAPI example behind the cache: `make browser-test`."""

import time
from collections.abc import Iterator

import attrs
import pytest

from dashboard.browser import Browser, Received
from tests.integration.test_examples import running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CSS = "/assets/page.css"
PAGE = ["/", CSS, "/assets/page.js", "/assets/pen.svg"]
STORED = "hybridcache; fwd=uri-miss; fwd-status=200; stored"
COLOUR = "return getComputedStyle(document.body).color"
WITHIN = 20.0
POLL = 0.05


@attrs.define
class Window:
    """A browser, and the address of the example."""

    browser: Browser
    url: str

    def opened(self) -> dict[str, Received]:
        """Open the page; give what came for it."""
        self.browser.go(self.url)
        return self.came()

    def reloaded(self) -> dict[str, Received]:
        """Load it again; give what came for it."""
        self.browser.reload()
        return self.came()

    def came(self) -> dict[str, Received]:
        """Wait for the page and all its parts; give them by their paths."""
        got: dict[str, Received] = {}
        deadline = time.monotonic() + WITHIN
        while not set(PAGE) <= set(got):
            assert time.monotonic() < deadline, f"only {sorted(got)} came"
            got |= {one.path: one for one in self.browser.received()}
            time.sleep(POLL)
        return {path: got[path] for path in PAGE}

    def changed(self, path: str, text: str) -> None:
        """Change a part of the page, from the page."""
        done = self.browser.run(
            f"return fetch({path!r}, {{method: 'PUT', body: {text!r}}})"
            ".then((response) => response.status)"
        )
        assert 204 == done


@pytest.fixture(name="window")
def _window() -> Iterator[Window]:
    with running("fastapi") as client, Browser(network=True) as browser:
        yield Window(browser, f"{client.base_url}")


def statuses(came: dict[str, Received]) -> list[int]:
    """Give the statuses, in the page's order."""
    return [one.status for one in came.values()]


def hits(came: dict[str, Received]) -> list[bool]:
    """Give what Cache-Status says of each: whether the cache served it."""
    return ["; hit" in one.fields["cache-status"] for one in came.values()]


def test_first_load_is_stored(window: Window) -> None:
    """Page and parts come from the application, and the cache keeps each of them."""
    came = window.opened()

    assert [200] * len(PAGE) == statuses(came)
    for one in came.values():
        assert STORED == one.fields["cache-status"]
        assert "age" not in one.fields
    assert "ran" == window.browser.run("return document.body.dataset.script")


def test_reload_is_answered_with_304(window: Window) -> None:
    """A browser that has it all is told so by the cache, with its age."""
    window.opened()
    came = window.reloaded()

    assert [304] * len(PAGE) == statuses(came)
    assert all(hits(came))
    assert all(0 <= int(one.fields["age"]) < WITHIN for one in came.values())
    assert "rgb(0, 0, 128)" == window.browser.run(COLOUR)


def test_changed_part_is_seen_at_once(window: Window) -> None:
    """After one part was changed that one is new, and of all others there is a 304."""
    window.opened()
    window.changed(CSS, "body { color: rgb(128, 0, 0) }")
    came = window.reloaded()

    assert [304, 200, 304, 304] == statuses(came)
    assert [True, False, True, True] == hits(came)
    assert "rgb(128, 0, 0)" == window.browser.run(COLOUR)


def test_posted_note_is_on_the_page(window: Window) -> None:
    """The page that a form leads back to has what was posted."""
    window.opened()
    window.browser.run(
        "document.querySelector('input').value = 'Call Ann';"
        "document.querySelector('form').submit()"
    )
    came = window.came()

    assert 200 == came["/"].status
    assert not hits(came)[0]
    notes = window.browser.run("return document.querySelector('ul').innerText")
    assert "Call Ann" in str(notes)
