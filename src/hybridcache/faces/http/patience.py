"""How long a response that may be stored waits for its own client.

A WSGI server asks for a part of a body once its client has taken the one before, so a
client that takes nothing would hold up all who wait for the response, in any process.
One thread watches, while there is something to watch: a load whose client has kept it
waiting for too long is given up. The client gets its response all the same.
"""

import os
import threading
import time
from typing import Final

from hybridcache.engine.http.leading import Led

# Any client that is still there takes a part sooner, and others lead in its place.
LONGEST: Final = 1.0
TICK: Final = 0.25


class Patience:
    """The loads that wait for a client, and since when.

    Each step is one operation on a dict, so that no lock is inherited by a fork.
    """

    def __init__(self) -> None:
        self._since: dict[Led, float] = {}
        # The process whose thread watches; threads do not survive a fork.
        self._watched_by = 0

    def begin(self, led: Led) -> None:
        """Note that the server has a part to send."""
        self._since[led] = time.monotonic()
        if self._watched_by != os.getpid():
            self._watched_by = os.getpid()
            try:
                threading.Thread(target=self._watch, daemon=True).start()
            except RuntimeError:
                # The system has no thread left for it; a later part tries again.
                self._watched_by = 0

    def end(self, led: Led) -> None:
        """Note that the server asks for more, or is done."""
        self._since.pop(led, None)

    def _watch(self) -> None:
        while True:
            time.sleep(TICK)
            latest = time.monotonic() - LONGEST
            for led, since in list(self._since.items()):
                if since <= latest:
                    self.end(led)
                    led.give_up()
            if self._since:
                continue
            self._watched_by = 0
            # What came in between saw a watch that is about to end.
            if not self._since or self._watched_by:
                return
            self._watched_by = os.getpid()
