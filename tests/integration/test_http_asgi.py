"""The ASGI middleware, called as a server calls it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import pytest

from hybridcache import AsyncCache, Memory
from hybridcache.core.http.message import Head, Request
from hybridcache.core.http.policy import HTTPPolicy, cookies
from hybridcache.faces.http.asgi import CacheMiddleware
from hybridcache.testing import ManualClock
from tests.http.asgi import Client, Got, Origin, part_of, scope_of, until
from tests.run import Run

FRESH = ("cache-control", "max-age=60")
SLOW = 20.0


class Site:
    """An application behind the middleware, and its client."""

    def __init__(self, origin: Origin, cache: AsyncCache, policy: HTTPPolicy) -> None:
        self.origin = origin
        self.cache = cache
        self.middleware = CacheMiddleware(origin, cache=cache, policy=policy)
        self.get = Client(self.middleware).get

    @property
    def calls(self) -> int:
        """How often the application was called."""
        return len(self.origin.calls)


@asynccontextmanager
async def site(
    origin: Origin | None = None,
    policy: HTTPPolicy | None = None,
    *,
    url: str | None = None,
    prefix: str = "http:",
    clock: Callable[[], float] | None = None,
) -> AsyncIterator[Site]:
    """Put an application behind a cache of its own."""
    options: dict[str, Any] = {} if clock is None else {"clock": clock}
    cache = AsyncCache(
        name="http",
        prefix=prefix,
        upstream=url,
        downstream=Memory(max_items=1000),
        **options,
    )
    async with cache:
        yield Site(origin or Origin(), cache, policy or HTTPPolicy.safe())


Test = Callable[..., Coroutine[Any, Any, None]]


def on_a_loop(test: Test) -> Callable[..., None]:
    """Run a test on a loop of its own, bounded."""

    @wraps(test)
    def bounded(**fixtures: Any) -> None:
        async def within() -> None:
            async with asyncio.timeout(SLOW):
                await test(**fixtures)

        asyncio.run(within())

    return bounded


# Hits


@on_a_loop
async def test_second_request_is_a_hit() -> None:
    """A second request is answered from memory, with Age and without the application."""
    async with site() as web:
        await web.get("/a")
        again = await web.get("/a")

        assert again.hit
        assert (again.status, again.body, again.one("age")) == (200, b"hello", "0")
        assert web.calls == 1


@on_a_loop
async def test_lines_of_one_name_stay_apart() -> None:
    """Field lines are replayed as they came, several of one name apart and in order."""
    lines = (FRESH, ("Link", "</a>"), ("x-it", "\xe9"), ("Link", "</b>"))
    async with site(Origin(headers=lines)) as web:
        await web.get()
        again = await web.get()

        assert ["</a>", "</b>"] == again.all("link")
        assert again.headers[1][0] == b"Link"
        assert again.one("x-it") == "\xe9"


@on_a_loop
async def test_head_is_answered_from_a_get() -> None:
    """A HEAD is answered from what a GET stored, with its length and no body."""
    async with site() as web:
        await web.get()
        head = await web.get(method="HEAD")

        assert head.hit
        assert (head.body, head.one("content-length")) == (b"", "5")


@on_a_loop
async def test_head_is_not_stored() -> None:
    """What answered a HEAD never answers a GET."""
    async with site(Origin(body=(b"",))) as web:
        await web.get(method="HEAD")
        web.origin.body = (b"hello",)
        got = await web.get()

        assert (got.body, web.calls) == (b"hello", 2)


@on_a_loop
async def test_hits_count_under_their_route() -> None:
    """Hits are counted by the pattern of the route, never by the URL."""

    class Route:
        path = "/items/{id}"

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = Route
        await origin.answer(send)

    async with site(Origin(script=script)) as web:
        await web.get("/items/7")
        await web.get("/items/7")
        tally = web.cache._state.tally("/items/{id}")

        assert tally.slots[0] == 1
        assert sum(tally.slots) == 2


# Requests at the same time


@pytest.mark.parametrize("body", [(b"hello",), (b"hel", b"lo")])
def test_many_misses_make_one_call(body: tuple[bytes, ...]) -> None:
    """Fifty requests for one URL at the same time call the application once."""

    @on_a_loop
    async def at_once() -> None:
        opened = asyncio.Event()

        async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
            await opened.wait()
            await origin.answer(send)

        async with site(Origin(body=body, script=script)) as web:
            crowd = [asyncio.create_task(web.get("/a")) for _ in range(50)]
            await web.origin.called()
            opened.set()
            answers = await asyncio.gather(*crowd)

            assert {got.body for got in answers} == {b"hello"}
            assert web.calls == 1
            collapsed = [got for got in answers if "collapsed" in _status(got)]
            assert len(collapsed) == 49

    at_once()


@on_a_loop
async def test_followers_of_what_is_not_shared_go_alone() -> None:
    """Who waited for a response that is for one request alone gets one of its own."""
    opened = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        number = len(origin.calls)
        await opened.wait()
        origin.body = (b"%d" % number,)
        await origin.answer(send)

    origin = Origin(headers=[("cache-control", "private")], script=script)
    async with site(origin) as web:
        crowd = [asyncio.create_task(web.get("/me")) for _ in range(10)]
        await web.origin.called()
        opened.set()
        answers = await asyncio.gather(*crowd)

        assert len({got.body for got in answers}) == 10


@on_a_loop
async def test_follower_of_another_variant_gets_its_own() -> None:
    """Who waited for a response that turns out to vary gets its own variant."""
    opened = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await opened.wait()
        language = dict(scope["headers"])[b"accept-language"]
        await origin.start(send)
        await send(part_of(language, more=False))

    vary = Origin(headers=[FRESH, ("vary", "Accept-Language")], script=script)
    async with site(vary) as web:
        crowd = [
            asyncio.create_task(web.get("/", headers=[("accept-language", language)]))
            for language in ("de", "en", "de", "en")
        ]
        await web.origin.called()
        opened.set()
        answers = await asyncio.gather(*crowd)

        assert [got.body for got in answers] == [b"de", b"en", b"de", b"en"]
        assert web.calls == 2


@on_a_loop
async def test_what_is_not_shared_is_waited_for_once() -> None:
    """After a response that could not be shared nobody waits for the next one."""
    origin = Origin(headers=[("cache-control", "no-store")])
    async with site(origin) as web:
        await web.get()
        opened = asyncio.Event()

        async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
            if len(origin.calls) == 2:
                await opened.wait()
            await origin.answer(send)

        origin.script = script
        first = asyncio.create_task(web.get())
        await web.origin.called(2)
        second = await web.get()
        opened.set()

        assert (await first).status == second.status == 200
        assert web.calls == 3


@on_a_loop
async def test_explain_tells_credentials_apart() -> None:
    """That a response could not be shared is said of those who would pass, not of all."""
    authorised = {"authorization": "Basic eA=="}
    async with site() as web:
        await web.get("/a", headers=list(authorised.items()))
        of_all = await web.middleware.explain("http://example.org/a")
        own = await web.middleware.explain("http://example.org/a", authorised)

        assert "uri-miss" == of_all.why
        assert "nobody waits" in own.why


@on_a_loop
async def test_mark_goes_when_a_response_can_be_shared() -> None:
    """A URL whose responses can be shared after all is stored from the next on."""
    origin = Origin(headers=[("cache-control", "no-store")])
    async with site(origin) as web:
        await web.get()
        origin.headers = (FRESH,)
        answers = [await web.get() for _ in range(3)]

        assert [got.hit for got in answers] == [False, False, True]


@on_a_loop
async def test_application_that_asks_itself() -> None:
    """An application that asks for its own URL through the cache does not wait for itself."""
    inner: list[Got] = []

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if len(origin.calls) == 1:
            inner.append(await web.get("/a"))
        await origin.answer(send)

    async with site(Origin(script=script), HTTPPolicy.safe(wait_for=1000)) as web:
        outer = await web.get("/a")

        assert inner[0].body == outer.body == b"hello"
        assert (await web.get("/a")).hit


# Streaming and ends of all kinds


@on_a_loop
async def test_first_byte_at_once() -> None:
    """The client has the first byte of a response before the application sent the last."""
    opened = asyncio.Event()
    seen = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await origin.start(send)
        await send(part_of(b"a", more=True))
        await opened.wait()
        await send(part_of(b"b", more=False))

    async with site(Origin(script=script)) as web:

        async def send(message: dict[str, Any]) -> None:
            if message.get("body") == b"a":
                seen.set()

        request = asyncio.create_task(web.middleware(scope_of(), _never, send))
        await seen.wait()
        opened.set()
        await request

        assert (await web.get()).body == b"ab"
        assert web.calls == 1


@on_a_loop
async def test_slow_client_does_not_hold_up_others() -> None:
    """Followers get the response while the leader's client takes its time."""
    stuck = asyncio.Event()
    started = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        started.set()
        if message["type"] == "http.response.body":
            await stuck.wait()

    async with site(Origin(body=(b"a", b"b", b"c"))) as web:
        leader = asyncio.create_task(web.middleware(scope_of(), _never, send))
        await started.wait()
        follower = await web.get()

        assert follower.body == b"abc"
        assert web.calls == 1
        stuck.set()
        await leader


