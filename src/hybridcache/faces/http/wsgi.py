"""The cache in front of a WSGI application."""

from collections.abc import Iterable, Mapping
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.explained import RequestExplanation
from hybridcache.core.http.message import Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.outcome import Invalidated
from hybridcache.engine.current import Loader
from hybridcache.engine.drive import drive
from hybridcache.engine.http.exchange import Exchange
from hybridcache.engine.http.explain import explain_request
from hybridcache.engine.http.purge import purge
from hybridcache.engine.http.ready import ready
from hybridcache.engine.http.serve import serve
from hybridcache.engine.http.short import at_hand
from hybridcache.engine.http.site import Conclude
from hybridcache.engine.latch import Latch
from hybridcache.faces.cache import Cache
from hybridcache.faces.http.environs import (
    environ_behind,
    environ_for,
    place_of,
    request_of,
)
from hybridcache.faces.http.gathering import gather
from hybridcache.faces.http.responding import Responding, send_answer
from hybridcache.faces.http.sites import settled, site_of, state_of
from hybridcache.faces.http.urls import request_for

SAFE = HTTPPolicy.safe()


class WSGICacheMiddleware:
    """Answer requests from the cache, and keep the application's responses in it.

    Put it outermost, but inside what rewrites requests by X-Forwarded fields. A stale
    response is refreshed in a thread of the cache's own, under servers with one thread
    a process too: an application that bears no threads wants none of
    ``stale-while-revalidate``.

    Args:

        app: The application.

        cache: A :class:`~hybridcache.Cache`.

        policy: What may be stored and served; :meth:`HTTPPolicy.safe` by default.

    Raises:

        TypeError: *cache* or *policy* is of a wrong type.
    """

    def __init__(
        self, app: WSGIApplication, *, cache: Cache, policy: HTTPPolicy = SAFE
    ) -> None:
        self.app = app
        self._state = state_of(cache, Cache)
        self._site = site_of(self._state, policy, self._wait)

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Serve one request."""
        place = place_of(environ)
        answer = None if place is None else ready(self._site, place)
        if answer is not None:
            return send_answer(answer, start_response)
        request = request_of(environ)
        answer = at_hand(self._site, request, place)
        if answer is not None:
            return send_answer(answer, start_response)
        state = self._state
        state.wiring.station.ensure_keeper()

        def fetcher(bare: Request, conclude: Conclude) -> Loader:
            return self._fetcher(environ, request, bare, conclude)

        flow = serve(self._site, request, fetcher)
        course = drive(flow, state.wiring.threads)
        if isinstance(course, Answer):
            return send_answer(course, start_response)
        return self._carry_out(course, request, environ, start_response)

    def purge(self, url: str, headers: Mapping[str, str] | None = None) -> Invalidated:
        """Have no later request served by what is held for *url*, on any node.

        All of its variants go with it. *headers* matter where the policy's keys have
        more than the URL in them.

        Raises:

            ValueError: *url* is no absolute http or https URL.

            Closed: The cache was closed.
        """
        state = self._state
        state.check_open()
        state.wiring.station.ensure_keeper()
        flow = purge(self._site, request_for(url, headers))
        return drive(flow, state.wiring.threads)

    def explain(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> RequestExplanation:
        """Say what each tier holds for a GET of *url* with these *headers*, and why.

        Raises:

            ValueError: *url* is no absolute http or https URL.

            Closed: The cache was closed.
        """
        state = self._state
        state.check_open()
        flow = explain_request(self._site, request_for(url, headers))
        return drive(flow, state.wiring.threads)

    def _wait(self, latch: Latch[object], timeout: float) -> object:
        return settled(self._state.wiring.threads.wait(latch, timeout))

    def _carry_out(
        self,
        exchange: Exchange,
        request: Request,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Run the application, telling *exchange* of what comes."""
        # An application may change its environ; it is given one again then.
        again = exchange.stored is not None
        while True:
            inner = environ_for(environ, request.headers, exchange.headers)
            if again and inner is environ:
                inner = dict(environ)
            responding = Responding(
                exchange, self._state.wiring.threads, inner, start_response
            )
            body = responding.run(self.app)
            if body is not None:
                return body

    def _fetcher(
        self,
        environ: WSGIEnvironment,
        request: Request,
        bare: Request,
        conclude: Conclude,
    ) -> Loader:
        # Made now: once the response is sent, the environ is the server's again.
        inner = environ_behind(environ, request.headers, bare)

        def fetch() -> object:
            site = self._site
            return conclude(gather(self.app, inner, site.wall, site.policy.max_body))

        return fetch
