"""Requests to Redis from threads: one connection a request, kept for the next."""

import select
from collections import deque
from collections.abc import Sequence
from socket import socket
from typing import TypeVar

import attrs
import redis
from redis.connection import ConnectionInterface
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError

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
from hybridcache.adapters.upstream.template import Template, sync_pool
from hybridcache.engine.request import Argument, Call, Command, Fault, Request

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
    _idle: "deque[_Line]" = attrs.field(factory=deque, init=False)
    _ended: bool = attrs.field(default=False, init=False)

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
        line = self._take()
        try:
            replies = line.exchange(laid_out(calls, asking=asking))
            if lacks_script(replies):
                sources = laid_out(calls, asking=asking, with_source=True)
                replies = line.exchange(sources)
            if self.template.service:
                check_primary(replies)
        except BaseException:
            # A reply may be under way: the connection cannot be used again.
            line.close()
            raise
        if self._ended:
            line.close()
        else:
            self._idle.append(line)
        return replies[1::2] if asking else replies

    def _take(self) -> "_Line":
        while self._idle:
            try:
                line = self._idle.pop()
            except IndexError:
                break
            if line.is_quiet:
                return line
            line.close()
        return _Line(self._pool.make_connection())

    def end(self) -> None:
        """Close the idle connections, and those in use when they come back."""
        self._ended = True
        self.close()

    def close(self) -> None:
        """Close the idle connections."""
        while True:
            try:
                line = self._idle.pop()
            except IndexError:
                return
            line.close()

    def forked(self) -> None:
        """Leave the parent's connections to the parent, in the child of a fork."""
        self._idle = deque()


class _Line:
    """One connection, its socket, and what arrives on it."""

    def __init__(self, connection: ConnectionInterface) -> None:
        self._connection = connection
        connection.connect()
        self._socket: socket = connection._sock  # type: ignore[attr-defined] # noqa: SLF001 (no public way to it)
        self._replies = Replies()
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    @property
    def is_quiet(self) -> bool:
        """Whether it is open with nothing to read, as an idle one should be."""
        return self._replies.is_clear and not self._poll.poll(0)

    def exchange(self, commands: Sequence[tuple[Argument, ...]]) -> list[object]:
        """Send *commands* and return a reply to each.

        Raises:

            RedisError: The server closed the connection, or is none.

            OSError: It does not answer in time, or cannot be reached any more.
        """
        self._socket.sendall(packed(commands))
        replies: list[object] = []
        while True:
            data = self._socket.recv(CHUNK)
            if not data:
                msg = "the server closed the connection"
                raise NoConnection(msg)
            if self._replies.fed(data, replies, len(commands)):
                return replies

    def close(self) -> None:
        """Close the connection."""
        self._connection.disconnect()
