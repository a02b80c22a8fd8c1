"""A response whose load begins with its head: whether it serves others shows only then.

That is a POST's, which may serve a later GET (RFC 9110, section 9.3.3), and what
answers a GET that is likely to be for its client alone.

Rules of this module: the GET is one that the cache would deal with, and an invalidation
that passes once the request is under way is heard of: what came is not stored then, nor
where one could have passed unheard.
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
        """Hear no more; whether none can have passed. It may be ended again."""
        node, fill = self._ctx.node, self._fill
        with node.lock:
            node.fills.close(fill)
            # Another node's is heard of by the subscription alone.
            return not fill.spoiled and node.whole and fill.epoch == node.epoch


def watch(ctx: Context, key: str) -> Watch:
    """Begin to hear of the invalidations of *key*."""
    return Watch(ctx, ctx.node.open_fill(key))


@attrs.frozen
class Later:
    """The GET that a response may serve.

    Attributes:

        get: It.

        terms: Its terms.

        key: Its key.

        watch: Made before the request went out.
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
    return later_for(ctx, get, admitted, key)


def later_for(ctx: Context, get: Request, terms: Terms, key: str) -> Later:
    """Begin to hear of what would make the response to *get* wrong."""
    return Later(get, terms, key, watch(ctx, key))
