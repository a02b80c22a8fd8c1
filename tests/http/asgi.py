"""An ASGI application that goes by a script, and a client that calls it directly."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import attrs

from hybridcache import AsyncCache
from hybridcache.faces.http.scopes import Scope

Message: TypeAlias = dict[str, Any]
Fields: TypeAlias = Sequence[tuple[str, str]]
Script: TypeAlias = Callable[["Origin", Scope, Any, Any], Awaitable[None]]


@attrs.frozen
class Got:
    """A response as the client got it."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    whole: bool

    def all(self, name: str) -> list[str]:
        """Return the values of all lines of that name."""
        wanted = name.lower().encode()
        return [v.decode("latin-1") for n, v in self.headers if n.lower() == wanted]

    def one(self, name: str) -> str | None:
        """Return the value of the only line of that name, if there is one."""
        values = self.all(name)
        assert len(values) <= 1
        return values[0] if values else None

    @property
    def hit(self) -> bool:
        """Whether Cache-Status says that it was served from the cache."""
        return "hit" in (self.all("cache-status") or [""])[-1].split("; ")


@attrs.define
class Origin:
    """An application that answers with what it was given, and counts its calls."""

    status: int = 200
    headers: Fields = (("cache-control", "max-age=60"),)
    body: Sequence[bytes] = (b"hello",)
    script: Script | None = None
    calls: list[Scope] = attrs.field(factory=list)
    _news: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Answer."""
        self.calls.append(scope)
        self._news.set()
        if self.script is not None:
            await self.script(self, scope, receive, send)
            return
        await self.answer(send)

    async def called(self, times: int = 1) -> None:
        """Wait until it was called so often."""
        while len(self.calls) < times:
            self._news.clear()
            await self._news.wait()

    async def answer(self, send: Any) -> None:
        """Send the response."""
        await self.start(send)
        last = len(self.body) - 1
        for at, part in enumerate(self.body):
            await send(part_of(part, more=at < last))

    async def start(self, send: Any) -> None:
        """Send its head."""
        headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in self.headers]
        message = {"type": "http.response.start", "status": self.status}
        await send({**message, "headers": headers})

    def sent(self, name: str, call: int = -1) -> str | None:
        """Return the value of a request field that the application saw."""
        for key, value in self.calls[call]["headers"]:
            if key == name.encode():
                return str(value.decode("latin-1"))
        return None


def part_of(body: bytes, *, more: bool) -> Message:
    """Make a message that carries a part of a body."""
    return {"type": "http.response.body", "body": body, "more_body": more}


def scope_of(
    path: str = "/",
    *,
    method: str = "GET",
    headers: Fields = (),
    host: str | None = "example.org",
    **more: Any,
) -> Scope:
    """Make the scope of a request."""
    raw, _, query = path.partition("?")
    named = [] if host is None else [(b"host", host.encode())]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [*named, *((n.encode(), v.encode("latin-1")) for n, v in headers)],
        "root_path": "",
        **more,
    }


@attrs.define
class Client:
    """Calls an ASGI application as a server does."""

    app: Callable[[Scope, Any, Any], Awaitable[None]]

    async def get(self, path: str = "/", **request: Any) -> Got:
        """Make a request and return the response."""
        body: bytes = request.pop("body", b"")
        sent: list[Message] = []
        gone = asyncio.Event()
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(scope_of(path, **request), receive, send)
        return got(sent)


def got(sent: Sequence[Message]) -> Got:
    """Put the messages of a response together."""
    (start,) = [m for m in sent if m["type"] == "http.response.start"]
    parts = [m for m in sent if m["type"] == "http.response.body"]
    whole = bool(parts) and not parts[-1].get("more_body", False)
    assert all(m.get("more_body", False) for m in parts[:-1])
    body = b"".join(m.get("body", b"") for m in parts)
    return Got(start["status"], tuple(map(tuple, start["headers"])), body, whole)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it holds; the test's own bound ends a wait in vain."""
    while True:
        if await holds():
            return
        await asyncio.sleep(0.002)


async def waiting(cache: AsyncCache, lookups: int) -> None:
    """Wait until so many lookups wait for a load, the leader's own included."""
    flights = cache._state.node.flights

    async def wait() -> bool:
        return sum(one.latch.waiting for one in flights.flights()) >= lookups

    await until(wait)
