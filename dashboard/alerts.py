"""The alerts: when each fires, what it says, and what there is to do.

All are by job and cache: an alert is about a cache, not about each of a hundred
processes. The limits suit a cache that serves people; a file of rules is there to be
changed.
"""

from enum import Enum
from typing import Final

import attrs

from dashboard.expressions import rate, series, settled, total
from dashboard.recordings import (
    BY,
    HITS,
    LOAD_ERRORS,
    LOAD_P99,
    LOADS,
    LOOKUPS,
    MEMORY_FILLS,
    SIZE_EVICTIONS,
    STALE,
    SUPPRESSED,
    TIMEOUTS,
    WINDOW,
)

PAGE: Final = "docs/dashboard.md"


class Severity(Enum):
    """CRITICAL: someone shall look now. WARNING: today. INFO: when tuning."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@attrs.frozen
class Alert:
    """One alert.

    Attributes:

        name: Its own.

        expression: PromQL that gives a sample where something is wrong.

        lasting: For how long that must be so.

        severity: How soon someone shall look.

        summary: What is wrong, in a line.

        description: What it means and what to do, in a few.

        anchor: Where the page on the dashboard says more.
    """

    name: str
    expression: str
    lasting: str
    severity: Severity
    summary: str
    description: str
    anchor: str


# A target is a process, or all workers of one, whose states are counts then: shares
# and "any" are right of both. Of a closed cache all states are 0, and 0/0 is no alert.
_CLOSED: Final = total("breaker_state", *BY, where='state="closed"')
CLOSED_SHARE: Final = f"{_CLOSED} / {total('breaker_state', *BY)}"
# Not "open": a probe makes that half-open, again and again while Redis is away.
_NOT_CLOSED: Final = series("breaker_state", 'state!="closed"')
ANY_NOT_CLOSED: Final = f"sum without (state) ({_NOT_CLOSED}) > bool 0"
# A Redis that refuses is noticed before there is anything to store.
REFUSED: Final = rate("upstream_seconds_count", *BY, where='result="refused"')
UNFIT: Final = rate("stores_total", *BY, where='result=~"unencodable|too-large"')

# A ratio of few lookups, or loads, says little.
BUSY: Final = f"{LOOKUPS.name} > 1"
LOADING: Final = f"{LOADS.name} > 0.1"


def _throughout(most_or_least: str, name: str, value: int) -> str:
    """Count the targets of which a gauge was *value* at each look of two minutes."""
    ranged = f"{most_or_least}_over_time({series(name)}[2m]) == {value}"
    return settled(f"count by ({', '.join(BY)}) ({ranged})", "", WINDOW)


_PERCENT: Final = "{{ $value | humanizePercentage }}"
_COUNT: Final = "{{ $value }}"
_SECONDS: Final = "{{ $value | humanizeDuration }}"
_PER_SECOND: Final = '{{ $value | printf "%.2f" }}/s'
_CACHE: Final = "cache {{ $labels.cache }} of {{ $labels.job }}"

ALERTS: Final = (
    Alert(
        name="HybridcacheUpstreamDown",
        expression=_throughout("max", "upstream_up", 0),
        lasting="1m",
        severity=Severity.CRITICAL,
        summary=f"Redis is down for {_COUNT} instance(s) with {_CACHE}.",
        description=(
            "Their processes load on their own, once each instead of once for all, and"
            " hear of no invalidation. Look at Redis and at the network to it; look at"
            " what the loader asks, which now carries the load. The processes use Redis"
            " again by themselves within a second."
        ),
        anchor="redis-is-down",
    ),
    Alert(
        name="HybridcacheBreakerOpen",
        expression=settled(f"{CLOSED_SHARE} < 0.5", "", WINDOW),
        lasting="30s",
        severity=Severity.WARNING,
        summary=f"Most processes with {_CACHE} have given up asking Redis.",
        description=(
            "Their requests failed several times in a row, so callers ask Redis no more"
            " and one thread of each process probes. It is the early sign of"
            " HybridcacheUpstreamDown, and there is nothing else to do but to look at"
            " Redis and at the network to it."
        ),
        anchor="the-breaker-is-open",
    ),
    Alert(
        name="HybridcacheBreakerFlaps",
        expression=settled(
            f"max by (job, cache) (changes(({ANY_NOT_CLOSED})[10m:15s])) > 4",
            "",
            WINDOW,
        ),
        lasting="0m",
        severity=Severity.WARNING,
        summary=f"The breaker of {_CACHE} opens and closes again and again.",
        description=(
            "Redis answers a probe and then not the callers: it is overloaded, its"
            " answers take longer than the timeout, or the network loses packets. Look"
            " at Redis p99 by operation and at Redis's own slow log; raise the timeout"
            " only if callers can wait that long."
        ),
        anchor="the-breaker-flaps",
    ),
    Alert(
        name="HybridcacheBlind",
        expression=_throughout("min", "blind", 1),
        lasting="1m",
        severity=Severity.WARNING,
        summary=f"{_COUNT} instance(s) with {_CACHE} are blind.",
        description=(
            "Their subscription is not whole, so they check each memory entry with"
            " Redis before they serve it: correct, but as slow as Redis. If Redis is"
            " up, look whether its user may subscribe, whether a proxy swallows"
            " messages, and at client-output-buffer-limit pubsub."
        ),
        anchor="processes-are-blind",
    ),
    Alert(
        name="HybridcacheHitRatioLow",
        expression=f"{HITS.name} < 0.5 and {BUSY}",
        lasting="10m",
        severity=Severity.WARNING,
        summary=f"Only {_PERCENT} of the lookups of {_CACHE} are hits.",
        description=(
            "The cache saves little. Compare evictions by size (memory too small), the"
            " ttl (too short), invalidations (too many), undecodable entries (a deploy"
            " changed a type) and the key (a part that never repeats)."
        ),
        anchor="the-hit-ratio-is-low",
    ),
    Alert(
        name="HybridcacheStaleShareHigh",
        expression=f"{STALE.name} > 0.25 and {BUSY}",
        lasting="10m",
        severity=Severity.WARNING,
        summary=f"{_PERCENT} of the lookups of {_CACHE} are served stale.",
        description=(
            "Refreshes do not keep up. If they fail, look at the loader's errors; if"
            " they are slow, at its time; if neither, fresh_for is short for how often"
            " keys are asked for: raise it or set refresh_ahead."
        ),
        anchor="much-is-served-stale",
    ),
    Alert(
        name="HybridcacheSuppressedShareHigh",
        expression=f"{SUPPRESSED.name} > 0.1 and {BUSY}",
        lasting="10m",
        severity=Severity.WARNING,
        summary=f"{_PERCENT} of the lookups of {_CACHE} wait for another's load.",
        description=(
            "Many callers ask for keys that are being loaded: suppression does its"
            " work, and callers wait all the same. Look at load time; serve stale"
            " longer (ttl well above fresh_for), so that callers need not wait; and"
            " look at what invalidates hot keys."
        ),
        anchor="many-wait-for-anothers-load",
    ),
    Alert(
        name="HybridcacheLoadSlow",
        expression=f"{LOAD_P99.name} > 5 and {LOADING}",
        lasting="10m",
        severity=Severity.WARNING,
        summary=f"One load in a hundred of {_CACHE} takes {_SECONDS} or more.",
        description=(
            "The slow thing behind has become slower. Compare with wait_for: beyond it"
            " callers get LoadTimeout. Look at the service that the loader asks, and"
            " give the loader a timeout of its own."
        ),
        anchor="loads-are-slow",
    ),
    Alert(
        name="HybridcacheLoadErrors",
        expression=f"{LOAD_ERRORS.name} > 0.05 and {LOADING}",
        lasting="5m",
        severity=Severity.CRITICAL,
        summary=f"{_PERCENT} of the loads of {_CACHE} fail.",
        description=(
            "Stale values go on being served until their ttl; then callers get the"
            " loader's error. Look at its exceptions. With error_ttl a failure is"
            " remembered, so that a broken service is not asked by every caller."
        ),
        anchor="loads-fail",
    ),
    Alert(
        name="HybridcacheLookupTimeouts",
        expression=f"{TIMEOUTS.name} > 0",
        # Longer than one timeout is in the window.
        lasting="10m",
        severity=Severity.CRITICAL,
        summary=f"Callers of {_CACHE} get LoadTimeout, {_PER_SECOND}.",
        description=(
            "Loads take longer than wait_for, or hang; one that takes longer than"
            " abandon_after is abandoned and its key loaded anew beside it. Loaders"
            " that hang keep their threads: give them a timeout shorter than wait_for."
        ),
        anchor="callers-get-loadtimeout",
    ),
    Alert(
        name="HybridcacheBacklog",
        expression=settled(
            "count by (job, cache) "
            f"(min_over_time({series('recovery_backlog')}[{WINDOW}]) > 0)",
            "",
            WINDOW,
        ),
        lasting="5m",
        severity=Severity.WARNING,
        summary=f"{_COUNT} instance(s) with {_CACHE} owe Redis leases for minutes.",
        description=(
            "Leases of loads that were cut off cannot be given back. With Redis down"
            " that is no wonder; with Redis up, look whether its user may run scripts"
            " and write, and whether the process hangs. Leases end by themselves after"
            " 3 s, so nobody waits for long."
        ),
        anchor="the-backlog-stays",
    ),
    Alert(
        name="HybridcacheMemoryFull",
        expression=f"{SIZE_EVICTIONS.name} / {MEMORY_FILLS.name} > 0.5 and {BUSY}",
        lasting="30m",
        severity=Severity.INFO,
        summary=f"The memory tier of {_CACHE} is full.",
        description=(
            "More than half of what is put into memory drives another entry out."
            " That is no fault: it costs a round trip to Redis for each key that was"
            " driven out. If lookups by tier show much Redis, raise max_items or"
            " max_bytes."
        ),
        anchor="memory-is-full",
    ),
    Alert(
        name="HybridcacheStoresRefused",
        expression=settled(f"{REFUSED} > 0 or {UNFIT} > 0", "", WINDOW),
        lasting="10m",
        severity=Severity.WARNING,
        summary=f"Values of {_CACHE} are not stored: {_PER_SECOND} refused or unfit.",
        description=(
            "Requests refused: Redis is full, read-only, or its user may not write."
            " Each process then loads on its own. Of stores:"
            " unencodable: the loader returns what its annotation does not say; the log"
            " has the type. too-large: beyond what one entry may take."
        ),
        anchor="values-are-not-stored",
    ),
    Alert(
        name="HybridcacheUndecodable",
        expression=settled(rate("undecodable_total", *BY), "", WINDOW) + " > 0",
        lasting="30m",
        severity=Severity.WARNING,
        summary=f"Redis holds bytes that {_CACHE} cannot read, {_PER_SECOND}.",
        description=(
            "For a while after a deploy that changed a type (reason shape) that is as"
            " it should be. If it stays, two versions overwrite each other's entries,"
            " or somebody else writes to the prefix: give each its own."
        ),
        anchor="entries-cannot-be-read",
    ),
)
