"""A WSGI application behind waitress, in threads of this process."""

import threading
from contextlib import suppress
from typing import Any, Self
from wsgiref.types import WSGIApplication

from waitress import wasyncore
from waitress.server import create_server


class Waitress:
    """Serves until the block is left."""

    def __init__(self, app: WSGIApplication, *, threads: int = 8) -> None:
        self._sockets: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._sockets,
            host="127.0.0.1",
            port=0,
            threads=threads,
            # It looks at a connection while it serves: a client that left is noticed.
            channel_request_lookahead=1,
        )
        self._thread = threading.Thread(target=self._server.run)

    @property
    def url(self) -> str:
        """What URLs on it begin with."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.effective_port
        return port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        # The loop may be awake, and have ended, before it is woken.
        with suppress(OSError):
            self._server.trigger.pull_trigger(self._end)
        self._thread.join(20)
        self._server.task_dispatcher.shutdown()

    def _end(self) -> None:
        wasyncore.close_all(self._sockets, ignore_all=True)
