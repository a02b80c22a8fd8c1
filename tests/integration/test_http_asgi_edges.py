"""The ASGI middleware where applications, clients and the cache part ways."""

import asyncio
from contextlib import suppress
from typing import Any

from hybridcache.core.http.message import Head, Request
from hybridcache.core.http.policy import HTTPPolicy, cookies
from hybridcache.testing import ManualClock
from tests.http.asgi import Origin, part_of, scope_of, until, waiting
from tests.integration.test_http_asgi import FRESH, on_a_loop, site

SAYS_WHERE = (FRESH, ("content-location", "/a"))


async def gone() -> Any:
    """Tell at once that the client has gone."""
    return {"type": "http.disconnect"}


async def nowhere(message: Any) -> None:
    """Send it to nobody."""


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


@on_a_loop
async def test_repeated_request_is_stored() -> None:
    """What the application answers when it is asked again is stored."""
    clock = ManualClock()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if origin.sent("if-none-match") is not None:
            # Of nothing that anybody has.
            origin.status, origin.headers, origin.body = 304, (("etag", '"x"'),), (b"",)
        elif len(origin.calls) > 1:
            origin.status, origin.headers, origin.body = 200, (FRESH,), (b"new",)
        await origin.answer(send)

    headers = (("cache-control", "max-age=1"), ("etag", '"1"'))
    async with site(Origin(headers=headers, script=script), clock=clock) as web:
        await web.get()
        clock.advance(2.0)
        repeated = await web.get()
        again = await web.get()

        assert (repeated.body, again.body, again.hit) == (b"new", b"new", True)


@on_a_loop
async def test_application_that_raises_once_it_is_to_be_asked_again() -> None:
    """A request is made again although the run whose response is dropped raises."""
    clock = ManualClock()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if origin.sent("if-none-match") is not None:
            origin.status, origin.headers, origin.body = 304, (("etag", '"x"'),), (b"",)
            await origin.answer(send)
            raise ValueError
        origin.status, origin.headers, origin.body = 200, headers, (b"new",)
        await origin.answer(send)

    headers = (("cache-control", "max-age=1"), ("etag", '"1"'))
    async with site(Origin(headers=headers, script=script), clock=clock) as web:
        await web.get()
        clock.advance(2.0)
        repeated = await web.get()

        assert (repeated.status, repeated.body) == (200, b"new")


@on_a_loop
async def test_all_that_came_before_an_error_is_sent() -> None:
    """The client gets all that the application sent before it raised."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await origin.start(send)
        await send(part_of(b"one ", more=True))
        await send(part_of(b"two", more=True))
        raise ValueError

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    async with site(Origin(script=script)) as web:
        with suppress(ValueError):
            await web.middleware(scope_of(), receive, send)

        assert b"one two" == b"".join(message.get("body", b"") for message in sent)


@on_a_loop
async def test_disconnect_is_heard_after_the_response() -> None:
    """An application that waits for the disconnect hears of it once its response is whole."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        heard = asyncio.create_task(receive())
        await asyncio.sleep(0)
        await origin.answer(send)
        await heard

    async with site(Origin(script=script)) as web:
        async with asyncio.timeout(2.0):
            await web.middleware(scope_of(), gone, nowhere)

        assert (await web.get()).hit


@on_a_loop
async def test_disconnect_is_heard_when_a_load_takes_too_long() -> None:
    """An application that has nothing to send hears of a disconnect all the same."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "http.disconnect"

    async with site(Origin(script=script), HTTPPolicy.safe(wait_for=0.05)) as web:
        async with asyncio.timeout(2.0):
            await web.middleware(scope_of(), gone, nowhere)

        assert web.calls == 1


@on_a_loop
async def test_endless_response_in_the_background_is_given_up() -> None:
    """A background refresh whose response grows past max_body is ended."""
    clock = ManualClock()
    ended = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if len(origin.calls) == 1:
            await origin.answer(send)
            return
        await origin.start(send)
        try:
            while True:
                await send(part_of(b"x" * 100, more=True))
                await asyncio.sleep(0)
        finally:
            ended.set()

    headers = (("cache-control", "max-age=1, stale-while-revalidate=60"),)
    policy = HTTPPolicy.safe(max_body=1000)
    async with site(Origin(headers=headers, script=script), policy, clock=clock) as web:
        await web.get()
        clock.advance(2.0)
        await web.get()
        async with asyncio.timeout(2.0):
            await ended.wait()

        assert web.calls == 2


@on_a_loop
async def test_rewritten_path_is_what_counts() -> None:
    """Where an outer middleware rewrote the path, the application's path is the key."""
    async with site() as web:
        for _ in range(3):
            await web.get("/en/page", raw_path=b"/page")
        other = await web.get("/de/page", raw_path=b"/page")

        assert not other.hit


