"""The panels as a dashboard for Grafana 10 and later, in its JSON model."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from dashboard.colours import MEANT, OUTCOMES
from dashboard.expressions import settled
from dashboard.panel import Line, Panel, Shape, Unit
from dashboard.panels import PANELS, SECTIONS

Json: TypeAlias = "Mapping[str, object]"

# The model of Grafana 10.0; later versions bring it up to date as they load it.
SCHEMA_VERSION: Final = 38
UID: Final = "hybridcache"
COLUMN, HEIGHT = 8, 7
COLUMNS: Final = 24

SELECTOR: Final = 'job=~"$job", instance=~"$instance", cache=~"$cache"'
WINDOW: Final = "$__rate_interval"
SOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}

UNITS: Final[Mapping[Unit, str]] = {
    Unit.RATE: "reqps",
    Unit.SHARE: "percentunit",
    Unit.SECONDS: "s",
    Unit.BYTES: "bytes",
    Unit.COUNT: "short",
}


def dashboard() -> Json:
    """Build the whole dashboard."""
    return {
        "uid": UID,
        "title": "hybridcache",
        "description": "What happened to every lookup, and why.",
        "tags": ["cache", "hybridcache", "redis"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [_alerts()]},
        "templating": {"list": list(_variables())},
        "panels": list(_panels()),
    }


def _panels() -> Iterator[Json]:
    row = 0
    for number, section in enumerate(SECTIONS):
        yield {
            "id": len(PANELS) + 1 + number,
            "type": "row",
            "title": section.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": row, "w": COLUMNS, "h": 1},
            "panels": [],
        }
        row, column = row + 1, 0
        for panel in section.panels:
            width = COLUMN * (2 if panel.wide else 1)
            if column + width > COLUMNS:
                row, column = row + HEIGHT, 0
            place = {"x": column, "y": row, "w": width, "h": HEIGHT}
            yield _panel(PANELS.index(panel) + 1, panel, place)
            column += width
        row += HEIGHT


def _panel(number: int, panel: Panel, place: Mapping[str, int]) -> Json:
    stacked = panel.shape is Shape.STACKED
    seconds = panel.unit is Unit.SECONDS
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.tells,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {
                "unit": UNITS[panel.unit],
                **({} if seconds else {"min": 0}),
                "color": {"mode": "palette-classic"},
                "custom": {
                    "drawStyle": "line",
                    "lineWidth": 1,
                    "fillOpacity": 60 if stacked else 0,
                    "showPoints": "never",
                    "spanNulls": False,
                    # What matters is whether it is a millisecond or a second.
                    "scaleDistribution": (
                        {"type": "log", "log": 10} if seconds else {"type": "linear"}
                    ),
                    "stacking": {"mode": "normal" if stacked else "none"},
                },
            },
            "overrides": [
                _coloured(name, colour)
                for name, colour in {**OUTCOMES, **MEANT}.items()
            ],
        },
        "options": {
            "legend": {
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            _target(chr(ord("A") + index), line)
            for index, line in enumerate(panel.lines)
        ],
    }


def _coloured(name: str, colour: str) -> Json:
    """Give an outcome its colour wherever it is a series."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [
            {"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}
        ],
    }


def _target(reference: str, line: Line) -> Json:
    return {
        "refId": reference,
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": settled(line.expression, SELECTOR, WINDOW),
        "legendFormat": line.legend,
        "range": True,
    }


def _variables() -> Iterator[Json]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
    }
    # Each is narrowed down by those before it.
    known = ""
    for name in ("job", "instance", "cache"):
        selected = f"hybridcache_lookups_total{{{known}}}" if known else None
        query = f"label_values({selected or 'hybridcache_lookups_total'}, {name})"
        known += f'{", " if known else ""}{name}=~"${name}"'
        yield {
            "name": name,
            "label": name.capitalize(),
            "type": "query",
            "datasource": SOURCE,
            "definition": query,
            "query": {"query": query, "refId": f"variable-{name}"},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
            "hide": 0,
        }


def _alerts() -> Json:
    """Mark in all panels when an alert of ours began to fire."""
    return {
        "name": "Alerts",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": 'ALERTS{alertname=~"Hybridcache.+", alertstate="firing"}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{job}} {{cache}}",
        "step": "60s",
    }
