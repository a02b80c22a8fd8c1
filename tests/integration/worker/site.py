"""A WSGI site for worker processes: Redis counts its calls and holds its gate."""

import io
import os
from collections.abc import Iterable, Iterator
from wsgiref.types import StartResponse, WSGIEnvironment

import redis

from hybridcache import Cache, Memory
from hybridcache.faces.http.wsgi import WSGICacheMiddleware

URL, PREFIX = os.environ["SITE_REDIS"], os.environ["SITE_PREFIX"]


def site(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer, once the gate is open if the path is held."""
    path = environ["PATH_INFO"]
    with redis.Redis.from_url(URL) as counts:
        counts.incr(f"{PREFIX}calls")
    status = "599 Strange One" if path == "/strange" else "200 OK"
    head = [("Content-Type", "text/plain"), ("Cache-Control", "max-age=60")]
    start_response(status, head)
    if path == "/file":
        file: Iterable[bytes] = environ["wsgi.file_wrapper"](io.BytesIO(b"a file"))
        return file
    return _parts() if path == "/held" else [environ["RAW_URI"].encode()]


def _parts() -> Iterator[bytes]:
    yield b"one"
    with redis.Redis.from_url(URL) as gate:
        assert gate.blpop([f"{PREFIX}gate"], 20)
    yield b"two"


app = WSGICacheMiddleware(
    site, cache=Cache(prefix=PREFIX, upstream=URL, downstream=Memory())
)
