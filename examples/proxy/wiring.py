"""Which parts make a proxy: an origin of the right kind, a face around it, a server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from enum import StrEnum
from wsgiref.types import WSGIApplication

import attrs
import httpx
from requests.adapters import BaseAdapter

from examples.proxy.adapter import OriginAdapter
from examples.proxy.asgi import OriginASGI
from examples.proxy.awaiting_origin import AsyncOrigin
from examples.proxy.awaiting_server import serve
from examples.proxy.blocking_origin import BlockingOrigin
from examples.proxy.blocking_server import BlockingServer
from examples.proxy.relays import AdapterWSGI, TransportASGI, TransportWSGI
from examples.proxy.scope import ASGIApp
from examples.proxy.transports import AsyncOriginTransport, OriginTransport
from examples.proxy.wsgi import OriginWSGI
from hybridcache import AsyncCache, Cache, Memory, Redis
from hybridcache.http import (
    AsyncCacheTransport,
    CacheAdapter,
    CacheMiddleware,
    CacheTransport,
    HTTPPolicy,
    WSGICacheMiddleware,
)

_NAME = "reverse-proxy"


class Profile(StrEnum):
    """How much of what the RFCs allow is stored and served."""

    CONFORMANT = "conformant"
    SAFE = "safe"


# A proxy is what CDN-Cache-Control is for (RFC 9213).
_POLICIES = {
    Profile.CONFORMANT: HTTPPolicy.conformant(targets=("CDN-Cache-Control",)),
    Profile.SAFE: HTTPPolicy.safe(),
}


class Inner(StrEnum):
    """What a face wraps."""

    ASGI = "asgi"
    WSGI = "wsgi"
    HTTPX = "httpx"
    HTTPX_ASYNC = "httpx-async"
    REQUESTS = "requests"


@attrs.frozen
class Plan:
    """What the proxy is made of.

    Attributes:

        origin: Host and port.

        listen: Host and port; port 0 for any that is free.

        inner: What the face wraps.

        cached: Whether there is a face at all.

        redis: URL of the second tier; None for memory alone.

        profile: What the face may store and serve.
    """

    origin: tuple[str, int]
    listen: tuple[str, int]
    inner: Inner
    cached: bool
    redis: str | None = None
    profile: Profile = Profile.CONFORMANT


async def arun(plan: Plan, listening: Callable[[int], None]) -> None:
    """Be an asynchronous proxy until cancelled."""
    async with contextlib.AsyncExitStack() as stack:
        origin = AsyncOrigin(*plan.origin)
        stack.callback(origin.close)
        cache = await stack.enter_async_context(_async_cache(plan))
        await serve(_async_app(plan, origin, cache), *plan.listen, listening)


def run(plan: Plan, listening: Callable[[int], None]) -> None:
    """Be a proxy until interrupted."""
    if plan.inner in {Inner.ASGI, Inner.HTTPX_ASYNC}:
        asyncio.run(arun(plan, listening))
        return
    with blocking(plan) as server:
        listening(server.port)
        server.serve()


@contextlib.contextmanager
def blocking(plan: Plan) -> Iterator[BlockingServer]:
    """Give a proxy of threads that listens; it serves while its `serve` runs."""
    with contextlib.ExitStack() as stack:
        origin = BlockingOrigin(*plan.origin)
        stack.callback(origin.close)
        cache = stack.enter_context(_cache(plan))
        server = BlockingServer(_blocking_app(plan, origin, cache), *plan.listen)
        stack.callback(server.close)
        yield server


def _async_app(plan: Plan, origin: AsyncOrigin, cache: AsyncCache | None) -> ASGIApp:
    policy = _POLICIES[plan.profile]
    if plan.inner is Inner.ASGI:
        app = OriginASGI(origin)
        return (
            app if cache is None else CacheMiddleware(app, cache=cache, policy=policy)
        )
    transport: httpx.AsyncBaseTransport = AsyncOriginTransport(origin)
    if cache is not None:
        transport = AsyncCacheTransport(transport, cache=cache, policy=policy)
    return TransportASGI(transport)


def _blocking_app(
    plan: Plan, origin: BlockingOrigin, cache: Cache | None
) -> WSGIApplication:
    policy = _POLICIES[plan.profile]
    if plan.inner is Inner.WSGI:
        app = OriginWSGI(origin)
        if cache is None:
            return app
        return WSGICacheMiddleware(app, cache=cache, policy=policy)
    if plan.inner is Inner.REQUESTS:
        adapter: BaseAdapter = OriginAdapter(origin)
        if cache is not None:
            adapter = CacheAdapter(adapter, cache=cache, policy=policy)
        return AdapterWSGI(adapter)
    transport: httpx.BaseTransport = OriginTransport(origin)
    if cache is not None:
        transport = CacheTransport(transport, cache=cache, policy=policy)
    return TransportWSGI(transport)


@contextlib.contextmanager
def _cache(plan: Plan) -> Iterator[Cache | None]:
    if not plan.cached:
        yield None
        return
    upstream = None if plan.redis is None else Redis(plan.redis)
    with Cache(name=_NAME, upstream=upstream, downstream=_memory()) as cache:
        yield cache


@contextlib.asynccontextmanager
async def _async_cache(plan: Plan) -> AsyncIterator[AsyncCache | None]:
    if not plan.cached:
        yield None
        return
    upstream = None if plan.redis is None else Redis(plan.redis)
    async with AsyncCache(name=_NAME, upstream=upstream, downstream=_memory()) as cache:
        yield cache


def _memory() -> Memory:
    return Memory(max_items=10_000, max_bytes=256 * 2**20)
