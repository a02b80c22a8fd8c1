"""The alert rules, judged by promtool: when each fires, and when it does not."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import attrs
import pytest

from dashboard.alerts import ALERTS, PAGE
from dashboard.build import RULES

WITHIN = 60
LABELS = 'cache="shop", instance="one", job="web"'


@attrs.frozen
class Case:
    """Series under which an alert fires, and series under which it does not.

    Attributes:

        alert: Its name.

        at: When it is looked at; samples are a minute apart.

        fires: Values by series, in promtool's notation; the labels of a target and of
            a cache are added.

        calm: The same, for the case in which it is silent.

        summary: What is wrong, in words.

        fires_too: More such, under each of which it fires.

        calm_too: More such, under each of which it is silent.
    """

    alert: str
    at: str
    fires: dict[str, str]
    calm: dict[str, str]
    summary: str
    fires_too: tuple[dict[str, str], ...] = ()
    calm_too: tuple[dict[str, str], ...] = ()


def lookups(**rates: int) -> dict[str, str]:
    """Give lookups that go on for an hour, so many a minute for each outcome."""
    return {
        f'hybridcache_lookups_total{{outcome="{name.replace("_", "-")}"}}': steady(rate)
        for name, rate in rates.items()
    }


def steady(a_minute: float) -> str:
    """Count so many a minute, for an hour."""
    return f"0+{a_minute:g}x60"


def loads(seconds: float) -> dict[str, str]:
    """Give a load a second, each of which takes so long, as buckets count them."""
    return {
        f'hybridcache_load_seconds_bucket{{result="stored", le="{bound}"}}': steady(
            60 if seconds <= float(bound) else 0
        )
        for bound in ("0.1", "1", "5", "10", "+Inf")
    } | loads_by(stored=60)


def loads_by(**rates: int) -> dict[str, str]:
    """Count loads by their result, so many a minute."""
    return {
        f'hybridcache_load_seconds_count{{result="{result}"}}': steady(rate)
        for result, rate in rates.items()
    }


def breaker(closed: str, opened: str, half_open: str = "0x60") -> dict[str, str]:
    """Give a target's breakers by state: 1 for one, or counts of its workers."""
    return {
        f'hybridcache_breaker_state{{state="{state}"}}': values
        for state, values in (
            ("closed", closed),
            ("open", opened),
            ("half_open", half_open),
        )
    }


TIMEOUTS = 'hybridcache_lookup_failures_total{reason="timeout"}'
OTHERS = 'hybridcache_lookup_failures_total{reason="loader"}'
CANCELLED = 'hybridcache_lookup_failures_total{reason="cancelled"}'
SIZE = 'hybridcache_evictions_total{cause="size"}'
STORED = 'hybridcache_stores_total{tier="memory", result="stored"}'
ADOPTED = 'hybridcache_lookups_total{outcome="hit-fresh", tier="redis"}'
REFUSED = 'hybridcache_upstream_seconds_count{operation="acquire", result="refused"}'
ANSWERED = 'hybridcache_upstream_seconds_count{operation="acquire", result="ok"}'
TOO_LARGE = 'hybridcache_stores_total{tier="redis", result="too-large"}'
SHAPE = 'hybridcache_undecodable_total{reason="shape"}'

