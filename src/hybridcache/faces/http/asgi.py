"""The cache in front of an ASGI application."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.explained import RequestExplanation
from hybridcache.core.http.message import Head, Headers, Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.outcome import Invalidated
from hybridcache.engine.current import Loader
from hybridcache.engine.drive import adrive
from hybridcache.engine.http.exchange import Directive, Exchange, Relay, Repeat, Replace
from hybridcache.engine.http.explain import explain_request
from hybridcache.engine.http.purge import purge
from hybridcache.engine.http.ready import ready
from hybridcache.engine.http.serve import serve
from hybridcache.engine.http.short import at_hand
from hybridcache.engine.http.site import Conclude, Fetched
from hybridcache.engine.latch import Latch
from hybridcache.faces.async_cache import AsyncCache
from hybridcache.faces.http.scopes import (
    Scope,
    place_of,
    request_of,
    route_of,
    scope_for,
)
from hybridcache.faces.http.sites import settled, site_of, state_of
from hybridcache.faces.http.urls import request_for

Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
Application: TypeAlias = Callable[[Any, Receive, Send], Awaitable[None]]

SAFE = HTTPPolicy.safe()


class CacheMiddleware:
    """Answer requests from the cache, and keep the application's responses in it.

    Put it outermost, but inside what rewrites requests by X-Forwarded fields.

    Args:

        app: The application.

        cache: An :class:`~hybridcache.AsyncCache`.

        policy: What may be stored and served; :meth:`HTTPPolicy.safe` by default.

    Raises:

        TypeError: *cache* or *policy* is of a wrong type.
    """

    def __init__(
        self, app: Application, *, cache: AsyncCache, policy: HTTPPolicy = SAFE
    ) -> None:
        self.app = app
        self._state = state_of(cache, AsyncCache)
        self._site = site_of(self._state, policy, self._wait)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is no HTTP request goes to the application as it is."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        place = place_of(scope)
        answer = None if place is None else ready(self._site, place)
        if answer is not None:
            await send_answer(answer, send)
            return
        request = request_of(scope)
        answer = at_hand(self._site, request, place)
        if answer is not None:
            await send_answer(answer, send)
            return
        state = self._state
        state.wiring.station.ensure_keeper()

        def fetcher(bare: Request, conclude: Conclude) -> Loader:
            return self._fetcher(scope, bare, conclude)

        flow = serve(self._site, request, fetcher)
        course = await adrive(flow, state.wiring.loops)
        if isinstance(course, Answer):
            await send_answer(course, send)
        else:
            await self._carry_out(course, scope, receive, send)

    async def purge(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> Invalidated:
        """Have no later request served by what is held for *url*, on any node.

        All of its variants go with it. *headers* matter where the policy's keys have
        more than the URL in them.

        Raises:

            ValueError: *url* is no absolute http or https URL.

            Closed: The cache was closed.
        """
        state = self._state
        state.check_open()
        state.wiring.station.ensure_keeper()
        flow = purge(self._site, request_for(url, headers))
        return await state.tasks.undisturbed(adrive(flow, state.wiring.loops))

    async def explain(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> RequestExplanation:
        """Say what each tier holds for a GET of *url* with these *headers*, and why.

        Raises:

            ValueError: *url* is no absolute http or https URL.

            Closed: The cache was closed.
        """
        state = self._state
        state.check_open()
        flow = explain_request(self._site, request_for(url, headers))
        return await adrive(flow, state.wiring.loops)

    async def _wait(self, latch: Latch[object], timeout: float) -> object:
        return settled(await self._state.wiring.loops.wait(latch, timeout))

    async def _carry_out(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run the application, telling *exchange* of what comes."""
        again = True
        while again:
            inner = scope_for(scope, exchange.headers, seen=exchange.keeping)
            relay = Relaying(self, exchange, inner, receive, send)
            try:
                await self.app(inner, relay.receive, relay.send)
                await relay.finished()
            except BaseException as error:
                if not await relay.broken(error):
                    raise
                return
            again = relay.repeats

    def _fetcher(self, scope: Scope, request: Request, conclude: Conclude) -> Loader:
        async def fetch() -> object:
            wall = self._site.wall
            inner = dict(scope)
            inner.update(method=request.method, headers=list(request.headers))
            inner["extensions"] = {}
            whole = Whole()
            requested_at = wall()
            await self.app(inner, whole.receive, whole.send)
            head = whole.head()
            return conclude(Fetched(head, bytes(whole.body), requested_at, wall()))

        return fetch

    async def tell(self, exchange: Exchange, head: Head, scope: Scope) -> Directive:
        """Tell *exchange* of a head, and return what to do."""
        flow = exchange.head(head, route_of(scope))
        return await adrive(flow, self._state.wiring.loops)

    async def end(self, exchange: Exchange) -> None:
        """Tell *exchange* that the response is whole."""
        await adrive(exchange.end(), self._state.wiring.loops)


