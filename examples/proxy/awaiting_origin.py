"""The origin, asked by tasks: as ``blocking_origin``, but a body goes out meanwhile.

The request's body is sent by a task of its own, so that an answer is relayed however
early it comes.
"""

import asyncio
import logging
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Self, TypeAlias

import h11

from examples.proxy.fields import Fields
from examples.proxy.messages import CHUNK, Event, OriginError, brings_body
from examples.proxy.origin_state import (
    CONNECT_WITHIN,
    READ_WITHIN,
    Answer,
    OriginState,
    answer,
    onward,
    part,
    readable,
)

AsyncInterim: TypeAlias = Callable[[int, Fields], Awaitable[None]]
"""Is told each interim response: status and fields."""

_LOGGER = logging.getLogger(__name__)


class Connection:
    """One connection to the origin."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.state = OriginState()
        self._sending: asyncio.Task[None] | None = None

    async def ask(
        self, request: h11.Request, body: AsyncIterable[bytes], interim: AsyncInterim
    ) -> h11.Response:
        """Send *request* and return the head of the answer, which may come early."""
        await self._send(request)
        if brings_body(request):
            self._sending = asyncio.create_task(self._send_body(body))
        else:
            await self._send(h11.EndOfMessage())
        while True:
            event = await self._event()
            match event:
                case h11.InformationalResponse():
                    await interim(event.status_code, onward(event))
                case h11.Response():
                    return event
                case _:
                    msg = f"the origin sent no head but {event}"
                    raise OriginError(msg)

    async def read(self) -> bytes:
        """Return the next part of the body; nothing at its end."""
        return part(await self._event())

    async def alive(self) -> bool:
        """Say whether an idle connection can be used: nothing came, not even its end."""
        if self.state.rested() or self._writer.is_closing():
            return False
        # What the loop has not seen yet, then what it has.
        if readable(self._writer.get_extra_info("socket").fileno()):
            return False
        try:
            async with asyncio.timeout(0):
                await self._reader.read(1)
        except TimeoutError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close it, in whatever state it is."""
        if self._sending is not None:
            self._sending.cancel()
        self._writer.close()

    async def _send(self, event: h11.Event) -> None:
        if data := self.state.send(event):
            self._writer.write(data)
            await self._writer.drain()

    async def _send_body(self, body: AsyncIterable[bytes]) -> None:
        try:
            async for chunk in body:
                try:
                    await self._send(h11.Data(data=chunk))
                except (BrokenPipeError, ConnectionResetError):
                    # It may have answered before it stopped listening.
                    return
            await self._send(h11.EndOfMessage())
        except Exception:
            # Without the rest of the request there is no answer to wait for.
            _LOGGER.debug("A request broke off.", exc_info=True)
            self._writer.close()

    async def _event(self) -> Event:
        while True:
            event = self.state.event()
            if event is not h11.NEED_DATA:
                return event
            async with asyncio.timeout(READ_WITHIN):
                self.state.receive(await self._reader.read(CHUNK))


class Body:
    """The body of an answer as it comes; its end gives the connection back."""

    def __init__(self, connection: Connection, origin: "AsyncOrigin") -> None:
        self._connection: Connection | None = connection
        self._origin = origin

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._connection is None:
            raise StopAsyncIteration
        try:
            chunk = await self._connection.read()
        except (OSError, h11.RemoteProtocolError) as error:
            self.close()
            msg = f"the origin broke off: {error}"
            raise OriginError(msg) from error
        if not chunk:
            self.close()
            raise StopAsyncIteration
        return chunk

    def close(self) -> None:
        """Leave the rest, if there is any."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._origin.take_back(connection)


class AsyncOrigin:
    """The origin, with the connections to it that are idle."""

    def __init__(self, host: str, port: int) -> None:
        self.authority = f"{host}:{port}".encode("ascii")
        self._address = (host, port)
        self._idle: list[Connection] = []

    async def ask(
        self, request: h11.Request, body: AsyncIterable[bytes], interim: AsyncInterim
    ) -> Answer[Body]:
        """Send *request* with *body* and return the answer as soon as its head is here.

        Raises:

            OriginError: There is none.
        """
        try:
            connection = await self._connection()
        except OSError as error:
            msg = f"the origin cannot be reached: {error}"
            raise OriginError(msg) from error
        try:
            head = await connection.ask(request, body, interim)
        except (OSError, h11.RemoteProtocolError) as error:
            connection.close()
            msg = f"the origin gave no answer: {error}"
            raise OriginError(msg) from error
        except BaseException:
            connection.close()
            raise
        return answer(head, Body(connection, self))

    def take_back(self, connection: Connection) -> None:
        """Keep *connection* for another exchange, or close it."""
        if connection.state.reuse():
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if await connection.alive():
                return connection
            connection.close()
        async with asyncio.timeout(CONNECT_WITHIN):
            return Connection(*await asyncio.open_connection(*self._address))