@on_a_loop
async def test_body_over_the_limit_is_passed_on_and_not_stored() -> None:
    """A body longer than max_body reaches the client whole and is not stored."""
    origin = Origin(body=(b"12345", b"67890"))
    async with site(origin, HTTPPolicy.safe(max_body=9)) as web:
        first, again = await web.get(), await web.get()

        assert first.body == again.body == b"1234567890"
        assert web.calls == 2


@pytest.mark.parametrize("length", ["4", "6", "x"])
def test_wrong_length_is_not_stored(length: str) -> None:
    """A body that is not as long as Content-Length says is not stored."""

    @on_a_loop
    async def once() -> None:
        origin = Origin(headers=[FRESH, ("content-length", length)])
        async with site(origin) as web:
            await web.get()
            await web.get()

            assert web.calls == 2

    once()


@on_a_loop
async def test_application_that_raises_before_its_response() -> None:
    """What the application raises before its response reaches the server, each time."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        raise LookupError

    async with site(Origin(script=script)) as web:
        for _ in range(2):
            with pytest.raises(LookupError):
                await web.get()

        web.origin.script = None
        assert (await web.get()).body == b"hello"


@on_a_loop
async def test_application_that_raises_in_its_response() -> None:
    """A response that broke off is not stored, and its error reaches the server."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await origin.start(send)
        await send(part_of(b"hal", more=True))
        raise LookupError

    async with site(Origin(script=script)) as web:
        with pytest.raises(LookupError):
            await web.get()
        web.origin.script = None

        assert (await web.get()).body == b"hello"
        assert web.calls == 2


