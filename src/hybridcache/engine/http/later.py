"""A POST whose response may serve a later GET (RFC 9110, section 9.3.3).

Rules of this module: the GET is one that the cache would deal with, and an invalidation
that passes once the POST is under way is heard of: what came of it is not stored then.
"""

import attrs

from hybridcache.core.http.admission import Bypass, Terms, admit
from hybridcache.core.http.invalidation import later_get
from hybridcache.core.http.key import primary_key
from hybridcache.core.http.message import Request
from hybridcache.engine.context import Context
from hybridcache.engine.http.site import Site
from hybridcache.engine.poison import Fill


@attrs.define(eq=False)
class Watch:
    """Hears of the invalidations of a key, from when it is made until it is ended."""

    _ctx: Context
    _fill: Fill

    def ended(self) -> bool:
        """Hear no more; whether none passed. It may be ended again."""
        with self._ctx.node.lock:
            self._ctx.node.fills.close(self._fill)
            return not self._fill.spoiled


def watch(ctx: Context, key: str) -> Watch:
    """Begin to hear of the invalidations of *key*."""
    return Watch(ctx, ctx.node.open_fill(key))


@attrs.frozen
class Later:
    """The GET that a POST's response may serve.

    Attributes:

        get: It.

        terms: Its terms.

        key: Its key.

        watch: Made before the POST went out.
    """

    get: Request
    terms: Terms
    key: str
    watch: Watch


def later_of(site: Site, ctx: Context, request: Request) -> Later | None:
    """Return the GET that the response to *request* may serve, if there is one."""
    get = later_get(request, site.policy)
    if get is None or site.bypassed() or ctx.closed():
        return None
    admitted = admit(get, site.policy)
    key = None if isinstance(admitted, Bypass) else primary_key(get, site.policy)
    if isinstance(admitted, Bypass) or key is None:
        return None
    return Later(get, admitted, key, watch(ctx, key))