CASES = (
    Case(
        "HybridcacheUpstreamDown",
        "6m",
        fires={"hybridcache_upstream_up": "1 1 0x20"},
        # One request in a while that gets no answer is no outage.
        calm={"hybridcache_upstream_up": "1 0 1 0 1 0 1 0 1 0 1"},
        summary="Redis is down for 1 instance(s) with cache shop of web.",
    ),
    Case(
        "HybridcacheBreakerOpen",
        "4m",
        fires=breaker("1 1 0x20", "0 0 1x20"),
        calm=breaker("1 1 0 1x20", "0 0 1 0x20"),
        summary="Most processes with cache shop of web have given up asking Redis.",
        # Three of four workers, and probes that are out at a look.
        fires_too=(
            breaker("4 4 1x20", "0 0 3x20"),
            breaker("4 4 1x20", "0 0 2 1 3 0x20", "0 0 1 2 0 3x20"),
        ),
        # One of four; and a cache that was closed, in workers that live on.
        calm_too=(breaker("4 4 3x20", "0 0 1x20"), breaker("4 4 0x20", "0x20")),
    ),
    Case(
        "HybridcacheBreakerFlaps",
        "12m",
        fires=breaker("1 0 1 0 1 0 1 0 1 0 1 0 1", "0 1 0 1 0 1 0 1 0 1 0 1 0"),
        # An outage that lasts, and ends, is told by another alert.
        calm=breaker("1 1 0 0 0 0 0 0 1x20", "0 0 1 1 1 1 1 1 0x20"),
        summary="The breaker of cache shop of web opens and closes again and again.",
        fires_too=(breaker("4 3 4 2 4 3 4 0 4 3 4 3 4", "0 1 0 2 0 1 0 4 0 1 0 1 0"),),
        # Workers are replaced, with Redis up and down; probes go out; a cache is closed.
        calm_too=(
            breaker("4 3 4 3 4 3 4 3 4 3 4 3 4", "0x20"),
            breaker("0x20", "4 3 4 3 4 3 4 3 4 3 4 3 4"),
            breaker("1 0x20", "0 1 0 1 0 1 0 1 0 1 0 1", "0 0 1 0 1 0 1 0 1 0 1 0"),
            breaker("4 4 0x20", "0x20"),
        ),
    ),
    Case(
        "HybridcacheBlind",
        "6m",
        fires={"hybridcache_blind": "0 1x20"},
        calm={"hybridcache_blind": "0 1 0 0 1 0 0 1 0"},
        summary="1 instance(s) with cache shop of web are blind.",
    ),
    Case(
        "HybridcacheHitRatioLow",
        "25m",
        fires=lookups(hit_fresh=400, miss=600),
        calm=lookups(hit_fresh=600, miss=400),
        summary="Only 40% of the lookups of cache shop of web are hits.",
    ),
    Case(
        "HybridcacheStaleShareHigh",
        "25m",
        fires=lookups(hit_fresh=600, hit_stale=400),
        calm=lookups(hit_fresh=900, hit_stale=100),
        summary="40% of the lookups of cache shop of web are served stale.",
    ),
    Case(
        "HybridcacheSuppressedShareHigh",
        "25m",
        fires=lookups(hit_fresh=800, suppressed=200),
        calm=lookups(hit_fresh=950, suppressed=50),
        summary="20% of the lookups of cache shop of web wait for another's load.",
    ),
    Case(
        "HybridcacheLoadSlow",
        "25m",
        fires=loads(7.0),
        calm=loads(0.7),
        summary="One load in a hundred of cache shop of web takes 9.95s or more.",
    ),
    Case(
        "HybridcacheLoadErrors",
        "15m",
        fires=loads_by(stored=90, error=10),
        calm=loads_by(stored=99, error=1),
        summary="10% of the loads of cache shop of web fail.",
    ),
    Case(
        "HybridcacheLookupTimeouts",
        "20m",
        fires={TIMEOUTS: steady(30)},
        # Another reason, and a timeout now and then, are not it.
        calm={
            TIMEOUTS: "0x7 1x50",
            OTHERS: steady(30),
            CANCELLED: steady(30),
        },
        summary="Callers of cache shop of web get LoadTimeout, 0.50/s.",
    ),
    Case(
        "HybridcacheBacklog",
        "20m",
        fires={"hybridcache_recovery_backlog": "0 3x30"},
        calm={"hybridcache_recovery_backlog": "0 3 3 0 3 3 0 3 3 0 3 3 0 3 3 0 3 3 0"},
        summary="1 instance(s) with cache shop of web owe Redis leases for minutes.",
    ),
    Case(
        "HybridcacheMemoryFull",
        "55m",
        fires=lookups(hit_fresh=600) | {SIZE: steady(50), STORED: steady(60)},
        calm=lookups(hit_fresh=600) | {SIZE: steady(5), STORED: steady(60)},
        summary="The memory tier of cache shop of web is full.",
        # All that comes is what Redis had; then much comes, and little goes.
        fires_too=({ADOPTED: steady(120), SIZE: steady(100)},),
        calm_too=({ADOPTED: steady(600), STORED: steady(60), SIZE: steady(100)},),
    ),
    Case(
        "HybridcacheStoresRefused",
        "25m",
        fires={REFUSED: steady(60), STORED: steady(60)},
        calm={REFUSED: steady(0), ANSWERED: steady(60), STORED: steady(60)},
        summary="Values of cache shop of web are not stored: 1.00/s refused or unfit.",
        fires_too=({ANSWERED: steady(60), TOO_LARGE: steady(60)},),
    ),
    Case(
        "HybridcacheUndecodable",
        "50m",
        fires={SHAPE: steady(60)},
        # A deploy changed a type: for five minutes old entries are found.
        calm={SHAPE: "0+60x5 300x60"},
        summary="Redis holds bytes that cache shop of web cannot read, 1.00/s.",
    ),
)


