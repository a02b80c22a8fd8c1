"""The middlewares around real applications of Django and Litestar."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import django
import httpx
import pytest
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.handlers.asgi import ASGIRequest
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.cache import cache_control
from django.views.decorators.http import condition
from litestar import Litestar, get
from litestar.datastructures import CacheControlHeader
from litestar.params import FromPath

from hybridcache import AsyncCache, Cache, Memory
from hybridcache.http import CacheMiddleware, WSGICacheMiddleware

CALLS: list[str] = []


@cache_control(max_age=60)
def page(request: HttpRequest) -> HttpResponse:
    """Answer with something that is the same for all."""
    CALLS.append(request.path)
    return HttpResponse("hello", headers={"X-Line": "1"})


@cache_control(max_age=60)
def mine(request: HttpRequest) -> HttpResponse:
    """Answer with what is in the session's cookie: Django says Vary: Cookie."""
    CALLS.append(request.path)
    response = HttpResponse(request.COOKIES.get("sessionid", "nobody"))
    response["Vary"] = "Cookie"
    return response


@condition(etag_func=lambda request: '"1"')
@cache_control(no_cache=True)
def checked(request: HttpRequest) -> HttpResponse:
    """Answer with something that is to be validated each time."""
    CALLS.append(request.path)
    return HttpResponse("checked")


@cache_control(max_age=60)
def streamed(request: HttpRequest) -> StreamingHttpResponse:
    """Answer in parts."""
    CALLS.append(request.path)
    over_asgi = isinstance(request, ASGIRequest)
    return StreamingHttpResponse(_parts() if over_asgi else iter([b"one", b"two"]))


async def _parts() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


urlpatterns = [
    path("page", page),
    path("mine", mine),
    path("checked", checked),
    path("streamed", streamed),
]


@pytest.fixture(name="configured", scope="module", autouse=True)
def _configured() -> None:
    settings.configure(
        ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x", MIDDLEWARE=[]
    )
    django.setup()


@pytest.fixture(autouse=True)
def _forget_calls() -> Iterator[None]:
    CALLS.clear()
    yield
    CALLS.clear()


def test_django_over_wsgi() -> None:
    """Django's pages are stored, in parts too; its variants by cookie are kept apart."""
    with Cache(name="d", downstream=Memory()) as cache:
        app = WSGICacheMiddleware(get_wsgi_application(), cache=cache)
        transport = httpx.WSGITransport(app)
        with httpx.Client(transport=transport, base_url="http://d.example") as client:
            _check([client.get(at, headers=headers) for at, headers in _requests()])


def test_django_over_asgi() -> None:
    """The same over ASGI."""

    async def play() -> list[httpx.Response]:
        async with AsyncCache(name="d", downstream=Memory()) as cache:
            app = CacheMiddleware(get_asgi_application(), cache=cache)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://d.example"
            ) as client:
                return [
                    await client.get(at, headers=headers) for at, headers in _requests()
                ]

    _check(asyncio.run(play()))


def _requests() -> list[tuple[str, dict[str, str]]]:
    users = [{}, {"Cookie": "sessionid=a"}, {"Cookie": "sessionid=b"}]
    return [
        *[("/page", {})] * 2,
        *[("/mine", user) for user in users * 2],
        *[("/checked", {})] * 2,
        *[("/streamed", {})] * 2,
    ]


def _check(got: list[httpx.Response]) -> None:
    texts = [each.text for each in got]
    assert texts[:2] == ["hello"] * 2
    assert texts[2:8] == ["nobody", "a", "b"] * 2
    assert texts[8:] == ["checked"] * 2 + ["onetwo"] * 2
    # What must be validated each time reaches Django's own check, and not the view.
    assert CALLS == ["/page", *["/mine"] * 3, "/checked", "/streamed"]


@get("/items/{item:int}", cache_control=CacheControlHeader(max_age=60))
async def item(item: FromPath[int]) -> dict[str, int]:
    """Answer with what was asked for."""
    CALLS.append(str(item))
    return {"item": item}


def test_litestar() -> None:
    """Litestar's pages are stored, and counted under its route."""

    async def play() -> list[httpx.Response]:
        async with AsyncCache(name="l", downstream=Memory()) as cache:
            app = CacheMiddleware(Litestar([item]), cache=cache)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://l.example"
            ) as client:
                got = [await client.get("/items/7") for _ in range(2)]
            tally = cache._state.tally("/items/{item}")
            assert tally.slots[0] == 1
            return got

    got = asyncio.run(play())

    assert [each.json() for each in got] == [{"item": 7}] * 2
    assert CALLS == ["7"]
