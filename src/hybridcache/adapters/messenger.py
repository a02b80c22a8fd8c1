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
    # Re-entrant: a signal handler or a finalizer may have news while its thread is in
    # here.
    _lock: threading.RLock = attrs.field(factory=threading.RLock, init=False)
    _thread: threading.Thread | None = attrs.field(default=None, init=False)

    def post(self, call: Callable[[], None]) -> None:
        """Have *call* made soon; it must not raise."""
        with self._lock:
            if len(self._calls) >= MOST:
                self.lost += 1
                return
            self._calls.append(call)
            idle = self._thread is None
        if idle:
            self._start()

    def _start(self) -> None:
        thread = threading.Thread(
            target=self._run, name="hybridcache news", daemon=True
        )
        with self._lock:
            # Another thread may have been first, or whoever re-entered this one.
            if self._thread is not None:
                return
            self._thread = thread
        try:
            thread.start()
        except BaseException as error:
            # The next call tries again. If this one runs all the same, there are two for
            # a while.
            with self._lock:
                self._thread = None
            # No thread to be had, or the interpreter ends; else a signal handler's.
            if not isinstance(error, RuntimeError | MemoryError):
                raise

    def _run(self) -> None:
        while (call := self._next()) is not None:
            call()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            # In this order: a finalizer that has news in here starts another thread.
            self._thread = None
            if not self._calls:
                return None
            self._thread = threading.current_thread()
            return self._calls.popleft()

    def end(self, timeout: float) -> None:
        """Wait until all calls were made, at most *timeout* seconds.

        What a thread that is just being started will call, is not waited for.
        """
        with self._lock:
            thread = self._thread
        if (
            thread is not None
            and thread.is_alive()
            and thread is not threading.current_thread()
        ):
            thread.join(timeout)

    def forked(self) -> None:
        """Start without calls and thread in the child of a fork."""
        self._lock = threading.RLock()
        self._calls.clear()
        self._thread = None
