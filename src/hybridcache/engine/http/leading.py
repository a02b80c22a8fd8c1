"""Lead the flight of a URL, or follow it: a load whose value comes from an exchange.

A load of the engine owns the key and its lease; its loader does nothing but wait for
the exchange that the request itself carries out, so that the first byte of a response
need not wait for the last. The lookup runs beside the request and brings news once:
that the request leads, or what another's load made.
"""

import math
from typing import Final

import attrs

from hybridcache.core.errors import HybridCacheError, WouldBlockLoop
from hybridcache.core.http.message import Record, Stored
from hybridcache.core.policy import Policy
from hybridcache.engine.command import Await, Flow, Spawn
from hybridcache.engine.context import Context, Query, deadline_of
from hybridcache.engine.flights import Failed, Landing
from hybridcache.engine.http.site import Reply, Site
from hybridcache.engine.latch import Latch
from hybridcache.engine.lookup import fly
from hybridcache.engine.observed import counted, failed, reason_of
from hybridcache.engine.plan import Plan
from hybridcache.engine.traced import Ending, in_span

# A load that was told its value is stored within a moment: its one write to Redis has
# a timeout of its own. What takes longer is not waited for.
STORED_WITHIN: Final = 1.0


class ExchangeGivenUp(Exception):  # noqa: N818 (an event, not an error of the user's)
    """The request that led ended without a whole response."""


@attrs.define(eq=False)
class Led:
    """A load that waits for this request's exchange.

    Attributes:

        key: What it loads.

        reply: Settled with what the load shall store.

        ended: Settled with the lookup's ending, once that is counted.

        route: The framework's route pattern, as soon as that is known.
    """

    key: str
    reply: Latch[object]
    ended: Latch[Ending[Record]]
    _site: Site
    _caller: object
    route: str = attrs.field(default="", init=False)

    @property
    def claim(self) -> tuple[object, str]:
        """Who leads the load of which key."""
        return self._caller, self.key

    def settle(self, reply: Reply | BaseException) -> bool:
        """Give the load its value; the first one counts."""
        self._site.leading.discard(self.claim)
        return self.reply.settle(reply)

    @property
    def settled(self) -> bool:
        """Whether the load has its value, or never will."""
        return self.reply.answer is not None

    def give_up(self) -> None:
        """Let those who wait do without."""
        self.settle(ExchangeGivenUp("the response did not come to its end"))


News = Led | Ending[Record] | None
"""That the request leads, or how its lookup ended; None: nothing in time."""


def lead_or_follow(
    site: Site,
    ctx: Context,
    key: str,
    plan: Plan,
    policy: Policy,
    *,
    looks: bool = True,
    until: float = math.inf,
) -> Flow[News]:
    """Start or join the load of *key*; say which, and wait if it was joined.

    *looks*: it is a request's lookup, and not one more load for what a request brought.
    *until*: when it has waited long enough, be it sooner than the policy says.
    """
    begun = ctx.now()
    caller = site.caller()
    if (caller, key) in site.leading:
        # It would wait for itself: who leads asks again before its response has ended.
        return None
    led = Led(key, Latch(ctx.node.lock), Latch(ctx.node.lock), site, caller)
    news: Latch[News] = Latch(ctx.node.lock)

    def loader() -> object:
        news.settle(led)
        return site.wait(led.reply, policy.owned_for)

    query = site.query(key, loader, policy)
    deadline = min(until, deadline_of(ctx, query, begun))
    flow = fly(ctx, query, plan, begun, deadline)
    if looks and ctx.tracing.active:
        flow = in_span(ctx, query, flow)
    joined = None if query.alone else ctx.node.flights.look(key, begun)
    heard = False
    try:
        if joined is not None:
            # The wait for news is not seen to be one for the loop of that load.
            yield from Await(joined.latch, 0.0)
        carrier: Latch[Landing] = Latch(ctx.node.lock)
        told = _beside(site, ctx, query, flow, led, news, looks=looks)
        yield from Spawn(told, carrier)
        answer = yield from Await(news, deadline - begun)
        heard = answer is not None
    except (RuntimeError, WouldBlockLoop):
        # No thread is left for it, or it would wait for its own: it does without.
        return None
    finally:
        if not heard:
            # Should it be asked to lead after all, nobody is there.
            led.give_up()
    if answer is led:
        site.leading.add(led.claim)
    return answer


def _beside(
    site: Site,
    ctx: Context,
    query: Query[Record],
    flow: Flow[Ending[Record]],
    led: Led,
    news: Latch[News],
    *,
    looks: bool,
) -> Flow[None]:
    """Run the lookup, count it if it is one, and tell how it ended."""
    begun = ctx.now()
    ending: Ending[Record] | None = None
    try:
        ending = yield from flow
        if looks:
            routed = of_route(site, query, _route_of(led, ending))
            counted(ctx, routed, ending, ctx.now() - begun)
    except HybridCacheError as error:
        # Too late, closed, or within its own load: the request does without.
        if looks:
            failed(ctx, query, reason_of(error))
    finally:
        site.leading.discard(led.claim)
        news.settle(ending)
        led.ended.settle(ending)


def of_route(site: Site, query: Query[Record], route: str) -> Query[Record]:
    """Have *query* counted and traced under a route, if one is known."""
    if not route:
        return query
    return attrs.evolve(query, function=route, tally=site.tally(route))


def _route_of(led: Led, ending: Ending[Record]) -> str:
    if led.route or isinstance(ending, Failed):
        return led.route
    return ending.value.route if isinstance(ending.value, Stored) else ""
