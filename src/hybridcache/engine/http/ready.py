"""The shortest way of a memory hit: by where the request came, before it is read.

A response that has just been served from memory joins an index under its place: what a
plain request says of itself, raw, and all that its key is made of. It leaves the index
with the record, and when the cache is closed, bypassed or distrusts its memory; the
same index as decorated functions have by their arguments.

Only what every plain request is served with until one instant joins: nothing that
varies, and nothing where the policy asks a function of the user's.
"""

from typing import Final, TypeAlias

from hybridcache.core.http.answers import AGE, Answer
from hybridcache.core.http.message import Stored
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.status import STATUS, hit_status
from hybridcache.engine.form import Whole
from hybridcache.engine.http.site import Site
from hybridcache.engine.kept import Kept
from hybridcache.engine.memory import MAX_FREQ
from hybridcache.engine.recall import fresh_until
from hybridcache.engine.tally import HIT_FRESH_IN_MEMORY

Place: TypeAlias = tuple[object, ...]
"""Host, raw path and whatever else tells the key of a plain GET."""

# A default port may be written out or not, a root path be part of the path or not:
# more places than these lead to one response only where somebody plays with them.
MOST_PLACES: Final = 4


def ready(site: Site, place: Place) -> Answer | None:
    """Answer a plain GET as one from the same place was answered before."""
    kept = site.index.get(place)
    if kept is None:
        return None
    ctx = site.ctx()
    now = ctx.now()
    # Inside a recorded span a hit has a span of its own.
    if now >= kept.until or ctx.tracing.recording():
        return None
    stored = kept.value
    if not isinstance(stored, Stored):
        return None
    site.tally(stored.route).slots[HIT_FRESH_IN_MEMORY] += 1
    if kept.freq < MAX_FREQ:
        kept.freq += 1
    age = stored.initial_age + now - kept.written_at
    end = ((AGE, b"%d" % age), (STATUS, hit_status(stored.lifetime - age)))
    return Answer(stored.status, stored.headers + end, stored.body, stored.reason)


def remember(
    site: Site, place: Place, kept: Kept, stored: Stored, until: float
) -> None:
    """Let *place* alone lead to *stored* until then, if it may."""
    if stored.vary or not isinstance(kept.form, Whole) or not site.indexable():
        return
    if len(kept.places) >= MOST_PLACES:
        return
    node = site.ctx().node
    kept.value = stored
    node.index(kept, site.index, place, min(until, fresh_until(kept, site.lives)))
    if not site.indexable():
        # Closed, bypassed or overridden meanwhile, and perhaps on another node now.
        node.disable_indexes()


def by_place(policy: HTTPPolicy) -> bool:
    """Whether under *policy* the key of a plain GET is its place and nothing else."""
    return not (
        policy.key_headers
        or policy.request_key
        or policy.partition
        or policy.bypass_if
        or policy.accept_request
    )
