"""Requests to Redis from tasks: connections belong to the loop that made them."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TypeVar
from weakref import WeakKeyDictionary

import attrs
import redis.asyncio
from redis.exceptions import RedisError, ResponseError

from hybridcache.adapters.upstream.replies import (
    fault,
    lacks_script,
    laid_out,
    read,
    server_error,
)
from hybridcache.adapters.upstream.template import Template, async_pool
from hybridcache.engine.protocol import Argument, Call, Command, Fault, Request

A = TypeVar("A")


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
    _idle: "WeakKeyDictionary[asyncio.AbstractEventLoop, deque[redis.asyncio.Connection]]" = attrs.field(
        factory=WeakKeyDictionary, init=False
    )

    def __attrs_post_init__(self) -> None:
        """Prepare the making of connections."""
        self._pool = async_pool(self.template, self.timeout)

    async def ask(self, request: Request[A], timeout: float) -> A | Fault:
        """Send what *request* says and read what comes, within *timeout* seconds."""
        try:
            replies = await self.exchange(request.calls(), timeout)
        except (RedisError, OSError) as error:
            # Where one connection died the idle ones are likely dead too.
            await self.close()
            return fault(error)
        return read(request, replies)

    async def exchange(
        self, calls: Sequence[Command | Call], timeout: float, *, asking: bool = False
    ) -> list[object]:
        """Send *calls* on one connection and return the replies, errors in place.

        Raises:

            RedisError: The connection came to nothing.

            TimeoutError: It took longer than *timeout* seconds.
        """
        idle = self._of_this_loop()
        connection = _take(idle) or self._pool.make_connection()
        try:
            async with asyncio.timeout(timeout):
                replies = await _exchange(connection, laid_out(calls, asking=asking))
                if lacks_script(replies):
                    sources = laid_out(calls, asking=asking, with_source=True)
                    replies = await _exchange(connection, sources)
        except BaseException:
            # A reply may be under way: the connection cannot be used again.
            await connection.disconnect(nowait=True)
            raise
        idle.append(connection)
        return replies[1::2] if asking else replies

    def _of_this_loop(self) -> "deque[redis.asyncio.Connection]":
        loop = asyncio.get_running_loop()
        idle = self._idle.get(loop)
        if idle is None:
            idle = self._idle[loop] = deque()
        return idle

    async def close(self) -> None:
        """Close the idle connections of this loop; those of a dead loop are dropped."""
        idle = self._of_this_loop()
        while idle:
            await idle.pop().disconnect(nowait=True)

    def forked(self) -> None:
        """Leave the parent's connections to the parent, in the child of a fork."""
        self._idle = WeakKeyDictionary()


def _take(
    idle: "deque[redis.asyncio.Connection]",
) -> "redis.asyncio.Connection | None":
    while idle:
        connection = idle.pop()
        reader = connection._reader  # noqa: SLF001 (its check for an end suspends)
        if reader is not None and not reader.at_eof():
            return connection
    return None


async def _exchange(
    connection: redis.asyncio.Connection, commands: Sequence[tuple[Argument, ...]]
) -> list[object]:
    await connection.send_packed_command(connection.pack_commands(commands))
    return [await _reply(connection) for _ in commands]


async def _reply(connection: redis.asyncio.Connection) -> object:
    try:
        reply: object = await connection.read_response()
    except ResponseError as error:
        return server_error(error)
    except RedisError as error:
        if getattr(error, "status_code", None) is None:
            raise
        return server_error(error)
    return reply
