"""What hostile clients and odd applications do to the ASGI middleware."""

import asyncio
from typing import Any

import pytest

from hybridcache.testing import ManualClock
from tests.http.asgi import Origin, until, waiting
from tests.integration.test_http_asgi import FRESH, Site, on_a_loop, site

TAGGED = (FRESH, ("etag", '"1"'))
NO_STORE = ("cache-control", "no-store")
MINE = ("if-none-match", '"mine"')


class Held:
    """Answers, but first holds a request of the attacker's until it is let go."""

    def __init__(self, field: tuple[str, str]) -> None:
        self.go = asyncio.Event()
        self._field = tuple(part.encode() for part in field)

    async def __call__(
        self, origin: Origin, scope: Any, receive: Any, send: Any
    ) -> None:
        """Answer."""
        if self._field in scope["headers"]:
            await self.go.wait()
        await origin.answer(send)


async def beside(web: Site, held: Held, field: tuple[str, str]) -> tuple[bool, bool]:
    """Ask while the attacker's request is held.

    Whether another request is a hit after that, and whether yet another is one when the
    attacker has been answered.
    """
    attack = asyncio.create_task(web.get(headers=[field]))
    await web.origin.called()
    await web.get()
    meanwhile = await web.get()
    held.go.set()
    await attack
    return meanwhile.hit, (await web.get()).hit


@pytest.mark.parametrize("field", [NO_STORE, MINE])
@on_a_loop
async def test_nobody_waits_for_what_is_seldom_shared(field: tuple[str, str]) -> None:
    """Nobody waits for what answers no-store or a client's own condition."""
    held = Held(field)
    async with site(Origin(headers=TAGGED, script=held)) as web:
        hits = await beside(web, held, field)

        assert (True, True) == hits
        assert web.calls == 2


@on_a_loop
async def test_credentials_spoil_no_load(redis_url: str, prefix: str) -> None:
    """A load is stored in Redis though a request with credentials came beside it."""
    held = Held(("x-held", "1"))
    origin = Origin(headers=TAGGED, script=held)
    async with site(origin, url=redis_url, prefix=prefix) as web:
        load = asyncio.create_task(web.get(headers=[("x-held", "1")]))
        await web.origin.called()
        await web.get(headers=[("authorization", "x")])
        held.go.set()
        await load
        later = await web.get()

        assert later.hit


@on_a_loop
async def test_those_who_waited_for_a_part_make_one_call() -> None:
    """Who waited for what comes of a Range, and wants the whole, waits for one load."""
    held = Held(("range", "bytes=0-0"))

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if origin.sent("range") is None:
            origin.status, origin.headers, origin.body = 200, (FRESH,), (b"hello",)
        await held(origin, scope, receive, send)

    part = (FRESH, ("content-range", "bytes 0-0/5"))
    async with site(Origin(206, part, (b"h",), script)) as web:
        led = asyncio.create_task(web.get(headers=[("range", "bytes=0-0")]))
        await web.origin.called()
        others = [asyncio.create_task(web.get()) for _ in range(10)]
        await waiting(web.cache, 11)
        held.go.set()
        got = await asyncio.gather(*others)

        assert b"h" == (await led).body
        assert [b"hello"] * 10 == [one.body for one in got]
        assert web.calls == 2


@on_a_loop
async def test_no_store_drops_nothing() -> None:
    """What is stored stays when a client validates it with no-store."""
    clock = ManualClock()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if origin.sent("if-none-match") is not None:
            origin.status, origin.body = 304, (b"",)
        await origin.answer(send)

    async with site(Origin(headers=TAGGED, script=script), clock=clock) as web:
        await web.get()
        clock.advance(61.0)
        hostile = await web.get(headers=[NO_STORE])
        later = await web.get()

        assert (200, b"hello") == (hostile.status, hostile.body)
        assert (200, b"hello") == (later.status, later.body)
        assert web.origin.sent("if-none-match") == '"1"'


@on_a_loop
async def test_whole_answer_to_a_condition_is_stored() -> None:
    """What a client's own condition did not hold for serves others."""
    async with site(Origin(headers=TAGGED)) as web:
        first = await web.get(headers=[MINE])
        again = await web.get()

        assert "stored" in (first.one("cache-status") or "")
        assert again.hit


@on_a_loop
async def test_answer_to_a_condition_before_a_purge() -> None:
    """What answers a client's condition that was sent before a purge is not stored."""
    held = Held(MINE)
    async with site(Origin(headers=TAGGED, script=held)) as web:
        asked = asyncio.create_task(web.get(headers=[MINE]))
        await web.origin.called()
        await web.middleware.purge("http://example.org/")
        held.go.set()
        await asked
        later = await web.get()

        assert not later.hit


@on_a_loop
async def test_refresh_of_who_waits_for_the_end_of_the_client() -> None:
    """A refresh ends where the application stays until its client has gone."""
    clock = ManualClock()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await origin.answer(send)
        while len(origin.calls) > 1 and (await receive())["type"] == "http.request":
            pass

    stale = ("cache-control", "max-age=10, stale-while-revalidate=60")
    async with site(Origin(headers=(stale,), script=script), clock=clock) as web:
        await web.get()
        clock.advance(11.0)
        await web.get()

        async def fresh() -> bool:
            return "hybridcache; hit; ttl=9" in (await web.get()).all("cache-status")

        await until(fresh)

        assert web.calls == 2
