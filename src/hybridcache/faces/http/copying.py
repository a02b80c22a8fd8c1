"""A response's content on its way to a client's caller, told to the exchange as it goes.

The caller gets each part when it comes. What was read to its end is stored before the
caller learns of the end, so that the next request finds it; what was not is dropped.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Self

from hybridcache.engine.http.exchange import Exchange
from hybridcache.faces.http.driving import InTasks, InThreads


def _never() -> bool:
    return False


class Copied(Iterator[bytes]):
    """The parts of a response's content, for a thread.

    Args:

        chunks: What comes from the origin.

        close: Lets go of the origin's response.

        exchange: What is told.

        inside: The cache's.

        prefix: What comes before.

        ended: Whether nothing more will come, where that is known.
    """

    def __init__(
        self,
        chunks: Iterator[bytes],
        close: Callable[[], None],
        exchange: Exchange,
        inside: InThreads,
        *,
        prefix: bytes = b"",
        ended: Callable[[], bool] = _never,
    ) -> None:
        self._chunks = chunks
        self._close = close
        self._exchange = exchange
        self._inside = inside
        self._prefix = prefix
        self._ended = ended
        self._over = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._prefix:
            prefix, self._prefix = self._prefix, b""
            return prefix
        if self._over:
            raise StopIteration
        try:
            chunk = next(self._chunks)
        except StopIteration:
            self._end()
            raise
        except BaseException:
            self._exchange.drop()
            raise
        self._exchange.body(chunk)
        self._over = self._ended()
        # Its source is read on to the end all the same: then its connection is free.
        if self._over or self._exchange.whole:
            self._end()
        return chunk

    def _end(self) -> None:
        try:
            self._inside.end(self._exchange)
        finally:
            # Whatever came of it, nobody waits for more.
            self._exchange.drop()

    def __del__(self) -> None:
        # Who forgot to close it shall not have others wait for the rest.
        self._exchange.drop()

    def close(self) -> None:
        """Let go of the response; what did not come whole is not stored."""
        self._exchange.drop()
        self._close()


class AsyncCopied(AsyncIterator[bytes]):
    """The same as :class:`Copied`, but for a task."""

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        close: Callable[[], Awaitable[None]],
        exchange: Exchange,
        inside: InTasks,
        *,
        prefix: bytes = b"",
    ) -> None:
        self._chunks = chunks
        self._close = close
        self._exchange = exchange
        self._inside = inside
        self._prefix = prefix

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._prefix:
            prefix, self._prefix = self._prefix, b""
            return prefix
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            await self._end()
            raise
        except BaseException:
            self._exchange.drop()
            raise
        self._exchange.body(chunk)
        if self._exchange.whole:
            await self._end()
        return chunk

    async def _end(self) -> None:
        try:
            await self._inside.end(self._exchange)
        finally:
            # Whatever came of it, nobody waits for more.
            self._exchange.drop()

    def __del__(self) -> None:
        # Who forgot to close it shall not have others wait for the rest.
        self._exchange.drop()

    async def aclose(self) -> None:
        """Let go of the response; what did not come whole is not stored."""
        self._exchange.drop()
        await self._close()