@on_a_loop
async def test_follower_of_who_left_is_answered_by_the_origin() -> None:
    """That another's client left is no failure of the origin: no error is made of it."""
    stop = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if len(origin.calls) == 1:
            await origin.start(send)
            await stop.wait()
        await origin.answer(send)

    def broken(request: Request, error: Exception) -> tuple[Head, bytes]:
        return Head(502), b""

    policy = HTTPPolicy(error_handler=broken)
    async with site(Origin(script=script), policy) as web:
        first = asyncio.create_task(web.get())
        await web.origin.called()
        second = asyncio.create_task(web.get())
        await waiting(web.cache, 2)
        first.cancel()
        got = await second

        assert (got.status, got.body) == (200, b"hello")


@on_a_loop
async def test_made_error_tells_of_the_cache() -> None:
    """What error_handler makes has Cache-Status like every other response."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        raise ValueError

    def broken(request: Request, error: Exception) -> tuple[Head, bytes]:
        return Head(502), b""

    policy = HTTPPolicy(error_handler=broken)
    async with site(Origin(script=script), policy) as web:
        got = await web.get()

        assert got.one("cache-status") == "hybridcache; fwd=uri-miss"


@on_a_loop
async def test_cookie_of_a_304_reaches_its_client() -> None:
    """A cookie that a 304 sets reaches who asked, though it is not to be stored."""
    clock = ManualClock()
    control = ("cache-control", 'max-age=1, no-cache="set-cookie"')

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if origin.sent("if-none-match") is not None:
            origin.status, origin.body = 304, (b"",)
            origin.headers = (control, ("etag", '"1"'), ("set-cookie", "a=2"))
        await origin.answer(send)

    headers = (control, ("etag", '"1"'), ("set-cookie", "a=1"))
    async with site(Origin(headers=headers, script=script), clock=clock) as web:
        await web.get()
        clock.advance(2.0)
        validated = await web.get()
        hit = await web.get()

        assert (validated.status, validated.all("set-cookie")) == (200, ["a=2"])
        assert (hit.hit, hit.all("set-cookie")) == (True, [])


@on_a_loop
async def test_what_passes_by_has_the_very_scope() -> None:
    """A request that goes past the cache brings the application the scope that came."""
    scope = scope_of(method="POST")
    async with site() as web:
        await web.middleware(scope, gone, nowhere)

        assert web.origin.calls[0] is scope


@on_a_loop
async def test_stale_part_is_refreshed() -> None:
    """A stale part is asked for as a whole in the background, under no condition."""
    clock = ManualClock()
    grace = ("cache-control", "max-age=1, stale-while-revalidate=60")

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if len(origin.calls) > 1:
            conditional = origin.sent("if-none-match") is not None
            origin.status = 304 if conditional else 200
            origin.headers = (FRESH, ("etag", '"1"'))
            origin.body = (b"" if conditional else b"0123456789",)
        await origin.answer(send)

    part = (grace, ("etag", '"1"'), ("content-range", "bytes 0-4/10"))
    origin = Origin(206, part, (b"01234",), script)
    async with site(origin, clock=clock) as web:
        await web.get(headers=[("range", "bytes=0-4")])
        clock.advance(2.0)
        stale = await web.get(headers=[("range", "bytes=0-4")])
        await origin.called(2)

        async def refreshed() -> bool:
            return (await web.get(headers=[("range", "bytes=0-9")])).hit

        await until(refreshed)
        assert (stale.status, stale.body, web.calls) == (206, b"01234", 2)


@on_a_loop
async def test_first_variant_is_one_lookup() -> None:
    """A request whose response turns out to vary is counted once."""
    async with site(Origin(headers=(FRESH, ("vary", "accept")))) as web:
        tally = web.cache._state.tally("")
        before = sum(tally.slots)
        await web.get()

        assert sum(tally.slots) - before == 1


@on_a_loop
async def test_one_leads_in_the_place_of_who_left() -> None:
    """When the leading request is cancelled, one of those who waited leads the others."""
    go = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await go.wait()
        await origin.answer(send)

    async with site(Origin(script=script)) as web:
        first = asyncio.create_task(web.get())
        await web.origin.called()
        others = [asyncio.create_task(web.get()) for _ in range(5)]
        await waiting(web.cache, 6)
        first.cancel()
        await web.origin.called(2)
        await waiting(web.cache, 5)
        go.set()
        bodies = [(await other).body for other in others]

        assert ([b"hello"] * 5, 2) == (bodies, web.calls)