class Relaying:
    """One run of the application for a client: what it sends, as it comes.

    While the response may be of use to others, a slow client does not slow them down:
    what it has not taken yet waits in a queue, which a storable body bounds.
    """

    def __init__(
        self,
        face: CacheMiddleware,
        exchange: Exchange,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self.repeats = False
        self._face = face
        self._exchange = exchange
        self._scope = scope
        self._receive = receive
        self._send = send
        self._started = False
        self._answered = False
        self._ended = False
        self._apart = asyncio.Event()
        self._queue: asyncio.Queue[Message | None] | None = None
        self._pump: asyncio.Task[None] | None = None

    async def receive(self) -> Any:
        """Give the application the client's messages.

        That the client has gone is kept from it while others wait for the response.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect" and self._exchange.keeping:
            await self._apart.wait()
        return message

    async def send(self, message: Message) -> None:
        """Relay what the application sends."""
        kind = message["type"]
        if kind == "http.response.start" and not self._started:
            await self._start(message)
        elif self._answered or self.repeats:
            return
        elif kind == "http.response.body":
            await self._body(message)
        else:
            if kind.startswith("http.response.") and self._started:
                # Trailers, or a file that the server sends: not seen, so not stored.
                self._let_go()
            await self._put(message)

    async def _start(self, message: Message) -> None:
        self._started = True
        headers = _fields(message)
        directive = await self._face.tell(
            self._exchange, Head(message["status"], headers), self._scope
        )
        match directive:
            case Relay(head=head, prefix=prefix):
                if message.get("trailers") or _streams(headers):
                    self._let_go()
                await self._put(
                    {**message, "status": head.status, "headers": list(head.headers)}
                )
                if prefix:
                    await self._put(_part(prefix, more=True))
            case Replace(answer=answer):
                self._answered = True
                await send_answer(answer, self._send)
            case Repeat():
                self.repeats = True

    async def _body(self, message: Message) -> None:
        self._exchange.body(bytes(message.get("body", b"")))
        if not self._exchange.keeping:
            self._apart.set()
        if message.get("more_body", False):
            if self._exchange.keeping:
                self._start_pump()
            await self._put(message)
            return
        self._ended = True
        # Stored before the client sees the end: its next request finds it.
        await self._face.end(self._exchange)
        await self._put(message)

    def _let_go(self) -> None:
        self._exchange.drop()
        self._apart.set()

    # To the client

    def _start_pump(self) -> None:
        if self._pump is None:
            self._queue = asyncio.Queue()
            self._pump = asyncio.create_task(self._send_queued(self._queue))

    async def _send_queued(self, queue: "asyncio.Queue[Message | None]") -> None:
        while (message := await queue.get()) is not None:
            await self._send(message)
            queue.task_done()

    async def _put(self, message: Message) -> None:
        if self._queue is None:
            await self._send(message)
            return
        self._queue.put_nowait(message)
        if not self._exchange.keeping:
            await self._flush()

    async def _flush(self) -> None:
        """Wait until the client has taken what is queued; then send directly again."""
        queue, pump = self._queue, self._pump
        if queue is None or pump is None:
            return
        self._queue = self._pump = None
        queue.put_nowait(None)
        await pump

    # The end

    async def finished(self) -> None:
        """The application returned."""
        if not self._ended:
            self._let_go()
        await self._flush()

    async def broken(self, error: BaseException) -> bool:
        """The application raised; whether the client has been answered all the same."""
        answer = None if self._started else self._exchange.failed(error)
        self._let_go()
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        if answer is None:
            return self._answered and isinstance(error, Exception)
        await send_answer(answer, self._send)
        return True


class Whole:
    """A response that is gathered in the background; nobody disconnects from it."""

    def __init__(self) -> None:
        self.body = bytearray()
        self._start: Message | None = None
        self._asked = False
        self._ended = False

    async def receive(self) -> Message:
        """Give an empty body, once."""
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        """Take what the application sends."""
        kind = message["type"]
        if kind == "http.response.start":
            self._start = message
        elif kind == "http.response.body":
            self.body += message.get("body", b"")
            self._ended = not message.get("more_body", False)

    def head(self) -> Head:
        """Return the head of the whole response.

        Raises:

            EOFError: It did not come to its end.
        """
        if self._start is None or not self._ended:
            msg = "the application returned without a whole response"
            raise EOFError(msg)
        return Head(self._start["status"], _fields(self._start))


async def send_answer(answer: Answer, send: Send) -> None:
    """Send a response of the cache's own."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": list(answer.headers),
        }
    )
    await send({"type": "http.response.body", "body": answer.body})


def _fields(message: Message) -> Headers:
    return tuple(
        (bytes(name), bytes(value)) for name, value in message.get("headers", ())
    )


def _part(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


def _streams(headers: Headers) -> bool:
    """Whether the body has no end that anybody could wait for."""
    return any(
        name.lower() == b"content-type"
        and value.lower().startswith(b"text/event-stream")
        for name, value in headers
    )