@on_a_loop
async def test_application_that_raises_after_its_response() -> None:
    """A response that was whole is stored, and what is raised after it reaches the server."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await origin.answer(send)
        raise LookupError

    async with site(Origin(script=script)) as web:
        with pytest.raises(LookupError):
            await web.get()

        assert (await web.get()).hit


@on_a_loop
async def test_application_that_returns_in_its_response() -> None:
    """A response without an end is not stored."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await origin.start(send)
        await send(part_of(b"hal", more=True))

    async with site(Origin(script=script)) as web:
        cut = await web.get()
        web.origin.script = None
        got = await web.get()

        assert (cut.whole, got.body, web.calls) == (False, b"hello", 2)


@on_a_loop
async def test_cancelled_leader_leaves_nothing_behind() -> None:
    """When the leading request is cancelled, those who waited go on without it."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if len(origin.calls) == 1:
            await asyncio.Event().wait()
        await origin.answer(send)

    async with site(Origin(script=script)) as web:
        leader = asyncio.create_task(web.get())
        await web.origin.called()
        follower = asyncio.create_task(web.get())
        await asyncio.sleep(0)
        leader.cancel()

        assert (await follower).body == b"hello"
        with pytest.raises(asyncio.CancelledError):
            await leader
        assert (await web.get()).status == 200


@on_a_loop
async def test_disconnect_is_kept_from_a_load() -> None:
    """The application does not hear that the client left while others may wait."""
    heard: list[str] = []

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        listening = asyncio.create_task(receive())
        await asyncio.wait((listening,), timeout=0)
        await asyncio.sleep(0)
        heard.extend(["gone"] if listening.done() else [])
        await origin.answer(send)
        listening.cancel()

    async def receive() -> dict[str, Any]:
        if not asked:
            asked.append(1)
            return {"type": "http.request", "body": b"", "more_body": False}
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        """The client is gone."""

    asked: list[int] = []
    async with site(Origin(script=script)) as web:
        await web.middleware(scope_of(), receive, send)

        assert heard == []
        assert (await web.get()).hit


@on_a_loop
async def test_server_sent_events_are_untouched() -> None:
    """A stream of events passes as it comes, whoever else asks for it."""
    ended = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await origin.start(send)
        await send(part_of(b"data: 1\n\n", more=True))
        await ended.wait()
        await send(part_of(b"", more=False))

    headers = [("content-type", "text/event-stream"), FRESH]
    async with site(Origin(headers=headers, script=script)) as web:
        both = [asyncio.create_task(web.get()) for _ in range(2)]
        await web.origin.called(2)
        ended.set()

        assert [got.hit for got in await asyncio.gather(*both)] == [False, False]


@on_a_loop
async def test_unknown_messages_pass() -> None:
    """Messages that the cache does not know reach the server, before and after the head."""
    kinds = ["http.response.early_hint", "http.response.trailers"]

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": kinds[0], "links": []})
        await origin.answer(send)
        await send({"type": kinds[1], "headers": []})

    sent: list[str] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    async with site(Origin(script=script)) as web:
        await web.middleware(scope_of(), _never, send)

        assert [kind for kind in sent if kind in kinds] == kinds


@on_a_loop
async def test_files_are_seen() -> None:
    """The application is not offered to let the server send a file that could be stored."""
    async with site() as web:
        offered: dict[str, object] = {
            "http.response.pathsend": {},
            "http.response.debug": {},
        }
        await web.get("/a", extensions=offered)
        await web.get("/a", method="POST", extensions=offered)

        first, second = web.origin.calls
        assert list(first["extensions"]) == ["http.response.debug"]
        assert second["extensions"] == offered


@on_a_loop
async def test_other_protocols_pass() -> None:
    """Lifespan and websocket scopes go to the application as they are."""
    seen: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    async with AsyncCache(name="x", downstream=Memory(max_items=9)) as cache:
        scope = {"type": "lifespan"}
        await CacheMiddleware(app, cache=cache)(scope, _never, _never)

        assert seen[0] is scope


# Stale ones


@on_a_loop
async def test_validated_by_the_application() -> None:
    """A stale response that the application finds good is served, and is fresh again."""
    clock = ManualClock()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if origin.sent("if-none-match"):
            origin.status, origin.body = 304, (b"",)
        await origin.answer(send)

    origin = Origin(headers=[FRESH, ("etag", '"1"')], script=script)
    async with site(origin, clock=clock) as web:
        await web.get()
        clock.advance(61)
        checked, after = await web.get(), await web.get()

        assert origin.sent("if-none-match") == '"1"'
        assert (checked.status, checked.body) == (200, b"hello")
        assert (after.hit, after.one("age"), web.calls) == (True, "0", 2)


@on_a_loop
async def test_head_freshens_what_it_describes() -> None:
    """A HEAD that finds a stale response unchanged makes it fresh again, for GETs too."""
    clock = ManualClock()
    async with site(Origin(headers=[FRESH, ("etag", '"1"')]), clock=clock) as web:
        await web.get()
        clock.advance(61)
        web.origin.headers = [FRESH, ("etag", '"1"'), ("content-length", "5")]
        web.origin.body = (b"",)
        head = await web.get(method="HEAD")
        got = await web.get()

        assert (head.status, head.body) == (200, b"")
        assert (got.hit, got.body, web.calls) == (True, b"hello", 2)


@on_a_loop
async def test_head_of_something_else_changes_nothing() -> None:
    """A HEAD whose response does not fit what is stored leaves that as it is."""
    clock = ManualClock()
    async with site(Origin(headers=[FRESH, ("etag", '"1"')]), clock=clock) as web:
        await web.get()
        clock.advance(61)
        web.origin.headers, web.origin.body = [FRESH, ("etag", '"2"')], (b"",)
        head = await web.get(method="HEAD")
        web.origin.status = 304
        web.origin.headers = [FRESH, ("etag", '"1"')]
        got = await web.get()

        assert (head.one("etag"), got.status, got.body) == ('"2"', 200, b"hello")


@on_a_loop
async def test_validated_each_time_by_each() -> None:
    """Of requests for what must be validated each time none waits for another."""
    opened = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await opened.wait()
        origin.status, origin.body = 304, (b"",)
        await origin.answer(send)

    headers = [("cache-control", "no-cache"), ("etag", '"1"')]
    async with site(Origin(headers=headers)) as web:
        await web.get()
        web.origin.script = script
        crowd = [asyncio.create_task(web.get()) for _ in range(5)]
        await web.origin.called(6)
        opened.set()
        answers = await asyncio.gather(*crowd)

        assert {(got.status, got.body) for got in answers} == {(200, b"hello")}


@on_a_loop
async def test_stale_while_it_is_refreshed() -> None:
    """Within stale-while-revalidate a stale response serves at once; one refresh runs."""
    clock = ManualClock()
    refreshed = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await origin.answer(send)
        refreshed.set()

    swr = ("cache-control", "max-age=60, stale-while-revalidate=60")
    origin = Origin(headers=[swr, ("etag", '"1"')])
    async with site(origin, clock=clock) as web:
        await web.get(headers=[("if-none-match", '"client"'), ("range", "bytes=0-1")])
        await web.get()
        clock.advance(61)
        origin.script, origin.body = script, (b"new",)
        stale = await web.get(headers=[("range", "bytes=0-1")])
        await web.get()
        await refreshed.wait()

        async def new() -> bool:
            return (await web.get()).body == b"new"

        await until(new)
        got = await web.get()

        assert (stale.status, stale.body) == (206, b"he")
        assert "; ttl=-" in _status(stale)
        assert (got.hit, got.one("age")) == (True, "0")
        assert origin.sent("range") is None
        assert origin.sent("if-none-match") == '"1"'
        assert web.calls == 2


@pytest.mark.parametrize("how", ["status", "error"])
def test_stale_if_error(how: str) -> None:
    """Within stale-if-error a failing application is answered for, with what was stored."""

    @on_a_loop
    async def once() -> None:
        clock = ManualClock()

        async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
            if how == "error":
                raise LookupError
            origin.status = 503
            await origin.answer(send)

        headers = [("cache-control", "max-age=60, stale-if-error=60")]
        async with site(Origin(headers=headers), clock=clock) as web:
            await web.get()
            web.origin.script = script
            clock.advance(61)
            got = await web.get()
            clock.advance(60)

            assert (got.status, got.body, got.one("age")) == (200, b"hello", "61")
            if how == "error":
                with pytest.raises(LookupError):
                    await web.get()
            else:
                assert (await web.get()).status == 503

    once()


@on_a_loop
async def test_must_revalidate_is_never_stale() -> None:
    """With must-revalidate the application's error reaches the server, not a stale page."""
    clock = ManualClock()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        raise LookupError

    strict = ("cache-control", "max-age=60, must-revalidate, stale-if-error=600")
    async with site(Origin(headers=[strict]), clock=clock) as web:
        await web.get()
        web.origin.script = script
        clock.advance(61)

        with pytest.raises(LookupError):
            await web.get()


