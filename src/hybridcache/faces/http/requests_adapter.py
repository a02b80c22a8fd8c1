"""The cache behind a requests session."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final, TypeAlias

import attrs
import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.codes import NOT_MODIFIED
from hybridcache.core.http.message import Head, Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.status import Served
from hybridcache.engine.current import Loader
from hybridcache.engine.http.directives import Relay, Repeat, Replace
from hybridcache.engine.http.exchange import Exchange
from hybridcache.engine.http.site import Conclude, Fetched
from hybridcache.faces.cache import Cache
from hybridcache.faces.http.copying import Copied
from hybridcache.faces.http.driving import InThreads
from hybridcache.faces.http.gathered import Gathered
from hybridcache.faces.http.operations import Operations
from hybridcache.faces.http.outgoing import PRIVATE, checked
from hybridcache.faces.http.requests_messages import (
    asked_of,
    head_of,
    labelled,
    marked,
    with_fields,
)
from hybridcache.faces.http.requests_raw import (
    HTTP_1_1,
    ChunkFile,
    raw_of,
    untouched,
    wire,
)

Timeout: TypeAlias = float | tuple[float, float] | tuple[float, None] | None
Certificate: TypeAlias = bytes | str | tuple[bytes | str, bytes | str] | None

# How requests says that the origin gave no usable answer.
ORIGIN_ERRORS: Final = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.RetryError,
)


@attrs.frozen
class _Options:
    """What a session says of how a request is to be made."""

    stream: bool
    timeout: Timeout
    verify: bool | str
    cert: Certificate
    proxies: Mapping[str, str] | None


class CacheAdapter(Operations, BaseAdapter):
    """Answer a requests session's requests from the cache, and keep responses in it.

    Mount it: ``session.mount("https://", CacheAdapter(...))``. Each request counts,
    redirects too. ``response.hybridcache`` is a :class:`~hybridcache.http.Served`.

    The default policy is for one user: an equal URL and Authorization get the same,
    whatever the Cookie, *verify*, *cert*, proxies, or what a host's name leads to.
    Keep sessions that differ in these apart with the policy's *partition*.

    A response that is streamed is stored once it was read to its end. Until then, or
    until it is closed, other requests of its URL wait for it, at most for the policy's
    *wait_for*; then they ask by themselves.

    Args:

        inner: What makes the requests; an ``HTTPAdapter`` by default.

        cache: A :class:`~hybridcache.Cache`, no middleware's: its keys are URLs.

        policy: What may be stored and served; :meth:`HTTPPolicy.private` by default.

    Raises:

        TypeError: An argument is of a wrong type.
    """

    def __init__(
        self,
        inner: BaseAdapter | None = None,
        *,
        cache: Cache,
        policy: HTTPPolicy = PRIVATE,
    ) -> None:
        super().__init__()
        self._inside = InThreads(cache, policy)
        self._inner = checked(inner, BaseAdapter) or HTTPAdapter()
        # It knows how a requests response is made; one of the user's may know better.
        own = self._inner
        self._builder = own if isinstance(own, HTTPAdapter) else HTTPAdapter()

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Timeout = None,
        verify: bool | str = True,
        cert: Certificate = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Answer *request*."""
        options = _Options(stream, timeout, verify, cert, proxies)

        def fetcher(bare: Request, conclude: Conclude) -> Loader:
            own = with_fields(request, bare.headers)
            own.method = bare.method
            return self._fetcher(own, options, conclude)

        course = self._inside.serve(asked_of(request), fetcher)
        if isinstance(course, Answer):
            return self._answered(course, request)
        return self._carry_out(course, request, options)

    def close(self) -> None:
        """Close the inner adapter, and not the cache."""
        self._inner.close()

    def _ask(
        self, request: requests.PreparedRequest, options: _Options
    ) -> requests.Response:
        return self._inner.send(
            request,
            stream=options.stream,
            timeout=options.timeout,
            verify=options.verify,
            cert=options.cert,
            proxies=options.proxies,
        )

    def _carry_out(
        self,
        exchange: Exchange,
        request: requests.PreparedRequest,
        options: _Options,
    ) -> requests.Response:
        """Make the request, telling *exchange* of what comes."""
        while True:
            try:
                outgoing = request
                if exchange.headers is not exchange.request.headers:
                    outgoing = with_fields(request, exchange.headers)
                response = self._ask(outgoing, options)
            except ORIGIN_ERRORS as error:
                answer = exchange.failed(error)
                if answer is None:
                    raise
                return self._answered(answer, request)
            except BaseException:
                exchange.drop()
                raise
            result = self._heard(exchange, request, response)
            if result is not None:
                return result

    def _heard(
        self,
        exchange: Exchange,
        request: requests.PreparedRequest,
        response: requests.Response,
    ) -> requests.Response | None:
        """Return what the caller gets; None to make the request again."""
        try:
            directive = self._inside.head(exchange, head_of(response))
        except BaseException:
            exchange.drop()
            response.close()
            raise
        match directive:
            case Relay():
                return self._relayed(exchange, request, response, directive)
            case Replace(answer=answer):
                _let_go(response)
                return self._answered(answer, request)
            case Repeat():
                _let_go(response)
                return None

    def _relayed(
        self,
        exchange: Exchange,
        request: requests.PreparedRequest,
        response: requests.Response,
        relay: Relay,
    ) -> requests.Response:
        raw = response.raw
        if not (exchange.keeping or relay.prefix) or not untouched(raw):
            exchange.drop()
            return marked(labelled(response, relay.head), exchange.served)
        copied = Copied(
            wire(raw),
            response.close,
            exchange,
            self._inside,
            prefix=relay.prefix,
            ended=lambda: raw.length_remaining == 0,
        )
        file = ChunkFile(copied, copied.close)
        return self._built(request, relay.head, file, exchange.served, raw.version)

    def _answered(
        self, answer: Answer, request: requests.PreparedRequest
    ) -> requests.Response:
        """Return a response of the cache's own; its content is as on the wire."""
        head = Head(answer.status, answer.headers, answer.reason)
        file = ChunkFile(iter((answer.body,)), _nothing)
        return self._built(request, head, file, answer.served)

    def _built(
        self,
        request: requests.PreparedRequest,
        head: Head,
        file: ChunkFile,
        served: Served,
        version: int = HTTP_1_1,
    ) -> requests.Response:
        raw = raw_of(head, request.method or "", file, version)
        response = self._builder.build_response(request, raw)
        # A request that is made in its turn, as digest authentication does, comes here.
        response.connection = self  # type: ignore[assignment]  # it only sends
        return marked(response, served)

    def _fetcher(
        self,
        request: requests.PreparedRequest,
        options: _Options,
        conclude: Conclude,
    ) -> Loader:
        site = self._inside.site

        def fetch() -> object:
            requested_at = site.wall()
            response = self._ask(request, options)
            received_at = site.wall()
            body = Gathered(site.policy.max_body)
            try:
                for chunk in wire(response.raw):
                    body.add(chunk)
            finally:
                response.close()
            head = head_of(response)
            return conclude(Fetched(head, body.whole(), requested_at, received_at))

        return fetch


def _nothing() -> None:
    """Let go of a response that stands on nothing."""


def _let_go(response: requests.Response) -> None:
    if response.status_code == NOT_MODIFIED:
        # Read to its end, so that its connection serves the next request.
        with suppress(requests.RequestException, urllib3.exceptions.HTTPError):
            response.raw.drain_conn()
    response.close()
