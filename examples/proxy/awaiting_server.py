"""A server that runs an ASGI application, one task per connection.

It takes two things besides what the specification says: a message
``http.response.interim`` with the status and the headers of an interim response, as an
extension of that name in the scope says, and a ``reason`` in ``http.response.start``. It
gives one: ``reverse_proxy.names`` in the scope, the case in which fields' names came.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import h11

from examples.proxy.fields import Fields
from examples.proxy.messages import (
    CHUNK,
    LINGER,
    MAX_HEAD,
    ClientGoneError,
    Event,
    OriginError,
    bodiless,
    head,
    interim,
    origin_form,
    refusal,
    unacceptable,
)
from examples.proxy.scope import ASGIApp, Message, scope_of

_LOGGER = logging.getLogger(__name__)
# Longest silence of a client, seconds; as nginx's keepalive_timeout.
_READ_WITHIN = 75.0
# Most that is read of a request's body that the application left, bytes.
_DRAIN = 262_144


async def serve(
    app: ASGIApp, host: str, port: int, listening: Callable[[int], None]
) -> None:
    """Serve until cancelled; call *listening* with the port when it has begun."""
    serving: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(app, Wire(reader, writer)))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(connected, host, port, backlog=1024)
    try:
        async with server:
            listening(server.sockets[0].getsockname()[1])
            await server.serve_forever()
    finally:
        ending = list(serving)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)


async def _serve(app: ASGIApp, wire: "Wire") -> None:
    try:
        while await wire.exchange(app):
            pass
        await wire.linger()
    except ClientGoneError as gone:
        _LOGGER.debug("%s", gone)
    finally:
        wire.close()


class Wire:
    """A connection to a client."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._method = b""
        self._reading: asyncio.Task[bool] | None = None

    async def exchange(self, app: ASGIApp) -> bool:
        """Answer one request; say whether there may be another."""
        try:
            request = await self._event()
        except h11.RemoteProtocolError as error:
            await self.refuse(error.error_status_hint)
            return False
        if not isinstance(request, h11.Request):
            return False
        self._method = request.method
        if (status := unacceptable(request)) is not None:
            await self.refuse(status)
            return False
        exchange = Exchange(self, origin_form(request))
        return await exchange.run(app) and await self._over()

    async def send(self, *events: h11.Event) -> None:
        """Write *events* to the client."""
        if self._writer.is_closing():
            msg = "the client has left"
            raise ClientGoneError(msg)
        data = [self._http.send(event) or b"" for event in events]
        try:
            self._writer.write(b"".join(data))
            await self._writer.drain()
        except OSError as error:
            raise ClientGoneError(str(error)) from error

    async def refuse(self, status: int) -> None:
        """Answer without the application, if an answer can still be given."""
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            await self.send(*refusal(self._method, status))

    def old(self) -> bool:
        """Say whether the client speaks HTTP/1.0."""
        return (self._http.their_http_version or b"") < b"1.1"

    async def read(self) -> bytes:
        """Return the next part of the request's body; nothing at its end."""
        if self._http.their_state is not h11.SEND_BODY:
            return b""
        if self._http.they_are_waiting_for_100_continue:
            await self.send(interim(100, []))
        try:
            event = await self._event()
        except h11.RemoteProtocolError as error:
            raise ClientGoneError(str(error)) from error
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def left(self) -> None:
        """Return when the client has closed the connection."""
        while await self._fill():
            pass

    async def linger(self) -> None:
        """Say that this is all, and read on for a while.

        What the client still sends could else take from it what it has not read yet.
        """
        with contextlib.suppress(OSError):
            async with asyncio.timeout(LINGER):
                self._writer.write_eof()
                if self._reading is not None:
                    await asyncio.shield(self._reading)
                while await self._reader.read(CHUNK):
                    pass

    def close(self) -> None:
        """Close it, in whatever state it is."""
        if self._reading is not None:
            self._reading.cancel()
        self._writer.close()

    async def _over(self) -> bool:
        """End the exchange; say whether the connection can take another."""
        left = _DRAIN
        if not self._http.they_are_waiting_for_100_continue:
            while left > 0 and (data := await self.read()):
                left -= len(data)
        if {self._http.our_state, self._http.their_state} != {h11.DONE}:
            return False
        self._http.start_next_cycle()
        return True

    async def _event(self) -> Event:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            try:
                async with asyncio.timeout(_READ_WITHIN):
                    await self._fill()
            except OSError as error:
                raise ClientGoneError(str(error)) from error

    async def _fill(self) -> bool:
        """Give h11 what comes; an application that waits and the server share a read."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(self._reading)

    async def _read(self) -> bool:
        try:
            data = await self._reader.read(CHUNK)
        except OSError:
            data = b""
        self._http.receive_data(data)
        self._reading = None
        return bool(data)


class Exchange:
    """One request and its answer."""

    def __init__(self, wire: Wire, request: h11.Request) -> None:
        self._wire = wire
        self._request = request
        self._status: int | None = None
        self._asked = False
        self._over = asyncio.Event()

    async def run(self, app: ASGIApp) -> bool:
        """Answer with what *app* says; False if that broke off."""
        try:
            await app(scope_of(self._request), self._receive, self._send)
        except OriginError as error:
            _LOGGER.info("%s", error)
            await self._wire.refuse(502)
            return False
        except ClientGoneError:
            raise
        except Exception:
            _LOGGER.exception("The application raised.")
            await self._wire.refuse(500)
            return False
        if not self._over.is_set():
            _LOGGER.error("The application did not end its response.")
            await self._wire.refuse(500)
            return False
        return True

    async def _receive(self) -> Message:
        if self._asked:
            await self._left()
            return {"type": "http.disconnect"}
        try:
            data = await self._wire.read()
        except ClientGoneError:
            self._asked = True
            return {"type": "http.disconnect"}
        self._asked = not data
        return {"type": "http.request", "body": data, "more_body": bool(data)}

    async def _left(self) -> None:
        waits = {
            asyncio.create_task(self._wire.left()),
            asyncio.create_task(self._over.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "http.response.interim":
                await self._interim(message["status"], list(message["headers"]))
            case "http.response.start":
                fields: Fields = [(name, value) for name, value in message["headers"]]
                self._status = message["status"]
                begin = head(message["status"], fields, message.get("reason"))
                await self._wire.send(begin)
            case "http.response.body":
                await self._body(message.get("body", b""), message.get("more_body"))
            case other:
                msg = f"this server does not know {other!r}"
                raise ValueError(msg)

    async def _interim(self, status: int, fields: Fields) -> None:
        # RFC 9110, section 15.2: never to an HTTP/1.0 client.
        if self._status is None and not self._wire.old():
            await self._wire.send(interim(status, fields))

    async def _body(self, data: bytes, more: object) -> None:
        if self._status is None:
            msg = "the application sent a body before its head"
            raise RuntimeError(msg)
        if data and not bodiless(self._request.method, self._status):
            await self._wire.send(h11.Data(data=data))
        if not more:
            await self._wire.send(h11.EndOfMessage())
            self._over.set()
