"""The cache in front of an ASGI application."""

from functools import partial

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.message import Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.engine.current import Loader
from hybridcache.engine.http.exchange import Exchange
from hybridcache.engine.http.ready import ready
from hybridcache.engine.http.site import Conclude
from hybridcache.faces.async_cache import AsyncCache
from hybridcache.faces.http.asgi_gathering import gather
from hybridcache.faces.http.asgi_messages import (
    Application,
    Receive,
    Send,
    send_answer,
)
from hybridcache.faces.http.asgi_relaying import Relaying
from hybridcache.faces.http.driving import InTasks
from hybridcache.faces.http.operations import AsyncOperations
from hybridcache.faces.http.scopes import Scope, place_of, request_of, scope_for
from hybridcache.faces.http.sites import SAFE


class CacheMiddleware(AsyncOperations):
    """Answer requests from the cache, and keep the application's responses in it.

    Put it outermost, but inside what rewrites requests by X-Forwarded fields. What it
    does with a response is in its Cache-Status (RFC 9211).

    Args:

        app: The application.

        cache: An :class:`~hybridcache.AsyncCache` of its own: its keys are URLs.

        policy: What may be stored and served; :meth:`HTTPPolicy.safe` by default.

    Raises:

        TypeError: *cache* or *policy* is of a wrong type.
    """

    def __init__(
        self, app: Application, *, cache: AsyncCache, policy: HTTPPolicy = SAFE
    ) -> None:
        self.app = app
        self._inside = InTasks(cache, policy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is no HTTP request goes to the application as it is."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        inside = self._inside
        place = place_of(scope)
        answer = None if place is None else ready(inside.site, place)
        if answer is not None:
            await send_answer(answer, send)
            return

        async def fetch_for(bare: Request, conclude: Conclude) -> object:
            site = inside.site
            wall, most = site.wall, site.policy.max_body
            return conclude(await gather(self.app, scope, bare, wall, most))

        def fetcher(bare: Request, conclude: Conclude) -> Loader:
            return partial(fetch_for, bare, conclude)

        course = await inside.serve(request_of(scope), fetcher, place)
        if isinstance(course, Answer):
            await send_answer(course, send)
        else:
            await self._carry_out(course, scope, receive, send)

    async def _carry_out(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run the application, telling *exchange* of what comes."""
        # An application may change its scope; where it may be called again, it is
        # given a copy.
        twice = exchange.stored is not None
        again = False
        while True:
            before, headers = exchange.request.headers, exchange.headers
            # A load may yet begin when its head is there.
            later = exchange.later is not None and exchange.request.method == "GET"
            seen = exchange.keeping or later
            inner = scope_for(scope, before, headers, seen=seen)
            if twice and inner is scope:
                inner = dict(scope)
            relay = Relaying(self._inside, exchange, inner, receive, send, again=again)
            try:
                await self.app(inner, relay.receive, relay.send)
                await relay.finished()
            except BaseException as error:
                # The error of a run that is made again goes with its response.
                if not (relay.repeats and isinstance(error, Exception)):
                    if not await relay.broken(error):
                        raise
                    return
            if not relay.repeats:
                return
            again = True
