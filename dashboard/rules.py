"""The alerts and recordings as a file of rules for Prometheus.

The YAML is written by hand: of YAML it needs a list of mappings of texts, no more.
"""

import json
import textwrap
from collections.abc import Iterator
from typing import Final

from dashboard.alerts import ALERTS, PAGE, Alert
from dashboard.recordings import RECORDINGS, Recording

HEAD: Final = """\
# Written by `python -m dashboard.build`: change dashboard/alerts.py, not this file.
# Load it with `rule_files:` in Prometheus' configuration.
groups:
"""
WIDTH: Final = 88


def rules() -> str:
    """Write the whole file."""
    return "\n".join([HEAD.rstrip(), *_groups(), ""])


def _groups() -> Iterator[str]:
    yield from _group("hybridcache-recordings")
    for recording in RECORDINGS:
        yield from _recording(recording)
    yield from _group("hybridcache-alerts")
    for alert in ALERTS:
        yield from _alert(alert)


def _group(name: str) -> Iterator[str]:
    yield f"  - name: {name}"
    yield "    rules:"


def _recording(recording: Recording) -> Iterator[str]:
    yield f"      - record: {recording.name}"
    yield from _text("expr", recording.expression, 8)


def _alert(alert: Alert) -> Iterator[str]:
    yield f"      - alert: {alert.name}"
    yield from _text("expr", alert.expression, 8)
    yield f"        for: {alert.lasting}"
    yield "        labels:"
    yield f"          severity: {alert.severity.value}"
    yield "        annotations:"
    yield f"          summary: {json.dumps(alert.summary)}"
    yield from _text("description", alert.description, 10)
    yield f"          runbook: {PAGE}#{alert.anchor}"


def _text(name: str, text: str, indent: int) -> Iterator[str]:
    """Write a long text as folded lines, which YAML joins by blanks again."""
    before = " " * indent
    yield f"{before}{name}: >-"
    yield from textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"{before}  ",
        subsequent_indent=f"{before}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