@on_a_loop
async def test_new_response_that_may_not_be_stored_ends_the_old_one() -> None:
    """When a no-store response replaces a stored one, the old one serves nobody more."""
    clock = ManualClock()
    origin = Origin(headers=[FRESH, ("etag", '"1"')])
    async with site(origin, clock=clock) as web:
        await web.get()
        clock.advance(61)
        origin.headers, origin.body = [("cache-control", "no-store")], (b"new",)
        bodies = [(await web.get()).body for _ in range(2)]
        asked = origin.sent("if-none-match")

        assert bodies == [b"new", b"new"]
        assert asked is None


@on_a_loop
async def test_unknown_validator_in_a_304() -> None:
    """A 304 for a tag that is not stored has the application asked again, unconditionally."""
    clock = ManualClock()
    seen: list[object] = []

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        seen.append((await receive())["type"])
        scope["changed"] = True
        if origin.sent("if-none-match"):
            origin.status, origin.headers = 304, [("etag", '"other"')]
        else:
            origin.status, origin.headers = 200, [FRESH, ("etag", '"new"')]
        await origin.answer(send)

    async with site(Origin(headers=[FRESH, ("etag", '"1"')]), clock=clock) as web:
        await web.get()
        clock.advance(61)
        web.origin.script = script
        got = await web.get()

        assert (got.status, got.one("etag"), web.calls) == (200, '"new"', 3)
        assert seen == ["http.request", "http.request"]
        assert "changed" in web.origin.calls[1]
        assert web.origin.calls[1] is not web.origin.calls[2]


