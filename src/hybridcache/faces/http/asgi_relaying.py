"""One run of an ASGI application for a client, copied as it is relayed."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from hybridcache.core.http.message import Head
from hybridcache.engine.http.directives import Relay, Repeat, Replace
from hybridcache.engine.http.exchange import Exchange
from hybridcache.faces.http.asgi_messages import (
    Message,
    Receive,
    Send,
    fields_of,
    part_of,
    send_answer,
)
from hybridcache.faces.http.driving import InTasks
from hybridcache.faces.http.scopes import Scope, route_of

EMPTY: Final[Message] = {"type": "http.request", "body": b"", "more_body": False}


class Relaying:
    """One run of the application for a client: what it sends, as it comes.

    While the response may be of use to others, a slow client does not slow them down:
    what it has not taken yet waits in a queue, which a storable body bounds.
    """

    def __init__(
        self,
        inside: InTasks,
        exchange: Exchange,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        again: bool,
    ) -> None:
        self.repeats = False
        self._request = [EMPTY] if again else []
        self._inside = inside
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

        That the client has gone is kept from it while its response may be stored, for
        as long as others would wait for that.
        """
        if self._request:
            # The first run may have read the request: it has no content.
            return self._request.pop()
        message = await self._receive()
        if message["type"] == "http.disconnect" and self._exchange.keeping:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._inside.site.policy.wait_for):
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
        headers = fields_of(message)
        head = Head(message["status"], headers)
        route = route_of(self._scope)
        directive = await self._inside.head(self._exchange, head, route)
        match directive:
            case Relay(head=head, prefix=prefix):
                if message.get("trailers"):
                    self._let_go()
                await self._put(
                    {**message, "status": head.status, "headers": list(head.headers)}
                )
                if prefix:
                    await self._put(part_of(prefix, more=True))
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
        await self._inside.end(self._exchange)
        self._apart.set()
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
        if not self._ended and not self.repeats:
            self._let_go()
        await self._flush()

    async def broken(self, error: BaseException) -> bool:
        """The application raised; whether the client has been answered all the same."""
        answer = None if self._started else self._exchange.failed(error)
        self._let_go()
        if isinstance(error, Exception):
            # What was sent before it raised is the client's. Should that fail, too, the
            # application's own error tells more.
            with suppress(Exception):
                await self._flush()
        elif self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._pump
        if answer is None:
            return self._answered and isinstance(error, Exception)
        await send_answer(answer, self._send)
        return True
