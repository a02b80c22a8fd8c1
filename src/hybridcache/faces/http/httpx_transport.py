"""The cache behind an httpx client in threads."""

from collections.abc import Iterator
from contextlib import suppress
from typing import cast

import httpx

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.message import Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.engine.current import Loader
from hybridcache.engine.http.directives import Relay, Repeat, Replace
from hybridcache.engine.http.exchange import Exchange
from hybridcache.engine.http.site import Conclude, Fetched
from hybridcache.faces.cache import Cache
from hybridcache.faces.http.copying import Copied
from hybridcache.faces.http.driving import InThreads
from hybridcache.faces.http.gathered import Gathered
from hybridcache.faces.http.httpx_messages import (
    answered,
    asked_of,
    has_no_content,
    head_of,
    in_background,
    relayed,
    with_fields,
)
from hybridcache.faces.http.operations import Operations
from hybridcache.faces.http.outgoing import PRIVATE, checked


class CacheTransport(Operations, httpx.BaseTransport):
    """Answer an httpx client's requests from the cache, and keep responses in it.

    Each request counts, redirects too. ``response.extensions["hybridcache"]`` is a
    :class:`~hybridcache.http.Served`.

    The default policy is for one user: what is stored serves whoever uses the cache
    with an equal URL and an equal Authorization, whatever the Cookie. Where clients of
    several users share one, or differ in their certificates, proxies or in what a
    host's name leads to, keep them apart with the policy's *partition*.

    httpx ignores a client's *verify*, *cert*, *http2*, *limits* and the environment's
    proxies where it is given a transport: give them to *inner*.

    A response that is streamed is stored once it was read to its end. Until then, or
    until it is closed, other requests of its URL wait for it, at most for the policy's
    *wait_for*; then they ask by themselves.

    Args:

        inner: What makes the requests; an ``httpx.HTTPTransport`` by default.

        cache: A :class:`~hybridcache.Cache`, no middleware's: its keys are URLs.

        policy: What may be stored and served; :meth:`HTTPPolicy.private` by default.

    Raises:

        TypeError: An argument is of a wrong type.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport | None = None,
        *,
        cache: Cache,
        policy: HTTPPolicy = PRIVATE,
    ) -> None:
        self._inside = InThreads(cache, policy)
        self._inner = checked(inner, httpx.BaseTransport) or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer *request*."""

        def fetcher(bare: Request, conclude: Conclude) -> Loader:
            return self._fetcher(in_background(request, bare), conclude)

        course = self._inside.serve(asked_of(request), fetcher)
        if isinstance(course, Answer):
            return answered(course)
        return self._carry_out(course, request)

    def close(self) -> None:
        """Close the inner transport, and not the cache."""
        self._inner.close()

    def _carry_out(self, exchange: Exchange, request: httpx.Request) -> httpx.Response:
        """Make the request, telling *exchange* of what comes."""
        while True:
            try:
                outgoing = with_fields(request, exchange)
                response = self._inner.handle_request(outgoing)
            except httpx.TransportError as error:
                answer = exchange.failed(error)
                if answer is None:
                    raise
                return answered(answer)
            except BaseException:
                exchange.drop()
                raise
            result = self._heard(exchange, response)
            if result is not None:
                return result

    def _heard(
        self, exchange: Exchange, response: httpx.Response
    ) -> httpx.Response | None:
        """Return what the caller gets; None to make the request again."""
        try:
            directive = self._inside.head(exchange, head_of(response))
        except BaseException:
            exchange.drop()
            response.close()
            raise
        match directive:
            case Relay(prefix=prefix):
                stream = cast("httpx.SyncByteStream", response.stream)
                if exchange.keeping or prefix:
                    stream = _Copy(
                        Copied(
                            iter(stream),
                            response.close,
                            exchange,
                            self._inside,
                            prefix=prefix,
                        )
                    )
                else:
                    exchange.drop()
                return relayed(response, directive, exchange, stream)
            case Replace(answer=answer):
                _let_go(response)
                return answered(answer)
            case Repeat():
                _let_go(response)
                return None

    def _fetcher(self, request: httpx.Request, conclude: Conclude) -> Loader:
        site = self._inside.site

        def fetch() -> object:
            requested_at = site.wall()
            response = self._inner.handle_request(request)
            received_at = site.wall()
            body = Gathered(site.policy.max_body)
            try:
                for chunk in cast("httpx.SyncByteStream", response.stream):
                    body.add(chunk)
            finally:
                response.close()
            head = head_of(response)
            return conclude(Fetched(head, body.whole(), requested_at, received_at))

        return fetch


def _let_go(response: httpx.Response) -> None:
    if has_no_content(response):
        # Read to its end, so that its connection serves the next request.
        with suppress(httpx.TransportError):
            response.read()
    response.close()


class _Copy(httpx.SyncByteStream):
    def __init__(self, copied: Copied) -> None:
        self._copied = copied

    def __iter__(self) -> Iterator[bytes]:
        return self._copied

    def close(self) -> None:
        self._copied.close()