@on_a_loop
async def test_application_that_waits_for_a_client_who_left() -> None:
    """In the end the application hears that the client left, whoever might wait."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        await origin.answer(send)

    messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: dict[str, Any]) -> None:
        """The client is gone."""

    async with site(Origin(script=script), HTTPPolicy.safe(wait_for=0.05)) as web:
        await web.middleware(scope_of(), receive, send)


@on_a_loop
async def test_refreshes_are_bounded() -> None:
    """No more refreshes run at once than the policy says; all requests are served."""
    clock = ManualClock()
    ended = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await ended.wait()
        await origin.answer(send)

    swr = ("cache-control", "max-age=60, stale-while-revalidate=60")
    policy = HTTPPolicy.safe(max_refreshes=2)
    async with site(Origin(headers=[swr]), policy, clock=clock) as web:
        paths = ["/a", "/b", "/c", "/d"]
        for path in paths:
            await web.get(path)
        clock.advance(61)
        web.origin.script = script
        stale = [await web.get(path) for path in paths]
        await web.origin.called(6)
        ended.set()

        assert [got.hit for got in stale] == [True] * 4
        assert web.calls == 6


@on_a_loop
async def test_refresh_that_is_too_long() -> None:
    """A refresh whose body is longer than max_body leaves the stale response in place."""
    clock = ManualClock()
    swr = ("cache-control", "max-age=60, stale-while-revalidate=60")
    origin = Origin(headers=[swr])
    async with site(origin, HTTPPolicy.safe(max_body=9), clock=clock) as web:
        await web.get()
        clock.advance(61)
        origin.body = (b"0123456789",)
        stale = await web.get()
        await origin.called(2)
        again = await web.get()

        assert stale.body == again.body == b"hello"


@on_a_loop
async def test_error_handler_answers() -> None:
    """With an error_handler the client gets its response in the place of an error."""

    def handler(request: Request, error: Exception) -> tuple[Head, bytes]:
        return Head(502, ((b"x-error", type(error).__name__.encode()),)), b"sorry"

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        raise LookupError

    policy = HTTPPolicy.by_url(60, 600, error_handler=handler)
    async with site(Origin(script=script), policy) as web:
        got = await web.get()

        assert (got.status, got.body) == (502, b"sorry")
        assert got.one("x-error") == "LookupError"


# Changes


@on_a_loop
async def test_post_invalidates() -> None:
    """After a successful POST its URL, and where it points to, are loaded anew."""
    async with site() as web:
        for path in ("/a", "/b", "/c"):
            await web.get(path)
        web.origin.headers = [FRESH, ("location", "/b"), ("content-location", "//x/c")]
        await web.get("/a", method="POST", body=b"x")
        hits = [(await web.get(path)).hit for path in ("/a", "/b", "/c")]

        assert hits == [False, False, True]


@on_a_loop
async def test_failed_post_changes_nothing() -> None:
    """A POST that fails invalidates nothing."""
    async with site() as web:
        await web.get("/a")
        web.origin.status = 500
        await web.get("/a", method="POST")

        assert (await web.get("/a")).hit


@on_a_loop
async def test_invalidation_during_a_load() -> None:
    """A response that was under way when its URL was invalidated is not stored."""
    opened = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "GET":
            await opened.wait()
        await origin.answer(send)

    for vary in ((), (("vary", "accept"),)):
        opened.clear()
        async with site(Origin(headers=[FRESH, *vary], script=script)) as web:
            reader = asyncio.create_task(web.get("/a"))
            await web.origin.called()
            await web.get("/a", method="DELETE")
            opened.set()
            await reader

            assert not (await web.get("/a")).hit


@on_a_loop
async def test_purge_takes_all_variants() -> None:
    """A purged URL is loaded anew, whichever of its variants is asked for."""
    vary = Origin(headers=[FRESH, ("vary", "accept")])
    async with site(vary) as web:
        kinds = [[("accept", kind)] for kind in ("a", "b")]
        for kind in kinds:
            await web.get("/a", headers=kind)
        before = [(await web.get("/a", headers=kind)).hit for kind in kinds]
        await web.middleware.purge("HTTP://Example.org:80/a")
        after = [(await web.get("/a", headers=kind)).hit for kind in kinds]

        assert (before, after) == ([True, True], [False, False])


@on_a_loop
async def test_variants_are_bounded() -> None:
    """A URL keeps so many variants as the policy says; the oldest go."""
    vary = Origin(headers=[FRESH, ("vary", "accept")])
    async with site(vary, HTTPPolicy.safe(max_variants=3)) as web:
        for kind in "abcd":
            await web.get("/", headers=[("accept", kind)])
        hits = [(await web.get("/", headers=[("accept", kind)])).hit for kind in "dcba"]

        assert hits == [True, True, True, False]


@on_a_loop
async def test_vary_that_grows() -> None:
    """When a response varies by more than before, no request gets another's variant."""
    origin = Origin(headers=[FRESH, ("vary", "accept")])
    async with site(origin) as web:
        await web.get("/", headers=[("accept", "a"), ("x", "1")])
        origin.headers = [FRESH, ("vary", "accept, x")]
        for _ in range(2):
            await web.get("/", headers=[("accept", "b"), ("x", "1")])
        other = await web.get("/", headers=[("accept", "b"), ("x", "2")])

        assert not other.hit


