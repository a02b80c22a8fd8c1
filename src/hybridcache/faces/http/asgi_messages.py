"""ASGI messages: their types, and answers and parts of bodies as such."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.message import Headers

Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Any]]
Send: TypeAlias = Callable[[Any], Awaitable[None]]
Application: TypeAlias = Callable[[Any, Receive, Send], Awaitable[None]]


async def send_answer(answer: Answer, send: Send) -> None:
    """Send a response of the cache's own."""
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": list(answer.headers),
        }
    )
    await send({"type": "http.response.body", "body": answer.body})


def fields_of(message: Message) -> Headers:
    """Return the field lines of the head of a response."""
    return tuple(
        (bytes(name), bytes(value)) for name, value in message.get("headers", ())
    )


def part_of(body: bytes, *, more: bool) -> Message:
    """Make a message that carries a part of a body."""
    return {"type": "http.response.body", "body": body, "more_body": more}
