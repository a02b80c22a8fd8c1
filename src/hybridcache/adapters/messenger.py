"""Calls that must not hold up whoever makes them, one after another in a thread."""

import threading
from collections import deque
from collections.abc import Callable

import attrs

# A user's observer that hangs costs so many calls, and no more memory.
MOST = 1000


@attrs.define(eq=False)
class Messenger:
    """A daemon thread that lives as long as there are calls.

    Attributes:

        lost: Calls that were not made, for there were too many.
    """

    lost: int = attrs.field(default=0, init=False)
    _calls: deque[Callable[[], None]] = attrs.field(factory=deque, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _thread: threading.Thread | None = attrs.field(default=None, init=False)

    def post(self, call: Callable[[], None]) -> None:
        """Have *call* made soon; it must not raise."""
        with self._lock:
            if len(self._calls) >= MOST:
                self.lost += 1
                return
            self._calls.append(call)
            if self._thread is not None:
                return
            thread = self._thread = threading.Thread(
                target=self._run, name="hybridcache news", daemon=True
            )
        try:
            thread.start()
        except RuntimeError:
            # No thread to be had, or the interpreter ends: the next call tries again.
            with self._lock:
                self._thread = None

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._calls:
                    self._thread = None
                    return
                call = self._calls.popleft()
            call()

    def end(self, timeout: float) -> None:
        """Wait until all calls were made, at most *timeout* seconds."""
        with self._lock:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    def forked(self) -> None:
        """Start without calls and thread in the child of a fork."""
        self._lock = threading.Lock()
        self._calls.clear()
        self._thread = None