@on_a_loop
async def test_post_may_serve_a_later_get() -> None:
    """A POST's response with freshness and its own Content-Location serves a GET."""
    origin = Origin(headers=[FRESH, ("content-location", "/a")])
    async with site(origin) as web:
        await web.get("/a", method="POST", body=b"x")
        got = await web.get("/a")

        assert (got.hit, got.body) == (True, b"hello")


# Parts


@on_a_loop
async def test_part_is_stored_and_completed() -> None:
    """A stored beginning serves what lies in it, and only the rest is asked for."""
    whole = b"0123456789"

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        first, _, last = (origin.sent("range") or "")[6:].partition("-")
        start, end = int(first), int(last or len(whole) - 1)
        origin.headers = [
            FRESH,
            ("etag", '"1"'),
            ("content-range", f"bytes {start}-{end}/{len(whole)}"),
        ]
        origin.status, origin.body = 206, (whole[start : end + 1],)
        await origin.answer(send)

    async with site(Origin(script=script)) as web:
        await web.get(headers=[("range", "bytes=0-4")])
        inside = await web.get(headers=[("range", "bytes=1-3")])
        all_of_it = await web.get()
        rest = (web.origin.sent("range"), web.origin.sent("if-range"))
        again = await web.get()

        assert (inside.status, inside.body, inside.hit) == (206, b"123", True)
        assert (all_of_it.status, all_of_it.body) == (200, whole)
        assert all_of_it.one("content-length") == "10"
        assert rest == ("bytes=5-", '"1"')
        assert (again.hit, again.body, web.calls) == (True, whole, 2)


