"""The cache behind an httpx client in tasks."""

from collections.abc import AsyncIterator
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
from hybridcache.faces.async_cache import AsyncCache
from hybridcache.faces.http.copying import AsyncCopied
from hybridcache.faces.http.driving import InTasks
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
from hybridcache.faces.http.operations import AsyncOperations
from hybridcache.faces.http.outgoing import PRIVATE, checked


class AsyncCacheTransport(AsyncOperations, httpx.AsyncBaseTransport):
    """The same as :class:`~hybridcache.http.CacheTransport`, but for an async client.

    It runs on asyncio. Its default policy is for one user, too.

    Args:

        inner: What makes the requests; an ``httpx.AsyncHTTPTransport`` by default.

        cache: An :class:`~hybridcache.AsyncCache`, no middleware's: its keys are URLs.

        policy: What may be stored and served; :meth:`HTTPPolicy.private` by default.

    Raises:

        TypeError: An argument is of a wrong type.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport | None = None,
        *,
        cache: AsyncCache,
        policy: HTTPPolicy = PRIVATE,
    ) -> None:
        self._inside = InTasks(cache, policy)
        own = checked(inner, httpx.AsyncBaseTransport)
        self._inner = own or httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer *request*."""

        def fetcher(bare: Request, conclude: Conclude) -> Loader:
            return self._fetcher(in_background(request, bare), conclude)

        course = await self._inside.serve(asked_of(request), fetcher)
        if isinstance(course, Answer):
            return answered(course)
        return await self._carry_out(course, request)

    async def aclose(self) -> None:
        """Close the inner transport, and not the cache."""
        await self._inner.aclose()

    async def _carry_out(
        self, exchange: Exchange, request: httpx.Request
    ) -> httpx.Response:
        while True:
            try:
                outgoing = with_fields(request, exchange)
                response = await self._inner.handle_async_request(outgoing)
            except httpx.TransportError as error:
                answer = exchange.failed(error)
                if answer is None:
                    raise
                return answered(answer)
            except BaseException:
                exchange.drop()
                raise
            result = await self._heard(exchange, response)
            if result is not None:
                return result

    async def _heard(
        self, exchange: Exchange, response: httpx.Response
    ) -> httpx.Response | None:
        try:
            directive = await self._inside.head(exchange, head_of(response))
        except BaseException:
            exchange.drop()
            await response.aclose()
            raise
        match directive:
            case Relay(prefix=prefix):
                stream = cast("httpx.AsyncByteStream", response.stream)
                if exchange.keeping or prefix:
                    stream = _AsyncCopy(
                        AsyncCopied(
                            aiter(stream),
                            response.aclose,
                            exchange,
                            self._inside,
                            prefix=prefix,
                        )
                    )
                else:
                    exchange.drop()
                return relayed(response, directive, exchange, stream)
            case Replace(answer=answer):
                await _let_go(response)
                return answered(answer)
            case Repeat():
                await _let_go(response)
                return None

    def _fetcher(self, request: httpx.Request, conclude: Conclude) -> Loader:
        site = self._inside.site

        async def fetch() -> object:
            requested_at = site.wall()
            response = await self._inner.handle_async_request(request)
            received_at = site.wall()
            body = Gathered(site.policy.max_body)
            try:
                async for chunk in cast("httpx.AsyncByteStream", response.stream):
                    body.add(chunk)
            finally:
                await response.aclose()
            head = head_of(response)
            return conclude(Fetched(head, body.whole(), requested_at, received_at))

        return fetch


async def _let_go(response: httpx.Response) -> None:
    if has_no_content(response):
        # Read to its end, so that its connection serves the next request.
        with suppress(httpx.TransportError):
            await response.aread()
    await response.aclose()


class _AsyncCopy(httpx.AsyncByteStream):
    def __init__(self, copied: AsyncCopied) -> None:
        self._copied = copied

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._copied

    async def aclose(self) -> None:
        await self._copied.aclose()
