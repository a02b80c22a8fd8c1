"""The origin as an ASGI application."""

import attrs

from examples.proxy.awaiting_origin import AsyncOrigin
from examples.proxy.fields import Fields
from examples.proxy.messages import asked
from examples.proxy.scope import (
    Receive,
    Scope,
    Send,
    body,
    fields_of,
    target,
)


@attrs.frozen
class OriginASGI:
    """Answers a request with what *origin* answers."""

    origin: AsyncOrigin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Relay one exchange (ASGI 3, ``http`` only).

        Raises:

            OriginError: The origin cannot be reached, or breaks off.
        """

        async def interim(status: int, fields: Fields) -> None:
            if "http.response.interim" in scope.get("extensions", {}):
                await send(
                    {
                        "type": "http.response.interim",
                        "status": status,
                        "headers": fields,
                    }
                )

        method = scope["method"].encode("ascii")
        request = asked(method, target(scope), fields_of(scope), self.origin.authority)
        answer = await self.origin.ask(request, body(receive), interim)
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": answer.status,
                    "headers": answer.fields,
                    "reason": answer.reason,
                }
            )
            async for chunk in answer.body:
                await send(
                    {"type": "http.response.body", "body": chunk, "more_body": True}
                )
        finally:
            answer.body.close()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
