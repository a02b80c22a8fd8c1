"""Validate a stale response in the background, while it is served (RFC 5861)."""

from typing import Final

import attrs

from hybridcache.core.http.admission import terms
from hybridcache.core.http.codes import SERVER_ERRORS
from hybridcache.core.http.decision import validators
from hybridcache.core.http.fields import without
from hybridcache.core.http.judgement import (
    Again,
    Freshened,
    Keep,
    Pass,
    ServeOnce,
    UseStale,
)
from hybridcache.core.http.making import finished
from hybridcache.core.http.message import Headers, Request, Stored
from hybridcache.core.http.receive import judge
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context
from hybridcache.engine.http.find import Found
from hybridcache.engine.http.lives import kept_for_its_life, tombstone
from hybridcache.engine.http.site import Fetched, Fetcher, Reply, Site
from hybridcache.engine.lookup import start_refresh

# Under which conditions, and how much of it, the client wants the response.
CONDITIONS: Final = frozenset(
    (
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"range",
    )
)
# What is no business of a response for all.
OF_THE_CLIENT: Final = CONDITIONS | {b"cache-control", b"pragma"}


class RefreshFailed(Exception):  # noqa: N818 (an event that ends a load)
    """A response came in the background, and it was of no use."""


def refresh_behind(
    site: Site, ctx: Context, request: Request, found: Found, fetcher: Fetcher
) -> Flow[None]:
    """Start a refresh of what was found, unless one runs or a failure holds it off."""
    hit, stored = found.hit, found.stored
    if hit is None or stored is None:
        return
    if ctx.now() < ctx.node.holds.held_off_until(found.key):
        return
    running = sum(flight.background for flight in ctx.node.flights.flights())
    if running >= site.policy.max_refreshes:
        return
    fields = without(request.headers, OF_THE_CLIENT)
    # A 304 would leave a part what it is: all of it is asked for.
    own = validators(terms(fields), stored) if stored.complete else ()
    bare = attrs.evolve(request, method="GET", headers=(*fields, *own))

    def conclude(fetched: Fetched) -> Reply:
        return concluded(site, bare, stored, found, fetched)

    query = site.query(found.key, fetcher(bare, conclude), site.behind)
    try:
        yield from start_refresh(ctx, query, hit)
    except RuntimeError:
        # The system has no thread left for it; a later request tries again.
        return


def concluded(
    site: Site, request: Request, stored: Stored, found: Found, fetched: Fetched
) -> Reply:
    """Say what a response that came in the background makes of the stored one.

    Raises:

        RefreshFailed: It says nothing of it; the stored one stays as it is.
    """
    verdict = judge(
        request,
        terms(request.headers),
        site.policy,
        fetched.head,
        stored=stored,
        age=stored.initial_age + found.resident,
        requested_at=fetched.requested_at,
        received_at=fetched.received_at,
        route=stored.route,
    )
    match verdict:
        case Freshened(stored=new):
            return _in_place(site, found, new)
        case ServeOnce():
            return tombstone(site)
        case Keep(template=template):
            whole = finished(template, fetched.body, fetched.head)
            if whole is None:
                msg = "its body was cut short"
                raise RefreshFailed(msg)
            return _in_place(site, found, whole)
        case UseStale() | Again():
            msg = f"the origin answered {fetched.head.status}"
            raise RefreshFailed(msg)
        case Pass(reason=reason):
            if fetched.head.status >= SERVER_ERRORS:
                msg = f"the origin answered {fetched.head.status}: {reason}"
                raise RefreshFailed(msg)
            return tombstone(site)


def _in_place(site: Site, found: Found, new: Stored) -> Reply:
    """Keep *new* where the old one was, if requests that it is for look there."""
    known = () if found.variants is None else found.variants.vary
    if set(new.vary) <= set(known):
        return kept_for_its_life(new, site)
    return tombstone(site)


def replaced(headers: Headers, fields: Headers) -> Headers:
    """Return a request's fields with *fields* in the place of those of their names."""
    if not fields:
        return headers
    return (*without(headers, {name for name, _ in fields}), *fields)
