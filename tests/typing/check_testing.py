"""The types of what users test with."""

from typing import assert_type

from hybridcache import AsyncCache, Cache, Event, Policy
from hybridcache.testing import (
    CacheFactory,
    ManualClock,
    ScriptedUpstream,
    assert_outcomes,
)

policy = Policy(fresh_for=60, ttl=3600)


def check_upstream() -> None:
    upstream = ScriptedUpstream(ManualClock(), timeout=0.5)
    assert_type(upstream.clock, ManualClock)
    assert_type(upstream.asked, list[str])
    assert_type(upstream.model.names(), list[str])
    cache = Cache(name="shop", upstream=upstream, clock=upstream.clock)
    assert_outcomes([cache.outcome("k", lambda: 1, policy)], "miss")


def check_events(events: list[Event]) -> None:
    assert_outcomes(events, "miss", "hit-fresh")


def check_factory(hybrid_cache: CacheFactory) -> None:
    assert_type(hybrid_cache(), Cache)
    assert_type(hybrid_cache.for_tasks("shop"), AsyncCache)
