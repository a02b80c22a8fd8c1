"""Hits that are served by where the request came from, before it is read."""

from typing import Any

import pytest

from hybridcache.core.http.policy import HTTPPolicy, cookies
from hybridcache.faces.http.scopes import place_of
from hybridcache.testing import ManualClock
from tests.http.asgi import Origin, scope_of
from tests.integration.test_http_asgi import FRESH, Site, on_a_loop, site

URL = "http://example.org/a"


async def known(web: Site, path: str = "/a", **request: Any) -> None:
    """Have the response joined to its place: stored first, and then served."""
    await web.get(path, **request)
    await web.get(path, **request)


def places(web: Site) -> int:
    """Count the places that lead to a response."""
    return len(web.middleware._inside.site.index)


@on_a_loop
async def test_a_known_place_is_served_as_before() -> None:
    """A hit by its place has the lines and the body that a hit by its key has."""
    async with site() as web:
        await web.get("/a")
        by_key = await web.get("/a")
        by_place = await web.get("/a")

        assert 1 == places(web)
        assert by_key == by_place
        assert 1 == web.calls


@on_a_loop
async def test_age_goes_on() -> None:
    """Age and the ttl of Cache-Status are those of the moment, until it is stale."""
    clock = ManualClock()
    async with site(clock=clock) as web:
        await known(web)
        clock.advance(40)
        aged = await web.get("/a")
        clock.advance(20)
        late = await web.get("/a")

        assert "40" == aged.one("age")
        # The response took a moment to come: that is part of its age.
        assert aged.one("cache-status") in {
            "hybridcache; hit; ttl=19",
            "hybridcache; hit; ttl=20",
        }
        assert not late.hit


@pytest.mark.parametrize(
    "field",
    [
        ("authorization", "Basic YTpi"),
        ("range", "bytes=0-1"),
        ("if-none-match", "*"),
        ("if-match", '"a"'),
        ("cache-control", "no-store"),
        ("content-length", "3"),
        ("x-original-url", "/b"),
        ("host", "b.example"),
    ],
)
def test_no_place_for_what_says_more(field: tuple[str, str]) -> None:
    """A request that says anything of importance is read."""
    assert place_of(scope_of("/a")) is not None
    assert place_of(scope_of("/a", headers=[("accept", "*/*")])) is not None
    assert place_of(scope_of("/a", headers=[field])) is None


@on_a_loop
async def test_purged_is_gone() -> None:
    """What was purged is not served by its place either."""
    async with site() as web:
        await known(web)
        await web.middleware.purge(URL)

        assert 0 == places(web)
        assert not (await web.get("/a")).hit


@on_a_loop
async def test_unsafe_requests_empty_the_place() -> None:
    """A POST that succeeds leaves nothing at its URL's place."""
    async with site() as web:
        await known(web)
        await web.get("/a", method="POST")

        assert not (await web.get("/a")).hit


@on_a_loop
async def test_bypass_holds() -> None:
    """Inside a bypass no place is known."""
    async with site() as web:
        await known(web)
        with web.cache.bypass():
            inside = await web.get("/a")

        assert not inside.hit


@on_a_loop
async def test_variants_have_no_place() -> None:
    """A response that varies is found by what it varies by."""
    headers = (FRESH, ("vary", "accept-language"))
    async with site(Origin(headers=headers)) as web:
        await known(web)

        assert 0 == places(web)


@pytest.mark.parametrize(
    "policy",
    [
        HTTPPolicy.safe(key_headers=("x-tenant",)),
        HTTPPolicy.safe(partition=lambda _: "a"),
        HTTPPolicy.safe(bypass_if=cookies("session")),
        HTTPPolicy.by_url(60, 60, request_key=lambda request: request.target),
        HTTPPolicy.by_url(60, 60, accept_request=lambda _: True),
    ],
)
def test_no_place_where_the_policy_asks(policy: HTTPPolicy) -> None:
    """Where more than the place tells the key, or a function decides, each is read."""

    @on_a_loop
    async def test() -> None:
        async with site(policy=policy) as web:
            await known(web)

            assert 0 == places(web)
            assert (await web.get("/a")).hit

    test()


@on_a_loop
async def test_places_are_bounded() -> None:
    """However a client writes a Host, few places lead to one response."""
    async with site() as web:
        for host in ("a.example", "a.example:80", "A.example", "a.Example"):
            for root in ("", "/a", "/"):
                await known(web, "/a", host=host, root_path=root)

        assert 4 == places(web)
        assert 1 == web.calls
