"""A FastAPI application behind the cache.

    uvicorn examples.fastapi_app:app

It is cached in memory, and in Redis too where HYBRIDCACHE_REDIS names one. Each route
says itself what may be done with its responses: the cache adds nothing.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import Cookie, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from examples import pages
from hybridcache import AsyncCache, Memory
from hybridcache.http import CacheMiddleware

# A browser asks each time, and is told 304; the shared cache asks once an hour, or when
# something was changed through it.
ASK_EACH_TIME: Final = "max-age=0, s-maxage=3600"

cache = AsyncCache(
    name="notes",
    upstream=os.environ.get("HYBRIDCACHE_REDIS"),
    downstream=Memory(max_items=1000),
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Close the cache when the server ends."""
    async with cache:
        yield


app = FastAPI(lifespan=lifespan)
# Added last, it is outermost: what is served from the cache passes nothing else.
app.add_middleware(CacheMiddleware, cache=cache)

notes = ["Buy milk"]
assets = dict(pages.ASSETS)


@app.get("/")
async def index() -> HTMLResponse:
    """Show the notes: the same to everybody."""
    text = pages.page(notes)
    fields = {"Cache-Control": ASK_EACH_TIME, "ETag": pages.etag(text)}
    return HTMLResponse(text, headers=fields)


@app.post("/notes")
async def add(request: Request) -> RedirectResponse:
    """Add a note. That this succeeds drops ``/`` from the cache: Location names it."""
    # By hand, so that the example needs no parser of forms.
    form = parse_qs((await request.body()).decode())
    notes.extend(form.get("note", ()))
    return RedirectResponse("/", status_code=303)


@app.get("/assets/{name}")
async def asset(name: str) -> Response:
    """Send a style sheet, a script or a picture."""
    if name not in assets:
        raise HTTPException(404)
    kind, text = assets[name]
    fields = {"Cache-Control": ASK_EACH_TIME, "ETag": pages.etag(text)}
    return Response(text, media_type=kind, headers=fields)


@app.put("/assets/{name}", status_code=204)
async def change(name: str, request: Request) -> None:
    """Change one of them. That this succeeds drops it from the cache."""
    if name not in assets:
        raise HTTPException(404)
    kind, _ = assets[name]
    assets[name] = (kind, (await request.body()).decode())


@app.get("/me")
async def me(user: Annotated[str, Cookie()] = "nobody") -> PlainTextResponse:
    """Greet a user: for this one alone, so the shared cache leaves it alone."""
    fields = {"Cache-Control": "private, max-age=60", "Vary": "Cookie"}
    return PlainTextResponse(f"Hello {user}", headers=fields)


@app.get("/slow")
async def slow() -> PlainTextResponse:
    """Take a second, and be fresh for four: age counts from when the cache asked.

    Only the first one waits. Who comes later is served what is there, stale at times,
    while a new one is made.
    """
    await asyncio.sleep(1)
    fields = {"Cache-Control": "max-age=5, stale-while-revalidate=600"}
    return PlainTextResponse(f"made at {time.monotonic():.3f}", headers=fields)
