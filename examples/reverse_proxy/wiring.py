"""Which parts make a proxy: an origin of the right kind, a face around it, a server."""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from enum import StrEnum
from typing import Any
from wsgiref.types import WSGIApplication

import attrs

from examples.reverse_proxy.adapter import OriginAdapter
from examples.reverse_proxy.asgi import OriginASGI
from examples.reverse_proxy.awaiting_origin import AsyncOrigin
from examples.reverse_proxy.awaiting_server import serve
from examples.reverse_proxy.blocking_origin import BlockingOrigin
from examples.reverse_proxy.blocking_server import BlockingServer
from examples.reverse_proxy.relays import AdapterWSGI, TransportASGI, TransportWSGI
from examples.reverse_proxy.scope import ASGIApp
from examples.reverse_proxy.transports import AsyncOriginTransport, OriginTransport
from examples.reverse_proxy.wsgi import OriginWSGI
from hybridcache import AsyncCache, Cache, Memory, Redis

_NAME = "reverse-proxy"


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
    """

    origin: tuple[str, int]
    listen: tuple[str, int]
    inner: Inner
    cached: bool
    redis: str | None = None


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
    if plan.inner is Inner.ASGI:
        app = OriginASGI(origin)
        return app if cache is None else _face("CacheMiddleware", app, cache)
    transport = AsyncOriginTransport(origin)
    if cache is None:
        return TransportASGI(transport)
    return TransportASGI(_face("AsyncCacheTransport", transport, cache))


def _blocking_app(
    plan: Plan, origin: BlockingOrigin, cache: Cache | None
) -> WSGIApplication:
    if plan.inner is Inner.WSGI:
        app = OriginWSGI(origin)
        return app if cache is None else _face("WSGICacheMiddleware", app, cache)
    if plan.inner is Inner.REQUESTS:
        adapter = OriginAdapter(origin)
        if cache is None:
            return AdapterWSGI(adapter)
        return AdapterWSGI(_face("CacheAdapter", adapter, cache))
    transport = OriginTransport(origin)
    if cache is None:
        return TransportWSGI(transport)
    return TransportWSGI(_face("CacheTransport", transport, cache))


def _face(name: str, inner: object, cache: Cache | AsyncCache) -> Any:
    """Return the library's face of this name around *inner*."""
    faces = importlib.import_module("hybridcache.http")
    policy = faces.HTTPPolicy.conformant(targets=("CDN-Cache-Control",))
    return getattr(faces, name)(inner, cache=cache, policy=policy)


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