@on_a_loop
async def test_parts_that_clients_asked_for_make_a_whole() -> None:
    """Parts of one representation that clients fetched serve a request for all of it."""
    whole = b"0123456789"

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        first, _, last = (origin.sent("range") or "")[6:].partition("-")
        start, end = int(first), int(last)
        origin.headers = [
            FRESH,
            ("etag", '"1"'),
            ("content-range", f"bytes {start}-{end}/{len(whole)}"),
        ]
        origin.status, origin.body = 206, (whole[start : end + 1],)
        await origin.answer(send)

    async with site(Origin(script=script)) as web:
        parts = ["bytes=0-4", "bytes=3-7", "bytes=8-9"]
        for part in parts:
            await web.get(headers=[("range", part)])
        got = await web.get()

        assert (got.hit, got.status, got.body) == (True, 200, whole)
        assert web.calls == len(parts)


# What goes past the cache


@pytest.mark.parametrize(
    "request_of_it",
    [
        {"body": b"x", "headers": [("content-length", "1")]},
        {"headers": [("x-http-method-override", "DELETE")]},
        {"headers": [("host", "other.org")]},
        {"host": None},
        {"host": ""},
        {"headers": [("cookie", "a=1; session=2")]},
    ],
)
def test_what_goes_past_the_cache(request_of_it: dict[str, Any]) -> None:
    """Requests that mean more than their URL says are neither stored nor served."""

    @on_a_loop
    async def once() -> None:
        policy = HTTPPolicy.safe(bypass_if=cookies("session"))
        async with site(policy=policy) as web:
            await web.get()
            await web.get(**request_of_it)
            await web.get(**request_of_it)

            assert web.calls == 3

    once()


@on_a_loop
async def test_closed_cache_does_not_get_in_the_way() -> None:
    """Behind a closed cache the application answers all by itself."""
    async with site() as web:
        await web.get()
        await web.cache.close()
        got = await web.get()

        assert (got.status, web.calls) == (200, 2)


@on_a_loop
async def test_bypass() -> None:
    """Inside bypass() nothing is read and nothing stored."""
    async with site() as web:
        with web.cache.bypass():
            await web.get()
            await web.get()
        assert not (await web.get()).hit
        assert web.calls == 3


@pytest.mark.parametrize("detail", [False, True])
def test_key_and_reason_are_told_only_on_request(detail: bool) -> None:
    """Cache-Status names no key and no reason unless the policy says so."""

    @on_a_loop
    async def once() -> None:
        private = Origin(headers=[("cache-control", "private")])
        async with site(private, HTTPPolicy.safe(detail=detail)) as web:
            told = _status(await web.get("/secret"))

            assert ("/secret" in told, "detail" in told) == (detail, detail)

    once()