@pytest.fixture(name="promtool")
def _promtool() -> str:
    found = shutil.which("promtool")
    if found is None and os.environ.get("HYBRIDCACHE_REQUIRE_PROMTOOL") == "1":
        pytest.fail("promtool is not on PATH, and HYBRIDCACHE_REQUIRE_PROMTOOL=1")
    if found is None:
        pytest.skip("promtool (of Debian's package prometheus) is not on PATH")
    return found


def test_each_alert_has_a_case() -> None:
    """No alert goes untested."""
    assert [alert.name for alert in ALERTS] == [case.alert for case in CASES]


def test_promtool_finds_nothing_wrong(promtool: str) -> None:
    """The file of rules is one that Prometheus takes."""
    done = subprocess.run(
        [promtool, "check", "rules", RULES],
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_an_alert_fires_when_it_should(
    case: Case, promtool: str, tmp_path: Path
) -> None:
    """Under some series it fires, with its words; under others it is silent."""
    (alert,) = (each for each in ALERTS if each.name == case.alert)
    firing = {
        "exp_labels": {
            "severity": alert.severity.value,
            "cache": "shop",
            "job": "web",
        },
        "exp_annotations": {
            "summary": case.summary,
            "description": alert.description,
            "runbook": f"{PAGE}#{alert.anchor}",
        },
    }
    tests = tmp_path / "tests.yml"
    tests.write_text(
        json.dumps(
            {
                "rule_files": [str(RULES)],
                "tests": [
                    *(
                        judged(case, series, [firing])
                        for series in (case.fires, *case.fires_too)
                    ),
                    *(
                        judged(case, series, [])
                        for series in (case.calm, *case.calm_too)
                    ),
                ],
            }
        ),
        encoding="utf-8",
    )

    done = subprocess.run(
        [promtool, "test", "rules", tests],
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr


def judged(case: Case, series: dict[str, str], alerts: list[object]) -> object:
    """Write one test of promtool's: these series, and these alerts at that time."""
    return {
        "interval": "1m",
        "input_series": [
            {"series": labelled(name), "values": values}
            for name, values in series.items()
        ],
        "alert_rule_test": [
            {"eval_time": case.at, "alertname": case.alert, "exp_alerts": alerts}
        ],
    }


def labelled(series: str) -> str:
    """Add the labels of a target and of a cache."""
    name, _, filters = series.removesuffix("}").partition("{")
    return f"{name}{{{', '.join(filter(None, [filters, LABELS]))}}}"
