"""What the HTTP faces promise: read by mypy and pyright, never run."""

from collections.abc import Awaitable, Callable
from typing import Any, assert_type

import httpx
import requests
from flask import Flask

from hybridcache import AsyncCache, Cache, Invalidated, Memory
from hybridcache.http import (
    AsyncCacheTransport,
    CacheAdapter,
    CacheMiddleware,
    CacheTransport,
    Head,
    HTTPPolicy,
    Request,
    Served,
    WSGICacheMiddleware,
    cookies,
)

cache, async_cache = Cache(downstream=Memory()), AsyncCache(downstream=Memory())


async def app(scope: Any, receive: Any, send: Any) -> None: ...


front = CacheMiddleware(app, cache=async_cache, policy=HTTPPolicy.safe(max_body=1000))
called: Callable[[Any, Any, Any], Awaitable[None]] = front

flask = Flask("shop")
flask.wsgi_app = WSGICacheMiddleware(flask.wsgi_app, cache=cache)  # type: ignore[method-assign]

client = httpx.Client(transport=CacheTransport(cache=cache))
async_client = httpx.AsyncClient(transport=AsyncCacheTransport(cache=async_cache))
session = requests.Session()
session.mount("https://", CacheAdapter(cache=cache))

assert_type(CacheTransport(cache=cache).purge("https://shop.example/"), Invalidated)


async def purged() -> None:
    assert_type(await front.purge("https://shop.example/"), Invalidated)


def handled(request: Request, error: Exception) -> tuple[Head, bytes]:
    return Head(503), str(error).encode()


policy = HTTPPolicy.by_url(60, 3600, error_handler=handled)
assert_type(policy, HTTPPolicy)
assert_type(policy.evolve(keep=60.0, error_handler=None), HTTPPolicy)
assert_type(cookies("session"), Callable[[Request], bool])


def told(served: Served) -> str:
    match served:
        case Served.HIT | Served.STALE | Served.REVALIDATED | Served.COLLAPSED:
            return "from storage"
        case Served.MISS | Served.BYPASS:
            return "from the origin"


CacheMiddleware(app, cache=cache)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
HTTPPolicy.safe(max_bdy=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
