"""The ASGI middleware where applications, clients and the cache part ways."""

import asyncio
from typing import Any

from hybridcache.core.http.policy import HTTPPolicy, cookies
from tests.http.asgi import Origin
from tests.integration.test_http_asgi import FRESH, on_a_loop, site

SAYS_WHERE = (FRESH, ("content-location", "/a"))


@on_a_loop
async def test_part_never_serves_for_the_whole() -> None:
    """A stored part does not answer for the whole when the application fails."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if origin.sent("if-range") is not None:
            msg = "down"
            raise ValueError(msg)
        await origin.answer(send)

    part = (FRESH, ("etag", '"1"'), ("content-range", "bytes 0-4/10"))
    async with site(Origin(206, part, script=script)) as web:
        await web.get(headers=[("range", "bytes=0-4")])
        try:
            whole = await web.get()
        except ValueError as error:
            failed = str(error)
        else:
            failed = whole.body.decode()

        assert failed == "down"


@on_a_loop
async def test_post_of_who_passes_by_serves_no_get() -> None:
    """A POST that bypass_if sends past the cache leaves nothing for a later GET."""
    policy = HTTPPolicy.safe(bypass_if=cookies("sessionid"))
    async with site(Origin(headers=SAYS_WHERE), policy) as web:
        await web.get("/a", method="POST", headers=[("cookie", "sessionid=1")])
        later = await web.get("/a")

        assert not later.hit


@on_a_loop
async def test_post_in_a_bypass_serves_no_get() -> None:
    """A POST inside bypass() leaves nothing for a later GET."""
    async with site(Origin(headers=SAYS_WHERE)) as web:
        with web.cache.bypass():
            await web.get("/a", method="POST")
        later = await web.get("/a")

        assert not later.hit


@on_a_loop
async def test_post_before_a_purge_serves_no_get() -> None:
    """What a POST answered that began before a purge is not served after it."""
    go = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            await go.wait()
        await origin.answer(send)

    async with site(Origin(headers=SAYS_WHERE, script=script)) as web:
        post = asyncio.create_task(web.get("/a", method="POST"))
        await web.origin.called()
        await web.middleware.purge("http://example.org/a")
        go.set()
        await post
        later = await web.get("/a")

        assert not later.hit
