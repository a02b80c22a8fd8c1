"""The ASGI middleware where applications, clients and the cache part ways."""

from typing import Any

from tests.http.asgi import Origin
from tests.integration.test_http_asgi import FRESH, on_a_loop, site

SAYS_WHERE = (FRESH, ("content-location", "/a"))


@on_a_loop
async def test_part_never_serves_for_the_whole() -> None:
    """A stored part does not answer for the whole when the application fails."""

    async def script(origin: Origin, scope: Any, receive: Any, send: Any) -> None:
        if origin.sent("if-range") is not None:
            msg = "down"
            raise ValueError(msg)
        await origin.answer(send)

    part = (FRESH, ("etag", '"1"'), ("content-range", "bytes 0-4/10"))
    async with site(Origin(206, part, script=script)) as web:
        await web.get(headers=[("range", "bytes=0-4")])
        try:
            whole = await web.get()
        except ValueError as error:
            failed = str(error)
        else:
            failed = whole.body.decode()

        assert failed == "down"
