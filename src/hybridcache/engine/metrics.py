"""The counters and histograms: names, help, labels and bounds, as dashboards see them.

A key is never a label. Names and labels are a promise: to change one breaks alerts.
"""

from typing import Final

import attrs


@attrs.frozen(eq=False)
class Metric:
    """A counter, or a histogram if it has bounds. Compared by identity.

    Attributes:

        name: Without the suffix of its samples.

        help: One sentence.

        labels: Their names.

        bounds: Upper bounds of the buckets, ascending; the last bucket has none.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...] = ()


# From a request to a Redis on the same host to a loader at its wits' end, two or three
# buckets a decade; a memory hit, which would need finer ones, is not timed.
SECONDS: Final = (
    *(50e-6, 100e-6, 250e-6, 500e-6),
    *(1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
# From the shortest `fresh_for` that makes sense to a day: the steps of a clock.
AGES: Final = (
    *(0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0),
    *(60.0, 300.0, 900.0),
    *(3600.0, 14400.0, 43200.0, 86400.0),
)

LOOKUPS: Final = Metric(
    "hybridcache_lookups",
    "Lookups by what they say happened and the tier that served.",
    ("cache", "function", "outcome", "tier"),
)
LOOKUP_FAILURES: Final = Metric(
    "hybridcache_lookup_failures",
    "Lookups that raised, by reason.",
    ("cache", "function", "reason"),
)
LOOKUP_SECONDS: Final = Metric(
    "hybridcache_lookup_seconds",
    "How long lookups took that memory did not serve.",
    ("cache", "outcome"),
    SECONDS,
)
LOAD_SECONDS: Final = Metric(
    "hybridcache_load_seconds",
    "How long loaders took.",
    ("cache", "result"),
    SECONDS,
)
WAIT_SECONDS: Final = Metric(
    "hybridcache_wait_seconds",
    "How long callers waited for a load of another caller.",
    ("cache", "scope"),
    SECONDS,
)
UPSTREAM_SECONDS: Final = Metric(
    "hybridcache_upstream_seconds",
    "How long requests to Redis took.",
    ("cache", "operation", "result"),
    SECONDS,
)
SERVED_AGE_SECONDS: Final = Metric(
    "hybridcache_served_age_seconds",
    "Age of the values that hits in Redis and stale hits served.",
    ("cache", "outcome"),
    AGES,
)
ABANDONED: Final = Metric(
    "hybridcache_abandoned_loads",
    "Loads that ran past abandon_after.",
    ("cache",),
)
REFRESHES: Final = Metric(
    "hybridcache_refreshes",
    "Refreshes in the background, by how they ended.",
    ("cache", "result"),
)
STORES: Final = Metric(
    "hybridcache_stores",
    "Values that a tier was given, by what became of them.",
    ("cache", "tier", "result"),
)
UNDECODABLE: Final = Metric(
    "hybridcache_undecodable",
    "Entries in Redis that were none for their key and type, by reason.",
    ("cache", "reason"),
)
INVALIDATIONS: Final = Metric(
    "hybridcache_invalidations",
    "Invalidations of a key or of all, by the node that they came from.",
    ("cache", "origin"),
)
EVICTIONS: Final = Metric(
    "hybridcache_evictions",
    "Entries that left memory, by cause.",
    ("cache", "cause"),
)

METRICS: Final = (
    LOOKUPS,
    LOOKUP_FAILURES,
    LOOKUP_SECONDS,
    LOAD_SECONDS,
    WAIT_SECONDS,
    UPSTREAM_SECONDS,
    SERVED_AGE_SECONDS,
    ABANDONED,
    REFRESHES,
    STORES,
    UNDECODABLE,
    INVALIDATIONS,
    EVICTIONS,
)
