"""The panels: one list, from which Grafana's dashboard and our page are built."""

from typing import Final

from dashboard.expressions import quantile, rate, share, total
from dashboard.panel import Line, Panel, Section, Shape, Unit


def _quantiles(name: str, *by: str) -> tuple[Line, ...]:
    """Give the median and the 99th percentile, by labels."""
    label = " ".join(f"{{{{{each}}}}}" for each in by)
    return tuple(
        Line(quantile(rank, name, *by), f"{label} {word}".strip())
        for rank, word in ((0.5, "p50"), (0.99, "p99"))
    )


_LOOKUPS: Final = Section(
    "Lookups",
    (
        Panel(
            "lookups",
            "Lookups by outcome",
            "How every lookup was served; the whole height is the load.",
            Unit.RATE,
            (Line(rate("lookups_total", "outcome"), "{{outcome}}"),),
            Shape.STACKED,
            wide=True,
        ),
        Panel(
            "hit-ratio",
            "Hit ratio",
            "Lookups that a tier served, fresh or stale, of all that got a value.",
            Unit.SHARE,
            (
                Line(share("lookups_total", where='outcome=~"hit-.+"'), "hits"),
                Line(share("lookups_total", where='tier="memory"'), "from memory"),
            ),
        ),
        Panel(
            "stale-share",
            "Stale share",
            "Callers that were given an old value while a new one was made.",
            Unit.SHARE,
            (Line(share("lookups_total", where='outcome="hit-stale"'), "hit-stale"),),
        ),
        Panel(
            "suppressed-share",
            "Suppressed share",
            "Callers that waited for another's load instead of loading too.",
            Unit.SHARE,
            (Line(share("lookups_total", where='outcome="suppressed"'), "suppressed"),),
        ),
        Panel(
            "lookup-failures",
            "Lookup failures by reason",
            "Lookups without a value: the loader raised, or took too long.",
            Unit.RATE,
            (Line(rate("lookup_failures_total", "reason"), "{{reason}}"),),
            Shape.STACKED,
        ),
        Panel(
            "lookup-p50",
            "Lookup p50 by outcome",
            "What a usual caller waits; hits in memory are not timed.",
            Unit.SECONDS,
            (Line(quantile(0.5, "lookup_seconds", "outcome"), "{{outcome}}"),),
        ),
        Panel(
            "lookup-p99",
            "Lookup p99 by outcome",
            "What one caller in a hundred waits at least.",
            Unit.SECONDS,
            (Line(quantile(0.99, "lookup_seconds", "outcome"), "{{outcome}}"),),
        ),
        Panel(
            "served-age",
            "Age of what was served, p99",
            "How old hits from Redis and stale hits were.",
            Unit.SECONDS,
            (Line(quantile(0.99, "served_age_seconds", "outcome"), "{{outcome}}"),),
        ),
    ),
)

_LOADS: Final = Section(
    "Loads",
    (
        Panel(
            "loads",
            "Loads by result",
            "What the slow thing behind is asked, and how often it fails.",
            Unit.RATE,
            (Line(rate("load_seconds_count", "result"), "{{result}}"),),
            Shape.STACKED,
        ),
        Panel(
            "load-seconds",
            "Load time",
            "How long the loader takes.",
            Unit.SECONDS,
            _quantiles("load_seconds"),
        ),
        Panel(
            "waits",
            "Waits for another's load",
            "How long the suppressed waited, in this process or for another.",
            Unit.SECONDS,
            _quantiles("wait_seconds", "scope"),
        ),
        Panel(
            "refreshes",
            "Refreshes by result",
            "Loads in the background that replace stale values.",
            Unit.RATE,
            (Line(rate("refreshes_total", "result"), "{{result}}"),),
            Shape.STACKED,
        ),
        Panel(
            "flights",
            "Loads under way",
            "How many keys are being loaded at this moment.",
            Unit.COUNT,
            (Line(total("flights", "cache"), "{{cache}}"),),
        ),
        Panel(
            "abandoned-loads",
            "Loads abandoned",
            "Loads that ran past abandon_after: their loader may hang.",
            Unit.RATE,
            (Line(rate("abandoned_loads_total", "cache"), "{{cache}}"),),
        ),
        Panel(
            "invalidations",
            "Invalidations by origin",
            "Keys dropped here, and because another process said so.",
            Unit.RATE,
            (Line(rate("invalidations_total", "origin"), "{{origin}}"),),
            Shape.STACKED,
        ),
    ),
)

