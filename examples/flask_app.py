"""A Flask application behind the cache.

    waitress-serve examples.flask_app:app

It is cached in memory, and in Redis too where HYBRIDCACHE_REDIS names one. Each route
says itself what may be done with its responses: the cache adds nothing.
"""

import os
import time
from typing import Final

from flask import Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from examples import pages
from hybridcache import Cache, Memory
from hybridcache.http import WSGICacheMiddleware

# A browser asks each time, and is told 304; the shared cache asks once an hour, or when
# something was changed through it.
ASK_EACH_TIME: Final = "max-age=0, s-maxage=3600"

app = Flask(__name__)
cache = Cache(
    name="notes",
    upstream=os.environ.get("HYBRIDCACHE_REDIS"),
    downstream=Memory(max_items=1000),
)
app.wsgi_app = WSGICacheMiddleware(app.wsgi_app, cache=cache)  # type: ignore[method-assign]  # Flask's own way to add one

notes = ["Buy milk"]
assets = dict(pages.ASSETS)


@app.get("/")
def index() -> Response:
    """Show the notes: the same to everybody."""
    text = pages.page(notes)
    fields = {"Cache-Control": ASK_EACH_TIME, "ETag": pages.etag(text)}
    return Response(text, headers=fields)


@app.post("/notes")
def add() -> AnyResponse:
    """Add a note. That this succeeds drops ``/`` from the cache: Location names it."""
    notes.append(request.form["note"])
    return redirect("/", 303)


@app.get("/assets/<name>")
def asset(name: str) -> Response:
    """Send a style sheet, a script or a picture."""
    if name not in assets:
        abort(404)
    kind, text = assets[name]
    fields = {"Cache-Control": ASK_EACH_TIME, "ETag": pages.etag(text)}
    return Response(text, mimetype=kind, headers=fields)


@app.put("/assets/<name>")
def change(name: str) -> Response:
    """Change one of them. That this succeeds drops it from the cache."""
    if name not in assets:
        abort(404)
    kind, _ = assets[name]
    assets[name] = (kind, request.get_data(as_text=True))
    return Response(status=204)


@app.get("/me")
def me() -> Response:
    """Greet a user: for this one alone, so the shared cache leaves it alone."""
    fields = {"Cache-Control": "private, max-age=60", "Vary": "Cookie"}
    user = request.cookies.get("user", "nobody")
    return Response(f"Hello {user}", mimetype="text/plain", headers=fields)


@app.get("/slow")
def slow() -> Response:
    """Take a second, and be fresh for four: age counts from when the cache asked.

    Only the first one waits. Who comes later is served what is there, stale at times,
    while a new one is made.
    """
    time.sleep(1)
    fields = {"Cache-Control": "max-age=5, stale-while-revalidate=600"}
    text = f"made at {time.monotonic():.3f}"
    return Response(text, mimetype="text/plain", headers=fields)
