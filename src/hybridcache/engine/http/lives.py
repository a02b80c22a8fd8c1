"""How the engine is to keep what HTTP stores: its own freshness is that of RFC 9111."""

from typing import Final

from hybridcache.core.http.making import grace
from hybridcache.core.http.message import Record, Stored, Unshared
from hybridcache.core.policy import LONGEST
from hybridcache.core.reply import NoStore, Store
from hybridcache.engine.http.site import Site

UNSHARED: Final[NoStore[Record]] = NoStore(Unshared())
"""The reply for a response that was for one request alone."""


def kept_for_its_life(
    stored: Stored, site: Site, *, most: float = LONGEST
) -> Store[Record]:
    """Store *stored* while it is fresh, and as long after as it may be of use.

    *most*: longest life, seconds.
    """
    left = max(0.0, stored.lifetime - stored.initial_age)
    ttl = min(most, left + grace(stored, site.policy))
    fresh_for = 0.0 if stored.always_revalidate else min(left, ttl)
    return Store(stored, fresh_for=fresh_for, ttl=ttl)


def tombstone(site: Site) -> Store[Record]:
    """Store that what was there must not be used any more."""
    return Store(Unshared(), fresh_for=0.0, ttl=site.policy.pass_for)
