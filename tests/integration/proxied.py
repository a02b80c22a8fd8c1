"""The example's reverse proxy, in this process, in front of an origin by script."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import attrs

from examples.proxy.wiring import Inner, Plan, arun, blocking
from tests.integration.talking import WITHIN, Origin, Talk


@attrs.frozen
class Proxy:
    """A running proxy and the origin behind it."""

    port: int
    origin: Origin

    @contextlib.contextmanager
    def talk(self) -> Iterator[Talk]:
        """Connect to the proxy for a while."""
        with socket.create_connection(("127.0.0.1", self.port), WITHIN) as sock:
            yield Talk(sock)

    def answers(self, *parts: bytes) -> None:
        """Let the origin read a head, say *parts* and close the connection."""

        def script(talk: Talk) -> None:
            talk.head()
            talk.say(*parts)

        self.origin.script = script

    def get(self, *lines: bytes) -> bytes:
        """Return all that the proxy sends for a request of these lines."""
        first, *fields = lines or (b"GET / HTTP/1.1",)
        fields = [b"Host: shop.example", *fields, b"Connection: close"]
        with self.talk() as talk:
            talk.say(b"\r\n".join([first, *fields, b"", b""]))
            return talk.all()


@contextlib.contextmanager
def _awaiting(plan: Plan) -> Iterator[int]:
    """Run an asynchronous proxy; give its port."""
    started: Future[tuple[int, Callable[[], object]]] = Future()

    async def main() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def listening(port: int) -> None:
            started.set_result((port, lambda: loop.call_soon_threadsafe(task.cancel)))

        with contextlib.suppress(asyncio.CancelledError):
            await arun(plan, listening)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    port, stop = started.result(WITHIN)
    yield port
    stop()
    thread.join(WITHIN)


@contextlib.contextmanager
def _blocking(plan: Plan) -> Iterator[int]:
    """Run a proxy of threads; give its port."""
    with blocking(plan) as server:
        thread = threading.Thread(target=server.serve)
        thread.start()
        yield server.port
    thread.join(WITHIN)


@contextlib.contextmanager
def proxied(inner: Inner, *, cached: bool) -> Iterator[Proxy]:
    """Run a proxy and an origin for a while.

    Raises:

        AssertionError: The origin's script found something wrong.
    """
    with contextlib.closing(Origin()) as origin:
        plan = Plan(
            origin=("127.0.0.1", origin.port),
            listen=("127.0.0.1", 0),
            inner=inner,
            cached=cached,
        )
        awaiting = inner in {Inner.ASGI, Inner.HTTPX_ASYNC}
        with (_awaiting if awaiting else _blocking)(plan) as port:
            yield Proxy(port, origin)
        assert [] == origin.errors
