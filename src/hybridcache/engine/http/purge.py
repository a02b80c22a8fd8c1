"""Drop what is held for a URL, all of its variants with it."""

from hybridcache.core.http.key import primary_key
from hybridcache.core.http.message import Request
from hybridcache.core.outcome import Invalidated
from hybridcache.engine.command import Flow
from hybridcache.engine.http.site import Site
from hybridcache.engine.invalidate import invalidate


def purge(site: Site, request: Request) -> Flow[Invalidated]:
    """Have no later request like this served by what is held now, on any node.

    Raises:

        ValueError: Its key is longer than the policy allows: nothing is held for it.
    """
    key = primary_key(request, site.policy)
    if key is None:
        msg = (
            f"a URL longer than max_key={site.policy.max_key} is never cached:"
            f" {request.target[:80]!r}..."
        )
        raise ValueError(msg)
    return invalidate(site.ctx(), key)
