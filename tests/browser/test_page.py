"""The live page in a real browser, over a real Prometheus: `make dashboard-test`."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urljoin

import attrs
import psutil  # type: ignore[import-untyped]  # its stubs are a package apart
import pytest

from dashboard.alerts import ALERTS
from dashboard.browser import Browser
from dashboard.build import ROOT
from dashboard.colours import OUTCOMES
from dashboard.faults import NAMES
from dashboard.grafana import dashboard
from dashboard.panels import PANELS
from dashboard.recordings import RECORDINGS

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

# One round of faults takes 115 s at pace 1.
PACE = 3
ROUND_WITHIN = 150.0
ENDS_WITHIN = 40.0
POLL = 0.5

DRAWN = """
return Object.fromEntries([...document.querySelectorAll('.panel')].map((panel) => [
    panel.id, panel.querySelectorAll('path').length]))
"""
LEGENDS = """
return Object.fromEntries([...document.querySelectorAll('.panel')].map((panel) => [
    panel.id, panel.querySelector('svg').getAttribute('aria-label')]))
"""
# Texts of pictures that stick out of their own panel, and panels wider than their cell.
CLIPPED = """
const out = [];
for (const panel of document.querySelectorAll('.panel')) {
    const own = panel.getBoundingClientRect();
    for (const text of panel.querySelectorAll('svg text, li, h3, p')) {
        const { left, right } = text.getBoundingClientRect();
        if (left < own.left || right > own.right)
            out.push(`${panel.id}: ${text.textContent}`);
    }
}
return out;
"""
TILES = """
return Object.fromEntries([...document.querySelectorAll('#outcomes li')].map((tile) => [
    tile.dataset.tag, tile.querySelector('data').textContent]))
"""
SERIES = "return [...document.querySelectorAll('#lookups li')].map((each) => \
each.firstChild.textContent)"
FAULTS = "return [...document.querySelectorAll('#faults li')].map((each) => \
each.lastChild.textContent)"
ROUNDS = "return Number(document.body.dataset.round ?? 0)"


@attrs.define
class Show:
    """A `make dashboard` that runs, and a browser that looks at it."""

    process: "subprocess.Popen[str]"
    page: str
    browser: Browser

    def drawn_again(self) -> None:
        """Wait until the page has asked and drawn once more."""
        before = self.number(ROUNDS)
        deadline = time.monotonic() + ENDS_WITHIN
        while self.number(ROUNDS) < before + 2:
            assert time.monotonic() < deadline, "the page stands still"
            time.sleep(POLL)

    def complete(self) -> bool:
        """Whether all panels are there, and each is drawn."""
        drawn = self.by_name(DRAWN)
        return len(PANELS) == len(drawn) and "0" not in drawn.values()

    def asked(self, path: str, **parameters: str) -> dict[str, Any]:
        """Ask Prometheus itself."""
        address = f"{urljoin(self.page, '/api/v1/')}{path}?{urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=ENDS_WITHIN) as answer:
            said: dict[str, dict[str, Any]] = json.load(answer)
        return said["data"]

    def number(self, script: str) -> int:
        """Run a script that returns a number."""
        return int(str(self.browser.run(script)))

    def texts(self, script: str) -> list[str]:
        """Run a script that returns texts."""
        found = self.browser.run(script)
        assert isinstance(found, list)
        return [str(each) for each in found]

    def by_name(self, script: str) -> dict[str, str]:
        """Run a script that returns something for each of some names."""
        found = self.browser.run(script)
        assert isinstance(found, dict)
        return {str(name): str(value) for name, value in found.items()}


@pytest.fixture(name="show", scope="module")
def _show() -> Iterator[Show]:
    """The show after one round of all faults."""
    command = [sys.executable, "-m", "dashboard", "--pace", f"{PACE}"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            found = re.search(r"http\S+", first)
            assert found is not None, first
            with Browser() as browser:
                show = Show(process, found[0], browser)
                browser.resize(1320, 900)
                browser.go(found[0])
                deadline = time.monotonic() + ROUND_WITHIN
                while not show.complete() and time.monotonic() < deadline:
                    time.sleep(POLL)
                yield show
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(ENDS_WITHIN)


def test_each_panel_is_drawn_with_data(show: Show) -> None:
    """After one round of faults no panel is empty, and no other is there."""
    drawn = show.by_name(DRAWN)

    assert {panel.name for panel in PANELS} == set(drawn)
    assert [] == [name for name, paths in drawn.items() if paths == "0"]


def test_a_panel_says_in_words_what_it_shows(show: Show) -> None:
    """The picture's label has the title and the value of every series."""
    labels = show.by_name(LEGENDS)

    for panel in PANELS:
        assert labels[panel.name].startswith(f"{panel.title}: ")
        assert "NaN" not in labels[panel.name]
        assert "undefined" not in labels[panel.name]


