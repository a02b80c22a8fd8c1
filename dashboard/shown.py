"""The panels as data for our page."""

from collections.abc import Mapping
from typing import Final

from dashboard.colours import MEANT, OTHERS, OUTCOMES
from dashboard.panel import Panel
from dashboard.panels import SECTIONS

# Only the live show has such a metric: what is being done to the processes.
FAULTS: Final = "dashboard_fault == 1"
MEANINGS: Final[Mapping[str, str]] = {
    "hit-fresh": "A fresh value from memory or Redis",
    "hit-stale": "An old value, at once; a new one is being made",
    "suppressed": "Waited for a load that another caller began",
    "miss": "This caller's own load made the value",
    "upstream-down": "Redis was needed and could not answer",
}
"""What each outcome says of a lookup, in a few words."""
ALERT_PREFIX: Final = "Hybridcache"


def shown() -> Mapping[str, object]:
    """Give all that the page needs to know."""
    return {
        "outcomes": [
            {"tag": tag, "colour": colour, "means": MEANINGS[tag]}
            for tag, colour in OUTCOMES.items()
        ],
        "meant": dict(MEANT),
        "colours": list(OTHERS),
        "faults": FAULTS,
        "alerts": ALERT_PREFIX,
        "sections": [
            {
                "title": section.title,
                "panels": [_panel(panel) for panel in section.panels],
            }
            for section in SECTIONS
        ],
    }


def _panel(panel: Panel) -> Mapping[str, object]:
    return {
        "name": panel.name,
        "title": panel.title,
        "tells": panel.tells,
        "unit": panel.unit.value,
        "shape": panel.shape.value,
        "wide": panel.wide,
        "lines": [
            {"expression": line.expression, "legend": line.legend}
            for line in panel.lines
        ],
    }
