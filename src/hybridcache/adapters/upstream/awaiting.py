"""Requests to Redis from tasks: connections belong to the loop that made them."""

import asyncio
import threading
from collections.abc import Sequence
from math import inf
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

import attrs
import redis.asyncio
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import ConnectionError as NoConnection

from hybridcache.adapters.upstream.queueing import Alarm, Allowance, Lines
from hybridcache.adapters.upstream.replies import (
    CHUNK,
    Replies,
    check_primary,
    fault,
    lacks_script,
    laid_out,
    packed,
    read,
)
from hybridcache.adapters.upstream.template import Template, async_pool
from hybridcache.engine.request import Argument, Call, Command, Fault, Request

A = TypeVar("A")

# Connections of one loop; more than one loop can keep busy with a Redis nearby.
MOST_LINES: Final = 50


@attrs.define(eq=False)
class AwaitingUpstream:
    """Asks Redis from any task of any loop. Making one connects nothing.

    Attributes:

        template: How to connect.

        timeout: Of one request by default, seconds.
    """

    template: Template
    timeout: float
    _pool: redis.asyncio.ConnectionPool = attrs.field(init=False)
    _lines: "WeakKeyDictionary[asyncio.AbstractEventLoop, Lines[_Line]]" = attrs.field(
        factory=WeakKeyDictionary, init=False
    )
    _inherited: "WeakKeyDictionary[asyncio.AbstractEventLoop, Lines[_Line]] | None" = (
        attrs.field(default=None, init=False)
    )
    # Over what is added and removed: loops run in several threads.
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _ended: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        """Prepare the making of connections."""
        self._pool = async_pool(self.template, self.timeout)

    async def ask(
        self, request: Request[A], timeout: float, patience: float = inf
    ) -> A | Fault:
        """Send what *request* says and read what comes, within *timeout* seconds.

        They begin when a connection is free for it: until then others are answered,
        or fail as this one then does. In *patience* seconds all of it ends.
        """
        try:
            replies = await self.exchange(request.calls(), Allowance(timeout, patience))
        except Exception as error:  # noqa: BLE001 (a credential provider raises any)
            # Where one connection died the idle ones are likely dead too.
            await self.close()
            return fault(error, timeout)
        return read(request, replies)

    async def exchange(
        self,
        calls: Sequence[Command | Call],
        allowance: Allowance,
        *,
        asking: bool = False,
    ) -> list[object]:
        """Send *calls* on one connection and return the replies, errors in place.

        Raises:

            RedisError: The connection came to nothing.

            TimeoutError: It took longer than is left of *allowance*.
        """
        loop = asyncio.get_running_loop()
        lines = self._lines.get(loop) or await self._begin(loop)
        if not lines.enter():
            await lines.turn(allowance)
        begun = loop.time()
        line: _Line | None = None
        try:
            with Alarm(loop, allowance):
                line = await lines.take() or self._line()
                replies = await line.exchange(laid_out(calls, asking=asking))
                if lacks_script(replies):
                    sources = laid_out(calls, asking=asking, with_source=True)
                    replies = await line.exchange(sources)
            if self.template.service:
                check_primary(replies)
            if self._ended:
                await line.close()
            else:
                lines.idle.append(line)
        except BaseException as error:
            # A reply may be under way: the connection cannot be used again.
            if line is not None:
                await line.close()
            if isinstance(error, TimeoutError):
                lines.timed_out(begun, error)
            raise
        else:
            lines.answered_at = loop.time()
        finally:
            lines.leave()
        return replies[1::2] if asking else replies

    def _line(self) -> "_Line":
        if not self.template.service:
            return _Line(self._pool.make_connection())
        # The sentinels are asked over connections of this loop, closed when they
        # have answered: the next to ask may be another loop.
        pool = async_pool(self.template, self.timeout)
        return _Line(pool.make_connection(), pool)

    async def _begin(self, loop: asyncio.AbstractEventLoop) -> "Lines[_Line]":
        made: Lines[_Line] = Lines(MOST_LINES)
        with self._lock:
            for other in [one for one in self._lines if one.is_closed()]:
                # Its connections were closed with it; what is left refers to it.
                del self._lines[other]
            self._lines[loop] = made
        await anext(made.guard)
        return made

    async def close(self) -> None:
        """Close the idle connections of this loop."""
        known = self._lines.get(asyncio.get_running_loop())
        if known is not None:
            await known.close()

    def end(self) -> None:
        """Keep no connection from now on: each is closed after its request."""
        self._ended = True

    def forked(self) -> None:
        """Leave the parent's connections to the parent, in the child of a fork."""
        self._lock = threading.Lock()
        # Kept, not dropped: dropping closes, and they are the parent's.
        self._inherited, self._lines = self._lines, WeakKeyDictionary()


class _Line:
    """One connection, its streams once it is open, and what arrives on it."""

    def __init__(
        self,
        connection: redis.asyncio.Connection,
        asking: redis.asyncio.ConnectionPool | None = None,
    ) -> None:
        self._connection = connection
        # Known to the connection weakly; it asks the sentinels through it.
        self._asking = asking
        self._replies = Replies()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def is_open(self) -> bool:
        """Whether an idle one can be used: open, with nothing left to read."""
        streams = self._streams
        return (
            streams is not None and not streams[0].at_eof() and self._replies.is_clear
        )

    async def exchange(self, commands: Sequence[tuple[Argument, ...]]) -> list[object]:
        """Send *commands* and return a reply to each.

        Raises:

            RedisError: The server closed the connection, or is none.

            OSError: It cannot be reached any more.
        """
        reader, writer = self._streams or await self._connect()
        writer.write(packed(commands))
        await writer.drain()
        replies: list[object] = []
        while True:
            data = await reader.read(CHUNK)
            if not data:
                msg = "the server closed the connection"
                raise NoConnection(msg)
            if self._replies.fed(data, replies, len(commands)):
                return replies

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = self._connection
        try:
            await connection.connect()
        finally:
            if isinstance(self._asking, SentinelConnectionPool):
                for sentinel in self._asking.sentinel_manager.sentinels:
                    await sentinel.connection_pool.disconnect()
        # There is no public way to them.
        reader, writer = connection._reader, connection._writer  # noqa: SLF001
        if reader is None or writer is None:
            msg = "the connection was closed at once"
            raise NoConnection(msg)
        self._streams = reader, writer
        return self._streams

    async def close(self) -> None:
        """Close the connection without waiting for the other side."""
        self._streams = None
        await self._connection.disconnect(nowait=True)