def test_all_five_outcomes_are_seen(show: Show) -> None:
    """Faults bring about each outcome; they are stacked in their order."""
    assert list(OUTCOMES) == show.texts(SERIES)


def test_the_tiles_are_shares_of_all_lookups(show: Show) -> None:
    """The five shares add up to all, but for their rounding."""
    shares = [float(text.split()[0]) for text in show.by_name(TILES).values()]

    assert len(OUTCOMES) == len(shares)
    assert 100 == pytest.approx(sum(shares), abs=0.3)


def test_the_faults_are_marked(show: Show) -> None:
    """What is done to the service has a number in the panels, and a name above."""
    assert NAMES == show.texts(FAULTS)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1680, 1320, 800, 420])
def test_nothing_is_clipped(show: Show, width: int, dark: bool) -> None:
    """At usual widths, light and dark, every text is within its panel."""
    show.browser.darken(dark=dark)
    show.browser.resize(width, 900)
    show.drawn_again()

    assert [] == show.texts(CLIPPED)


def test_one_cache_can_be_chosen(show: Show) -> None:
    """With a cache chosen, panels that tell caches apart show that one alone."""
    show.browser.run(
        "const form = document.getElementById('chosen');"
        "form.cache.value = 'shop'; form.cache.dispatchEvent("
        "new Event('change', {bubbles: true}))"
    )
    show.drawn_again()

    entries = show.by_name(LEGENDS)["memory-entries"]
    assert "shop" in entries
    assert "prices" not in entries


def test_legends_tell_the_moment_under_the_pointer(show: Show) -> None:
    """With the pointer on a panel, every legend has the values of that moment."""
    show.browser.run(
        "const svg = document.querySelector('#lookups svg');"
        "const { width } = svg.getBoundingClientRect();"
        "const place = svg.getBoundingClientRect().left + width - 50;"
        "svg.dispatchEvent(new PointerEvent('pointermove', {clientX: place}))"
    )
    pointed = show.browser.run(
        "return [document.getElementById('state').textContent,"
        " document.querySelectorAll('svg .cursor').length]"
    )
    show.browser.run(
        "document.querySelector('#lookups svg')"
        ".dispatchEvent(new PointerEvent('pointerleave'))"
    )

    assert isinstance(pointed, list)
    assert re.fullmatch(r"at \d\d:\d\d:\d\d", str(pointed[0]))
    assert len(PANELS) == pointed[1]
    assert 0 == show.number("return document.querySelectorAll('svg .cursor').length")


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.000251, "seconds", "251 µs"),
        (0.0124, "seconds", "12.4 ms"),
        (1.5, "seconds", "1.5 s"),
        (600, "seconds", "10 min"),
        (0.123, "share", "12.3 %"),
        (1830, "per second", "1.83 k/s"),
        (456_000, "bytes", "445 KiB"),
        (3, "count", "3"),
        (0, "count", "0"),
        (None, "count", "–"),  # noqa: RUF001 (an en dash, for no value)
    ],
)
def test_numbers_are_written_for_people(
    show: Show, value: float | None, unit: str, said: str
) -> None:
    """A number has two or three digits and a unit."""
    arguments = f"{json.dumps(value)}, {json.dumps(unit)}"

    assert said == show.browser.run(
        f"return import('/user/units.js').then(({{text}}) => text({arguments}))"
    )


def test_prometheus_takes_every_query_of_grafanas(show: Show) -> None:
    """Each query of the dashboard finds something, once its variables are filled in."""
    built = json.loads(json.dumps(dashboard()))
    empty = []
    for panel in built["panels"]:
        for target in panel.get("targets", []):
            query = re.sub(r"\$(job|instance|cache)", ".*", target["expr"])
            query = query.replace("$__rate_interval", "2m")
            if not show.asked("query", query=query)["result"]:
                empty.append(target["expr"])

    assert [] == empty


def test_prometheus_evaluates_every_rule(show: Show) -> None:
    """The rules are loaded, and none of them ends in an error."""
    groups = show.asked("rules")["groups"]
    health = {
        rule["name"]: rule["health"] for group in groups for rule in group["rules"]
    }

    assert {
        **dict.fromkeys((each.name for each in RECORDINGS), "ok"),
        **dict.fromkeys((each.name for each in ALERTS), "ok"),
    } == health


def test_the_page_has_no_error(show: Show) -> None:
    """Nothing was thrown, and nothing that was asked for is missing."""
    trouble = show.browser.run("return document.body.dataset.trouble ?? null")

    assert trouble is None
    assert [] == show.browser.complaints()


def test_ctrl_c_ends_all_of_it(show: Show) -> None:
    """Processes, Redis and Prometheus end, and the exit code is 0."""
    children = psutil.Process(show.process.pid).children(recursive=True)
    show.process.send_signal(signal.SIGINT)

    assert 0 == show.process.wait(ENDS_WITHIN)
    # Three processes of the service, Redis, Prometheus.
    assert 5 <= len(children)
    assert [] == [child for child in children if child.is_running()]
