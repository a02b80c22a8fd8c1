"""The cache in front of a WSGI application."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.message import Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.engine.current import Loader
from hybridcache.engine.http.exchange import Exchange
from hybridcache.engine.http.ready import ready
from hybridcache.engine.http.site import Conclude
from hybridcache.faces.cache import Cache
from hybridcache.faces.http.driving import InThreads
from hybridcache.faces.http.environs import (
    environ_behind,
    environ_for,
    place_of,
    request_of,
)
from hybridcache.faces.http.operations import Operations
from hybridcache.faces.http.patience import Patience
from hybridcache.faces.http.responding import Responding, send_answer
from hybridcache.faces.http.sites import SAFE
from hybridcache.faces.http.wsgi_gathering import gather


class WSGICacheMiddleware(Operations):
    """Answer requests from the cache, and keep the application's responses in it.

    Put it outermost, but inside what rewrites requests by X-Forwarded fields. A stale
    response is refreshed in a thread of the cache's own, under servers with one thread
    a process too: an application that bears no threads wants none of
    ``stale-while-revalidate``.

    Args:

        app: The application.

        cache: A :class:`~hybridcache.Cache` of its own: its keys are URLs.

        policy: What may be stored and served; :meth:`HTTPPolicy.safe` by default.

    Raises:

        TypeError: *cache* or *policy* is of a wrong type.
    """

    def __init__(
        self, app: WSGIApplication, *, cache: Cache, policy: HTTPPolicy = SAFE
    ) -> None:
        self.app = app
        self._inside = InThreads(cache, policy)
        self._patience = Patience()

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Serve one request."""
        inside = self._inside
        place = place_of(environ)
        answer = None if place is None else ready(inside.site, place)
        if answer is not None:
            return send_answer(answer, start_response)
        try:
            request = request_of(environ)
        except UnicodeEncodeError:
            # Against PEP 3333, and the application's to bear.
            return self.app(environ, start_response)

        def fetcher(bare: Request, conclude: Conclude) -> Loader:
            return self._fetcher(environ, request, bare, conclude)

        course = inside.serve(request, fetcher, place)
        if isinstance(course, Answer):
            return send_answer(course, start_response)
        return self._carry_out(course, request, environ, start_response)

    def _carry_out(
        self,
        exchange: Exchange,
        request: Request,
        environ: WSGIEnvironment,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Run the application, telling *exchange* of what comes."""
        # An application may change its environ; where it may be called again, it is
        # given a copy.
        again = exchange.stored is not None
        while True:
            inner = environ_for(environ, request.headers, exchange.headers)
            if again and inner is environ:
                inner = dict(environ)
            responding = Responding(
                self._inside, exchange, inner, start_response, self._patience
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
            site = self._inside.site
            return conclude(gather(self.app, inner, site.wall, site.policy.max_body))

        return fetch