@on_a_loop
async def test_functions_of_a_policy_return_text() -> None:
    """A partition that is no str is an error that names the option."""
    nobody: Any = lambda request: None  # noqa: E731
    async with site(policy=HTTPPolicy.safe(partition=nobody)) as web:
        with pytest.raises(TypeError, match=r"partition= .* not None"):
            await web.get()


@on_a_loop
async def test_rarely_used_is_not_stored() -> None:
    """With min_uses=2 the first response of a URL is not stored."""
    async with site(policy=HTTPPolicy.safe(min_uses=2)) as web:
        hits = [(await web.get()).hit for _ in range(3)]

        assert hits == [False, False, True]


# With Redis


@on_a_loop
async def test_nodes_share_what_is_stored(redis_url: str, prefix: str) -> None:
    """What one node stored another serves, from Redis; a purge reaches both."""
    async with (
        site(url=redis_url, prefix=prefix) as one,
        site(url=redis_url, prefix=prefix) as two,
    ):
        await one.get("/a")
        shared = await two.get("/a")
        assert (shared.hit, shared.body, two.calls) == (True, b"hello", 0)

        await one.middleware.purge("http://example.org/a")

        async def gone() -> bool:
            return not (await two.get("/a")).hit

        await until(gone)


@on_a_loop
async def test_nodes_make_one_call(redis_url: str, prefix: str) -> None:
    """Requests for one URL on two nodes at the same time call one application once."""
    opened = asyncio.Event()

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        await opened.wait()
        await origin.answer(send)

    async with (
        site(Origin(script=script), url=redis_url, prefix=prefix) as one,
        site(Origin(script=script), url=redis_url, prefix=prefix) as two,
    ):
        crowd = [asyncio.create_task(at.get("/a")) for at in (one, two) * 10]
        await _first(one.origin.called(), two.origin.called())
        opened.set()
        answers = await asyncio.gather(*crowd)

        assert {got.body for got in answers} == {b"hello"}
        assert one.calls + two.calls == 1


@on_a_loop
async def test_late_load_stores_nothing_unheard(redis_url: str, prefix: str) -> None:
    """What began to load with its head is not stored if a purge may have gone unheard."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if len(origin.calls) == 1:
            # A purge on another node meanwhile would have been told to nobody.
            node.distrust()
            node.subscribed(node.marker or b"")
        await origin.answer(send)

    origin = Origin(headers=[("cache-control", "public, max-age=60")], script=script)
    authorised = [("authorization", "Basic eA==")]
    async with site(origin, url=redis_url, prefix=prefix) as web:
        await web.middleware.purge("http://example.org/other")
        node = web.cache._state.wiring.ctx.node

        async def whole() -> bool:
            return node.whole

        await until(whole)
        gots = [await web.get("/a", headers=authorised) for _ in range(3)]

        assert [False, False, True] == [got.hit for got in gots]


@on_a_loop
async def test_without_redis_it_goes_on(prefix: str) -> None:
    """With Redis down the application answers, and memory serves what it answered."""
    async with site(url="redis://127.0.0.1:1/0", prefix=prefix) as web:
        first, again = await web.get(), await web.get()

        assert (first.status, again.hit) == (200, True)


def test_wrong_options(run: Run) -> None:
    """A cache of the wrong colour, or what is no policy, is refused at once."""
    cache: Any = AsyncCache(name="x", downstream=Memory(max_items=9))

    with pytest.raises(TypeError, match="HTTPPolicy"):
        CacheMiddleware(Origin(), cache=cache, policy=Any)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="AsyncCache"):
        CacheMiddleware(Origin(), cache=object())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="absolute"):
        run(CacheMiddleware(Origin(), cache=cache).purge("/a"))
    with pytest.raises(TypeError, match="a str, not b"):
        run(CacheMiddleware(Origin(), cache=cache).purge(b"http://a/"))  # type: ignore[arg-type]
    run(cache.close())


def _status(got: Got) -> str:
    return got.all("cache-status")[-1]


async def _never(*_: object) -> Any:
    await asyncio.Event().wait()


async def _first(*coroutines: Coroutine[Any, Any, None]) -> None:
    waiting = [asyncio.create_task(coroutine) for coroutine in coroutines]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