_REDIS: Final = Section(
    "Redis",
    (
        Panel(
            "upstream",
            "Redis, as the processes see it",
            "Caches in processes: with Redis up, given up on, or blind.",
            Unit.COUNT,
            (
                Line(total("upstream_up"), "up"),
                Line(total("breaker_state", where='state="open"'), "breaker open"),
                Line(total("breaker_state", where='state="half_open"'), "half-open"),
                Line(total("blind"), "blind"),
            ),
        ),
        Panel(
            "upstream-seconds",
            "Redis p99 by operation",
            "How long Redis takes to answer, from the caller's side.",
            Unit.SECONDS,
            (Line(quantile(0.99, "upstream_seconds", "operation"), "{{operation}}"),),
        ),
        Panel(
            "upstream-errors",
            "Redis errors by operation",
            "Requests without an answer, and those that Redis refused.",
            Unit.RATE,
            (
                Line(
                    rate(
                        "upstream_seconds_count",
                        "operation",
                        "result",
                        where='result!="ok"',
                    ),
                    "{{operation}} {{result}}",
                ),
            ),
            Shape.STACKED,
        ),
        Panel(
            "upstream-requests",
            "Redis requests by operation",
            "What the cache asks of Redis.",
            Unit.RATE,
            (Line(rate("upstream_seconds_count", "operation"), "{{operation}}"),),
            Shape.STACKED,
        ),
        Panel(
            "backlog",
            "Recovery backlog",
            "What is still owed to Redis: leases to give back.",
            Unit.COUNT,
            (Line(total("recovery_backlog", "cache"), "{{cache}}"),),
        ),
        Panel(
            "undecodable",
            "Undecodable entries by reason",
            "Bytes in Redis that are no entry of ours; each is a miss.",
            Unit.RATE,
            (Line(rate("undecodable_total", "reason"), "{{reason}}"),),
            Shape.STACKED,
        ),
    ),
)

_MEMORY: Final = Section(
    "Tiers",
    (
        Panel(
            "stores",
            "Stores by tier and result",
            "Where loaded values were kept, and where not.",
            Unit.RATE,
            (Line(rate("stores_total", "tier", "result"), "{{tier}} {{result}}"),),
            Shape.STACKED,
            wide=True,
        ),
        Panel(
            "evictions",
            "Evictions by cause",
            "Why entries left memory; size means that it is full.",
            Unit.RATE,
            (Line(rate("evictions_total", "cause"), "{{cause}}"),),
            Shape.STACKED,
        ),
        Panel(
            "tiers",
            "Lookups by the tier that served",
            "Where the values came from: memory, Redis, or made just now.",
            Unit.RATE,
            (Line(rate("lookups_total", "tier"), "{{tier}}"),),
            Shape.STACKED,
        ),
        Panel(
            "memory-entries",
            "Entries in memory",
            "In all processes together.",
            Unit.COUNT,
            (Line(total("memory_entries", "cache"), "{{cache}}"),),
        ),
        Panel(
            "memory-bytes",
            "Bytes in memory",
            "Encoded values, and a fixed overhead for each.",
            Unit.BYTES,
            (Line(total("memory_bytes", "cache"), "{{cache}}"),),
        ),
    ),
)

SECTIONS: Final = (_LOOKUPS, _LOADS, _REDIS, _MEMORY)
PANELS: Final = tuple(panel for section in SECTIONS for panel in section.panels)
