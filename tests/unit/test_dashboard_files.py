"""The dashboard's files, against the lists they are built from and the library itself."""

import json
import re
from pathlib import Path

import pytest

from dashboard.alerts import ALERTS, PAGE
from dashboard.build import PAGE as FILES_OF_PAGE
from dashboard.build import ROOT, files
from dashboard.expressions import PREFIX, rate, settled, share
from dashboard.grafana import dashboard
from dashboard.panels import PANELS
from dashboard.recordings import RECORDINGS
from hybridcache.engine.gauges import GAUGES
from hybridcache.engine.metrics import METRICS

# What Prometheus itself adds to every series.
TARGET = {"job", "instance"}
SAMPLE = re.compile(rf"\b{PREFIX}(?P<name>\w+)(?:{{(?P<filters>[^}}]*)}})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!=|!~|=)")
GROUPING = re.compile(r"\bby \(([^)]*)\)")


def samples() -> dict[str, set[str]]:
    """Give the labels of every sample that the library shows, by name."""
    known: dict[str, set[str]] = {}
    for metric in METRICS:
        labels = {*metric.labels, *TARGET}
        if metric.bounds:
            known[f"{metric.name}_bucket"] = labels | {"le"}
            known[f"{metric.name}_count"] = known[f"{metric.name}_sum"] = labels
        else:
            known[f"{metric.name}_total"] = labels
    return known | {gauge.name: {*gauge.labels, *TARGET} for gauge in GAUGES}


EXPRESSIONS = {
    **{
        f"{panel.name} {number}": settled(line.expression, "", "5m")
        for panel in PANELS
        for number, line in enumerate(panel.lines)
    },
    **{recording.name: recording.expression for recording in RECORDINGS},
    **{alert.name: alert.expression for alert in ALERTS},
}


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_a_file_is_what_the_code_builds(path: Path) -> None:
    """Each file is as `python -m dashboard.build` writes it."""
    assert files()[path] == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_metrics_and_labels_are_the_library_s_own(name: str) -> None:
    """An expression names samples, and labels of them, that the library shows."""
    # A recording's name has a colon before the prefix, and one after its own words.
    expression = re.sub(r"\w+:\w+:\w+", "", EXPRESSIONS[name])
    known = samples()
    grouped = {
        label.strip()
        for labels in GROUPING.findall(expression)
        for label in labels.split(",")
    }

    for sample in SAMPLE.finditer(expression):
        labels = known.get(f"{PREFIX}{sample['name']}")
        assert labels is not None, sample["name"]
        filtered = set(LABEL.findall(sample["filters"] or ""))
        assert set() == (filtered | grouped) - labels


def test_every_metric_is_on_a_panel() -> None:
    """What the library counts, measures or gauges can be seen."""
    seen = {
        f"{PREFIX}{sample['name']}"
        for panel in PANELS
        for line in panel.lines
        for sample in SAMPLE.finditer(line.expression)
    }

    unseen = [
        metric.name
        for metric in (*METRICS, *GAUGES)
        if not any(name.startswith(metric.name) for name in seen)
    ]
    assert [] == unseen


def test_panels_have_names_and_places_of_their_own() -> None:
    """No two panels of Grafana's share an id, and none lies over another."""
    built = json.loads(json.dumps(dashboard()))
    cells = [
        (place["x"] + x, place["y"] + y)
        for panel in built["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["w"])
        for y in range(place["h"])
    ]

    assert len({panel["id"] for panel in built["panels"]}) == len(built["panels"])
    assert len({panel.name for panel in PANELS}) == len(PANELS)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_grafana_fills_in_what_expressions_leave_open() -> None:
    """Every query of Grafana's has its variables, and none of ours."""
    built = json.loads(json.dumps(dashboard()))
    variables = {variable["name"] for variable in built["templating"]["list"]}
    queries = [
        target["expr"]
        for panel in built["panels"]
        for target in panel.get("targets", [])
    ]

    assert {"datasource", "job", "instance", "cache"} == variables
    assert len(queries) == sum(len(panel.lines) for panel in PANELS)
    for query in queries:
        used = set(re.findall(r"\$(\w+)", query)) - {"__rate_interval"}
        assert {"job", "instance", "cache"} == used


def test_each_alert_links_to_its_section() -> None:
    """The page that an alert names has a heading with its anchor."""
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {
        re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings
    }

    assert set() == {alert.anchor for alert in ALERTS} - anchors


def test_a_share_has_a_value_where_its_part_never_happened() -> None:
    """A share of nothing is 0 and no gap: the whole's series stand in."""
    whole = rate("lookups_total")

    part = rate("lookups_total", where='tier="redis"')
    assert f"({part} or 0 * {whole}) / {whole}" == share(
        "lookups_total", where='tier="redis"'
    )


def test_an_empty_selector_leaves_nothing_behind() -> None:
    """Rules have no filter of their own: neither braces nor a comma stay."""
    plain = settled(rate("lookups_total"), "", "5m")
    filtered = settled(rate("lookups_total", where='tier="redis"'), "", "5m")

    assert "sum(rate(hybridcache_lookups_total[5m]))" == plain
    assert 'sum(rate(hybridcache_lookups_total{tier="redis"}[5m]))' == filtered


def test_the_page_asks_nobody_but_prometheus() -> None:
    """No file of the page names another host: it works without the internet."""
    # The name of SVG's namespace looks like an address and is none.
    addresses = {
        found
        for path in FILES_OF_PAGE.iterdir()
        for found in re.findall(r"(?:https?:)?//[\w.]+", path.read_text("utf-8"))
    }

    assert {"http://www.w3.org"} == addresses
