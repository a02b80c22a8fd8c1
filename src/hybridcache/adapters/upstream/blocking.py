"""Requests to Redis from threads: one connection a request, kept for the next."""

from collections import deque
from collections.abc import Sequence
from typing import TypeVar

import attrs
import redis
from redis.connection import ConnectionInterface
from redis.exceptions import RedisError, ResponseError

from hybridcache.adapters.upstream.replies import (
    fault,
    lacks_script,
    laid_out,
    read,
    server_error,
)
from hybridcache.adapters.upstream.template import Template, sync_pool
from hybridcache.engine.protocol import Argument, Call, Command, Fault, Request

A = TypeVar("A")


@attrs.define(eq=False)
class BlockingUpstream:
    """Asks Redis from any thread. Making one connects nothing.

    Attributes:

        template: How to connect.

        timeout: Of every wait on a socket, seconds.
    """

    template: Template
    timeout: float
    _pool: redis.ConnectionPool = attrs.field(init=False)
    _idle: deque[ConnectionInterface] = attrs.field(factory=deque, init=False)

    def __attrs_post_init__(self) -> None:
        """Make, and drop, one connection object: wrong options are told of now."""
        self._pool = sync_pool(self.template, self.timeout)
        try:
            self._pool.make_connection()
        except TypeError as error:
            msg = f"the Redis client has an option that no connection has: {error}"
            raise ValueError(msg) from error

    def ask(self, request: Request[A], timeout: float) -> A | Fault:  # noqa: ARG002 (a port; the socket has it)
        """Send what *request* says and read what comes, within *timeout* seconds."""
        try:
            replies = self.exchange(request.calls())
        except (RedisError, OSError) as error:
            # Where one connection died the idle ones are likely dead too.
            self.close()
            return fault(error)
        return read(request, replies)

    def exchange(
        self, calls: Sequence[Command | Call], *, asking: bool = False
    ) -> list[object]:
        """Send *calls* on one connection and return the replies, errors in place.

        Raises:

            RedisError: The connection came to nothing.
        """
        connection = self._take()
        replies = _exchange(connection, laid_out(calls, asking=asking))
        if lacks_script(replies):
            sources = laid_out(calls, asking=asking, with_source=True)
            replies = _exchange(connection, sources)
        self._idle.append(connection)
        return replies[1::2] if asking else replies

    def _take(self) -> ConnectionInterface:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:
                break
            if _is_quiet(connection):
                return connection
            connection.disconnect()
        made: ConnectionInterface = self._pool.make_connection()
        return made

    def close(self) -> None:
        """Close the idle connections; those in use close when they come back."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return
            connection.disconnect()

    def forked(self) -> None:
        """Leave the parent's connections to the parent, in the child of a fork."""
        self._idle = deque()


def _is_quiet(connection: ConnectionInterface) -> bool:
    """Whether an idle connection is open with nothing to read, as it should be."""
    try:
        return not connection.can_read(0)
    except RedisError:
        return False


def _exchange(
    connection: ConnectionInterface, commands: Sequence[tuple[Argument, ...]]
) -> list[object]:
    try:
        connection.send_packed_command(connection.pack_commands(commands))
        return [_reply(connection) for _ in commands]
    except BaseException:
        connection.disconnect()
        raise


def _reply(connection: ConnectionInterface) -> object:
    try:
        reply: object = connection.read_response()
    except ResponseError as error:
        return server_error(error)
    except RedisError as error:
        if getattr(error, "status_code", None) is None:
            raise
        return server_error(error)
    return reply
