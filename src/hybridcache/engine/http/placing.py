"""Put a response where later requests will look for it: under its URL, or a variant's.

The first response of a URL that varies makes two entries: how the URL varies, under its
key, and the response, under a key that has a new generation in it. So an invalidation of
the URL's key alone takes all variants out of reach, those being loaded too.
"""

from typing import Final

import attrs

from hybridcache.core.http.key import variant_key
from hybridcache.core.http.message import Stored, Variants
from hybridcache.core.reply import Store
from hybridcache.engine.command import Await, Flow
from hybridcache.engine.context import Context
from hybridcache.engine.http.leading import STORED_WITHIN, Led, lead_or_follow
from hybridcache.engine.http.lives import UNSHARED, kept_for_its_life, tombstone
from hybridcache.engine.http.site import Reply, Site
from hybridcache.engine.invalidate import invalidate
from hybridcache.engine.lease_requests import Mode
from hybridcache.engine.plan import Plan

# How a URL varies is remembered for a day, and so long at most a variant lives: what an
# invalidation took out of reach does not lie in Redis for its year.
VARIANTS_TTL: Final = 86400.0


@attrs.frozen
class Address:
    """Where the responses of a URL are.

    Attributes:

        site: Whose URL it is.

        ctx: The cache's context.

        primary: The URL's key.

        variants: How its responses vary, as far as is known.
    """

    site: Site
    ctx: Context
    primary: str
    variants: Variants | None


def store(address: Address, led: Led, stored: Stored) -> Flow[None]:
    """Have the load store *stored*, and wait until it has."""
    reply = yield from _reply(address, led, stored)
    yield from _settled(led, reply)


def bury(site: Site, led: Led) -> Flow[None]:
    """Have what is stored used no more."""
    yield from _settled(led, tombstone(site))


def lead_beside(site: Site, ctx: Context, key: str, route: str) -> Flow[Led | None]:
    """Start a load of *key* for a response that is here already, beside any other."""
    plan = Plan(mode=Mode.FORCE)
    news = yield from lead_or_follow(site, ctx, key, plan, site.beside, looks=False)
    if not isinstance(news, Led):
        return None
    news.route = route
    return news


def _settled(led: Led, reply: Reply) -> Flow[None]:
    led.settle(reply)
    yield from Await(led.ended, STORED_WITHIN)


def _reply(address: Address, led: Led, stored: Stored) -> Flow[Reply]:
    """Say what the load is to store, with the variant stored beside it if any."""
    if address.variants is None:
        if not stored.vary:
            return kept_for_its_life(stored, address.site)
        return (yield from _first_variant(address, led.route, stored))
    if not set(stored.vary) <= set(address.variants.vary):
        # It varies by more than was known: the next request finds out anew.
        yield from invalidate(address.ctx, address.primary)
        return UNSHARED
    yield from _bound(address, address.variants.generation, led.key)
    return kept_for_its_life(stored, address.site, most=VARIANTS_TTL)


def _first_variant(address: Address, route: str, stored: Stored) -> Flow[Reply]:
    """Store *stored* as a variant; return how its URL varies, to be stored for that."""
    variants = Variants(address.ctx.token(), stored.vary)
    key = variant_key(address.primary, variants.generation, stored.selecting)
    led = yield from lead_beside(address.site, address.ctx, key, route)
    if led is None:
        return UNSHARED
    reply = kept_for_its_life(stored, address.site, most=VARIANTS_TTL)
    try:
        yield from _bound(address, variants.generation, key)
        yield from _settled(led, reply)
    finally:
        led.give_up()
    return Store(variants, fresh_for=VARIANTS_TTL, ttl=VARIANTS_TTL)


def _bound(address: Address, generation: str, key: str) -> Flow[None]:
    """Drop the oldest variants that are too many."""
    most = address.site.policy.max_variants
    for one_too_many in address.site.siblings.add(generation, key, most):
        yield from invalidate(address.ctx, one_too_many)
