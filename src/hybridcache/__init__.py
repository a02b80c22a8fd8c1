"""A typed two-tier cache: memory in the process, Redis behind it.

One load for a thousand callers, a slightly old value while a new one is fetched,
service when Redis is down, and for every lookup a record of what happened.
"""

from hybridcache.adapters.codec import JSON, MSGPACK, Codec
from hybridcache.core.decision import (
    Absent,
    Decision,
    Expired,
    Fetch,
    Fresh,
    Freshness,
    Serve,
    ServeAndRefresh,
    ServeHeldOff,
    Stale,
    assess,
    decide,
)
from hybridcache.core.entry import Entry
from hybridcache.core.errors import (
    Closed,
    HybridCacheError,
    LoadFailedElsewhere,
    LoadTimeout,
    ReentrantLoad,
    WouldBlockLoop,
)
from hybridcache.core.explanation import (
    Explanation,
    HeldLease,
    Hold,
    NextLookup,
    RunningLoad,
)
from hybridcache.core.health import Health, MemoryHealth, UpstreamHealth
from hybridcache.core.outcome import (
    HitFresh,
    HitStale,
    Invalidated,
    Miss,
    Outcome,
    Peeked,
    Refresh,
    Scope,
    Suppressed,
    Tier,
    UpstreamDown,
)
from hybridcache.core.policy import Duration, Policy, PolicyChanges, RunIn, Suppress
from hybridcache.core.reply import NoStore, NotModified, Reply, Store
from hybridcache.core.shown_entry import Foreign, InMemory, InRedis
from hybridcache.engine.current import CurrentLoad, current_load
from hybridcache.engine.events import (
    BlindnessChanged,
    BreakerMoved,
    Event,
    InvalidationDone,
    LoadAbandoned,
    LoadEnded,
    LookedUp,
    LookupFailed,
    Observer,
    Reason,
    RefreshEnded,
    StoreEnded,
    UndecodableFound,
    UpstreamAsked,
    WaitEnded,
)
from hybridcache.faces.async_cache import AsyncCache
from hybridcache.faces.cache import Cache
from hybridcache.faces.exporting import export_to_opentelemetry
from hybridcache.faces.memory import Memory
from hybridcache.faces.protocols import AsyncCached, Cached
from hybridcache.faces.upstream import Redis

__all__ = [
    "JSON",
    "MSGPACK",
    "Absent",
    "AsyncCache",
    "AsyncCached",
    "BlindnessChanged",
    "BreakerMoved",
    "Cache",
    "Cached",
    "Closed",
    "Codec",
    "CurrentLoad",
    "Decision",
    "Duration",
    "Entry",
    "Event",
    "Expired",
    "Explanation",
    "Fetch",
    "Foreign",
    "Fresh",
    "Freshness",
    "Health",
    "HeldLease",
    "HitFresh",
    "HitStale",
    "Hold",
    "HybridCacheError",
    "InMemory",
    "InRedis",
    "Invalidated",
    "InvalidationDone",
    "LoadAbandoned",
    "LoadEnded",
    "LoadFailedElsewhere",
    "LoadTimeout",
    "LookedUp",
    "LookupFailed",
    "Memory",
    "MemoryHealth",
    "Miss",
    "NextLookup",
    "NoStore",
    "NotModified",
    "Observer",
    "Outcome",
    "Peeked",
    "Policy",
    "PolicyChanges",
    "Reason",
    "Redis",
    "ReentrantLoad",
    "Refresh",
    "RefreshEnded",
    "Reply",
    "RunIn",
    "RunningLoad",
    "Scope",
    "Serve",
    "ServeAndRefresh",
    "ServeHeldOff",
    "Stale",
    "Store",
    "StoreEnded",
    "Suppress",
    "Suppressed",
    "Tier",
    "UndecodableFound",
    "UpstreamAsked",
    "UpstreamDown",
    "UpstreamHealth",
    "WaitEnded",
    "WouldBlockLoop",
    "assess",
    "current_load",
    "decide",
    "export_to_opentelemetry",
]
