"""A run of an ASGI application in the background: its response, whole."""

import asyncio
from collections.abc import Callable

from hybridcache.core.http.message import Head, Request
from hybridcache.engine.http.behind import RefreshFailed
from hybridcache.engine.http.site import Fetched
from hybridcache.faces.http.asgi_messages import Application, Message, fields_of
from hybridcache.faces.http.gathered import Gathered
from hybridcache.faces.http.scopes import Scope


async def gather(
    app: Application,
    scope: Scope,
    request: Request,
    wall: Callable[[], float],
    max_body: int,
) -> Fetched:
    """Have *app* answer *request*, which came with *scope* but for its fields.

    Raises:

        RefreshFailed: There was no whole response, or its content is longer than
            *max_body* bytes.
    """
    inner = dict(scope)
    inner.update(method=request.method, headers=list(request.headers), extensions={})
    gathering = Gathering(wall, max_body)
    await app(inner, gathering.receive, gathering.send)
    return gathering.fetched()


class Gathering:
    """A response that comes for nobody in particular, who stays until its end."""

    def __init__(self, wall: Callable[[], float], max_body: int) -> None:
        self._wall = wall
        self._requested_at = self._received_at = wall()
        self._head: Head | None = None
        self._body = Gathered(max_body)
        self._asked = False
        self._ended = asyncio.Event()

    async def receive(self) -> Message:
        """Give an empty body, once; with the response at its end, the client's."""
        if self._asked:
            await self._ended.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        """Take what the application sends.

        Raises:

            RefreshFailed: It is too much to be stored.
        """
        kind = message["type"]
        if kind == "http.response.start":
            self._received_at = self._wall()
            self._head = Head(message["status"], fields_of(message))
        elif kind == "http.response.body":
            self._body.add(message.get("body", b""))
            if not message.get("more_body", False):
                self._ended.set()

    def fetched(self) -> Fetched:
        """Return the whole response.

        Raises:

            RefreshFailed: It did not come to its end.
        """
        if self._head is None or not self._ended.is_set():
            msg = "the application returned without a whole response"
            raise RefreshFailed(msg)
        body = self._body.whole()
        return Fetched(self._head, body, self._requested_at, self._received_at)
