"""The ratios and rates that are recorded for the alerts, by job and cache."""

from typing import Final

import attrs

from dashboard.expressions import quantile, rate, settled, share

BY: Final = ("job", "cache")
WINDOW: Final = "5m"


@attrs.frozen
class Recording:
    """An expression that Prometheus computes once and keeps under a name."""

    name: str
    expression: str


def _recording(name: str, expression: str) -> Recording:
    return Recording(f"job_cache:hybridcache_{name}", settled(expression, "", WINDOW))


LOOKUPS: Final = _recording("lookups:rate5m", rate("lookups_total", *BY))
HITS: Final = _recording(
    "hits:ratio_rate5m", share("lookups_total", *BY, where='outcome=~"hit-.+"')
)
STALE: Final = _recording(
    "hits_stale:ratio_rate5m",
    share("lookups_total", *BY, where='outcome="hit-stale"'),
)
SUPPRESSED: Final = _recording(
    "suppressed:ratio_rate5m",
    share("lookups_total", *BY, where='outcome="suppressed"'),
)
LOAD_ERRORS: Final = _recording(
    "load_errors:ratio_rate5m",
    share("load_seconds_count", *BY, where='result="error"'),
)
LOADS: Final = _recording("loads:rate5m", rate("load_seconds_count", *BY))
LOAD_P99: Final = _recording("load_seconds:p99_5m", quantile(0.99, "load_seconds", *BY))
TIMEOUTS: Final = _recording(
    "lookup_timeouts:rate5m",
    rate("lookup_failures_total", *BY, where='reason="timeout"'),
)
SIZE_EVICTIONS: Final = _recording(
    "evictions_size:rate5m", rate("evictions_total", *BY, where='cause="size"')
)
_LOADED: Final = rate("stores_total", *BY, where='tier="memory", result="stored"')
_ADOPTED: Final = rate("lookups_total", *BY, where='tier="redis"')
_NONE: Final = f"0 * {rate('lookups_total', *BY)}"
# What Redis serves is put into memory, as what a load makes is.
MEMORY_FILLS: Final = _recording(
    "memory_fills:rate5m", f"({_LOADED} or {_NONE}) + ({_ADOPTED} or {_NONE})"
)

RECORDINGS: Final = (
    LOOKUPS,
    HITS,
    STALE,
    SUPPRESSED,
    LOADS,
    LOAD_ERRORS,
    LOAD_P99,
    TIMEOUTS,
    SIZE_EVICTIONS,
    MEMORY_FILLS,
)
