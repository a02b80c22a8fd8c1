"""Gather a whole response in the background: a WSGI server without a client."""

from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from hybridcache.core.http.message import Head
from hybridcache.engine.http.behind import RefreshFailed
from hybridcache.engine.http.site import Fetched
from hybridcache.faces.http.closing import close
from hybridcache.faces.http.environs import head_of
from hybridcache.faces.http.gathered import Gathered


def gather(
    app: WSGIApplication,
    environ: WSGIEnvironment,
    wall: Callable[[], float],
    max_body: int,
) -> Fetched:
    """Return the application's response.

    Raises:

        RefreshFailed: It began none, or its content is longer than may be stored.
    """
    requested_at = wall()
    whole = _Whole(wall, max_body)
    iterable: Iterable[bytes] = ()
    try:
        iterable = app(environ, whole.start_response)
        for chunk in iterable:
            whole.write(chunk)
    finally:
        close(iterable)
    if whole.head is None:
        msg = "the application began no response"
        raise RefreshFailed(msg)
    return Fetched(whole.head, whole.body.whole(), requested_at, whole.received_at)


class _Whole:
    """What has come so far."""

    def __init__(self, wall: Callable[[], float], max_body: int) -> None:
        self.head: Head | None = None
        self.received_at = 0.0
        self.body = Gathered(max_body)
        self._wall = wall

    def start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: Any = None,
        /,
    ) -> Callable[[bytes], object]:
        """Take the head, or another in its place while there is no body."""
        try:
            if exc_info is not None and self.body:
                raise exc_info[1].with_traceback(exc_info[2])
        finally:
            # It refers to this frame.
            exc_info = None
        self.head, self.received_at = head_of(status, headers), self._wall()
        return self.write

    def write(self, chunk: bytes) -> None:
        """Take a part of the body."""
        self.body.add(chunk)
