"""Requests whose clients go away: what they owe to others is done all the same."""

import asyncio
from contextlib import suppress
from typing import Any

from tests.http.asgi import Origin, until
from tests.integration.test_http_asgi import on_a_loop, site


@on_a_loop
async def test_cancelled_unsafe_request_invalidates(
    redis_url: str, prefix: str
) -> None:
    """What a POST changed is invalidated though its client left with the response's head."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        if scope["method"] == "POST" and task is not None:
            task.cancel()
        await origin.answer(send)

    async with site(Origin(script=script), url=redis_url, prefix=prefix) as web:
        await web.get("/a")
        assert (await web.get("/a")).hit
        with suppress(asyncio.CancelledError):
            await asyncio.create_task(web.get("/a", method="POST"))

        async def gone() -> bool:
            return not (await web.get("/a")).hit

        await until(gone)
