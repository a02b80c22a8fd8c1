"""The short way of a memory hit: no generator, no lock, no record of an outcome.

It decides by the same functions as the sequence does; what it cannot serve at once it
leaves to that.
"""

from hybridcache.core.http.admission import Bypass, admit
from hybridcache.core.http.answers import Answer, hit
from hybridcache.core.http.decision import Hit, decide
from hybridcache.core.http.key import primary_key, variant_key
from hybridcache.core.http.message import Request, Stored, Variants
from hybridcache.core.http.vary import selecting
from hybridcache.engine.context import Context
from hybridcache.engine.http.ready import Place, by_place, remember
from hybridcache.engine.http.site import Site
from hybridcache.engine.kept import Kept
from hybridcache.engine.recall import fresh_in_memory
from hybridcache.engine.tally import HIT_FRESH_IN_MEMORY


def at_hand(site: Site, request: Request, place: Place | None = None) -> Answer | None:
    """Answer *request* with a fresh response from memory, if that is all there is to do.

    From then on its *place* alone leads to the response, where that tells enough.
    """
    ctx = site.ctx()
    if ctx.heard or ctx.closed() or site.bypassed() or ctx.tracing.recording():
        return None
    terms = admit(request, site.policy)
    if isinstance(terms, Bypass):
        return None
    key = primary_key(request, site.policy)
    if key is None:
        return None
    now = ctx.now()
    kept = _fresh(site, ctx, key, now)
    record = None if kept is None else kept.form.open()
    if isinstance(record, Variants):
        values = selecting(record.vary, request.headers)
        kept = _fresh(site, ctx, variant_key(key, record.generation, values), now)
        record = None if kept is None else kept.form.open()
    if kept is None or not isinstance(record, Stored):
        return None
    verdict = decide(request, terms, record, now - kept.written_at, site.policy)
    if not isinstance(verdict, Hit):
        return None
    if place is not None and by_place(site.policy):
        remember(site, place, kept, record, now + record.lifetime - verdict.age)
    site.tally(record.route).slots[HIT_FRESH_IN_MEMORY] += 1
    return hit(record, request, terms, verdict.age, site.policy)


def _fresh(site: Site, ctx: Context, key: str, now: float) -> Kept | None:
    return fresh_in_memory(ctx, key, site.lives, site.shape.fingerprint, now)
