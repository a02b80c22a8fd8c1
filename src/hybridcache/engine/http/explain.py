"""Say what would become of a request; load and refresh nothing."""

from hybridcache.core.http.admission import Bypass, Terms, admit
from hybridcache.core.http.decision import (
    GatewayTimeout,
    Hit,
    Miss,
    Revalidate,
    StaleHit,
    Verdict,
    absent,
    decide,
)
from hybridcache.core.http.explained import RequestExplanation
from hybridcache.core.http.key import primary_key
from hybridcache.core.http.message import Request
from hybridcache.engine.command import Flow
from hybridcache.engine.explain import explain
from hybridcache.engine.http.collapsing import mark_of
from hybridcache.engine.http.find import Found, find
from hybridcache.engine.http.site import Site
from hybridcache.engine.inquiry import Inquiry


def explain_request(site: Site, request: Request) -> Flow[RequestExplanation]:
    """Look as a request does, and say what it would come to."""
    ctx = site.ctx()
    terms = admit(request, site.policy)
    if isinstance(terms, Bypass):
        return RequestExplanation("bypass", terms.reason)
    primary = primary_key(request, site.policy)
    if primary is None or site.bypassed():
        return RequestExplanation("bypass", "bypass")
    found = yield from find(site, ctx, request, primary)
    verdict = _verdict(site, request, terms, found)
    inquiry = Inquiry(found.key, site.lives, site.shape)
    entry = yield from explain(ctx, inquiry)
    course, why = _words(verdict)
    if isinstance(verdict, Miss) and site.passes.lets(
        mark_of(site, terms, found), ctx.now()
    ):
        why = f"{why}; the last response could not be shared: nobody waits for it"
    stored = found.stored
    age = 0.0 if stored is None else stored.initial_age + found.resident
    return RequestExplanation(course, why, found.key, stored, age, entry)


def _verdict(site: Site, request: Request, terms: Terms, found: Found) -> Verdict:
    if found.stored is None:
        return absent(terms, varies=found.variants is not None)
    return decide(request, terms, found.stored, found.resident, site.policy)


def _words(verdict: Verdict) -> tuple[str, str]:
    match verdict:
        case Hit():
            return "hit", ""
        case StaleHit():
            return "stale-hit", "it is refreshed in the background"
        case Revalidate(reason=reason):
            return "revalidate", reason
        case Miss(reason=reason):
            return "miss", reason
        case GatewayTimeout():
            return "gateway-timeout", "only-if-cached"
