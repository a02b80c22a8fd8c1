"""Requests to Redis from threads: one connection a request, kept for the next."""

import select
from collections import deque
from collections.abc import Sequence
from math import inf
from socket import socket
from time import monotonic
from typing import Any, TypeVar

import attrs
import redis
from redis.connection import ConnectionInterface
from redis.exceptions import ConnectionError as NoConnection

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

        timeout: Of one request by default, connecting included, seconds.
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

    def ask(self, request: Request[A], timeout: float) -> A | Fault:
        """Send what *request* says and read what comes, within *timeout* seconds."""
        try:
            replies = self.exchange(request.calls(), timeout)
        except Exception as error:  # noqa: BLE001 (a credential provider raises any)
            # Where one connection died the idle ones are likely dead too.
            self.close()
            return fault(error, min(timeout, self.timeout))
        return read(request, replies)

    def exchange(
        self,
        calls: Sequence[Command | Call],
        timeout: float = inf,
        *,
        asking: bool = False,
    ) -> list[object]:
        """Send *calls* on one connection and return the replies, errors in place.

        Raises:

            RedisError: The connection came to nothing.

            TimeoutError: It took longer than *timeout* seconds.
        """
        ends_at = monotonic() + min(timeout, self.timeout)
        line = self._take()
        try:
            if line is None:
                line = _Line(self._pool.make_connection(), ends_at)
                line.hurry(ends_at)
            elif timeout < self.timeout:
                line.hurry(ends_at)
            replies = line.exchange(laid_out(calls, asking=asking), ends_at)
            if lacks_script(replies):
                sources = laid_out(calls, asking=asking, with_source=True)
                line.hurry(ends_at)
                replies = line.exchange(sources, ends_at)
            if self.template.service:
                check_primary(replies)
        except BaseException:
            # A reply may be under way: the connection cannot be used again.
            if line is not None:
                line.close()
            raise
        if self._ended:
            line.close()
        else:
            self._idle.append(line)
        return replies[1::2] if asking else replies

    def _take(self) -> "_Line | None":
        while self._idle:
            try:
                line = self._idle.pop()
            except IndexError:
                break
            if line.is_quiet:
                return line
            line.close()
        return None

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


def _left(ends_at: float) -> float:
    left = ends_at - monotonic()
    if left <= 0.0:
        msg = "timed out"
        raise TimeoutError(msg)
    return left


def _connect(connection: Any, ends_at: float) -> None:
    """Connect by then, a monotonic instant, proving who we are included."""
    read_response = connection.read_response

    def read_in_time(*args: object, **kwargs: object) -> object:
        connection._sock.settimeout(_left(ends_at))  # noqa: SLF001 (explained)
        return read_response(*args, **kwargs)

    # AUTH, SELECT and SETNAME are answered one by one; redis-py gives each its time.
    connection.read_response = read_in_time
    connection.socket_connect_timeout = _left(ends_at)
    try:
        connection.connect()
        connection._sock.settimeout(connection.socket_timeout)  # noqa: SLF001 (as above)
    except BaseException:
        # redis-py closes it after errors of its own alone.
        connection.disconnect()
        raise
    finally:
        del connection.read_response


class _Line:
    """One connection, its socket, and what arrives on it."""

    def __init__(self, connection: ConnectionInterface, ends_at: float) -> None:
        self._connection = connection
        _connect(connection, ends_at)
        self._socket: socket = connection._sock  # type: ignore[attr-defined] # noqa: SLF001 (no public way to it)
        self._replies = Replies()
        self._timeout = self._socket.gettimeout()
        self._is_hurried = False
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    @property
    def is_quiet(self) -> bool:
        """Whether it is open with nothing to read, as an idle one should be."""
        return self._replies.is_clear and not self._poll.poll(0)

    def hurry(self, ends_at: float) -> None:
        """Have what is left of an exchange end by then, a monotonic instant.

        Raises:

            TimeoutError: That is over.
        """
        self._socket.settimeout(_left(ends_at))
        self._is_hurried = True

    def exchange(
        self, commands: Sequence[tuple[Argument, ...]], ends_at: float
    ) -> list[object]:
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
                if self._is_hurried:
                    self._is_hurried = False
                    self._socket.settimeout(self._timeout)
                return replies
            # The socket's own timeout begins anew with every piece of a reply.
            self.hurry(ends_at)

    def close(self) -> None:
        """Close the connection."""
        self._connection.disconnect()
