"""Gauges of prometheus-client itself, for its multiprocess mode.

Nobody asks a process of a pool how things stand there, so it says so by itself: a
daemon thread sets the gauges every half second, from the first thing that the process
counts on and while a cache is open. One that only forks others has nothing to say.

In the child of a fork prometheus-client begins with a zero for each gauge of the
parent's, as soon as the child has files at all: if only for a metric of somebody else's.
A zero of `upstream_up` is an alarm, so the child has a thread that waits for that.
"""

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, TypeAlias
from weakref import WeakSet

import attrs
from prometheus_client import Gauge as ClientGauge

from hybridcache.engine.gauges import GAUGES, Across, Gauge, Live, standings

log: Final = logging.getLogger("hybridcache.adapters")

# Scrapes are 5 s apart and more; an event could not say what happens after the last.
PERIOD: Final = 0.5

_Mode: TypeAlias = Literal["livesum", "livemax", "livemin"]
_MODES: Final[Mapping[Across, _Mode]] = {
    Across.SUM: "livesum",
    Across.MOST: "livemax",
    Across.LEAST: "livemin",
}


def _made(gauge: Gauge) -> ClientGauge:
    return ClientGauge(
        gauge.name,
        gauge.help,
        gauge.labels,
        registry=None,
        multiprocess_mode=_MODES[gauge.across],
    )


@attrs.define(eq=False)
class LiveGauges:
    """The gauges of this process, and the thread that sets them.

    Attributes:

        directory: Where prometheus-client writes them.

        lock: Held while they are set, and by whoever forks: prometheus-client's own
            lock is not to be inherited locked.
    """

    directory: str
    lock: threading.RLock = attrs.field(factory=threading.RLock, init=False)
    _gauges: dict[Gauge, ClientGauge] = attrs.field(init=False)
    # All that was ever shown: in this mode prometheus-client can remove nothing.
    _shown: set[tuple[Gauge, tuple[str, ...]]] = attrs.field(factory=set, init=False)
    _told: bool = attrs.field(default=False, init=False)
    _caches: "WeakSet[Live]" = attrs.field(factory=WeakSet, init=False)
    _thread: threading.Thread | None = attrs.field(default=None, init=False)
    _wake: threading.Event = attrs.field(factory=threading.Event, init=False)
    # Whoever holds it waits for no other lock: it may be taken under any. Re-entrant: a
    # signal handler may count something while its thread starts this one.
    _starting: threading.RLock = attrs.field(factory=threading.RLock, init=False)
    _began: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        """Make the gauges."""
        self._gauges = {gauge: _made(gauge) for gauge in GAUGES}

    def watch(self, cache: Live) -> None:
        """Show how *cache* stands, from the first count on."""
        with self.lock:
            self._caches.add(cache)
        if self._began:
            self.ensure()

    def ensure(self) -> None:
        """Show how the caches stand from now on: start the thread if it does not run."""
        self._began = True
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        thread = threading.Thread(
            target=self._run, name="hybridcache-gauges", daemon=True
        )
        with self._starting:
            # Another thread may have been first, or whoever re-entered this one.
            if self._thread is not None:
                return
            self._thread = thread
        try:
            thread.start()
        except BaseException as error:
            # A later first count tries again. If this one runs all the same, it finds
            # itself unwanted.
            with self._starting:
                self._thread = None
            # The system has no thread left; else a signal handler's.
            if not isinstance(error, RuntimeError | MemoryError):
                raise

    def ended(self) -> None:
        """Show no more of a cache that was closed; the last one ends the thread."""
        with self.lock:
            thread = self._thread
            if thread is None or self._show():
                return
        self._wake.set()
        # It goes on where another cache is opened at this moment, and has not begun
        # where a signal handler interrupted its start.
        if thread.is_alive():
            thread.join(PERIOD)

    def _run(self) -> None:
        while True:
            with self.lock:
                if self._thread is not threading.current_thread():
                    return
                if not self._turn():
                    with self._starting:
                        self._thread = None
                    return
            self._wake.wait(PERIOD)
            self._wake.clear()

    def _turn(self) -> bool:
        """Set all gauges, if they are anywhere; False if no cache is open."""
        return self._show() if self._began or self._has_file() else bool(self._open())

    def _has_file(self) -> bool:
        return any(
            Path(self.directory, f"gauge_{mode}_{os.getpid()}.db").exists()
            for mode in _MODES.values()
        )

    def _open(self) -> list[Live]:
        return [cache for cache in self._caches if not cache.closed]

    def _show(self) -> bool:
        """Set all gauges; False if no cache is open.

        In a process that has counted nothing they say what those of a closed cache do.
        """
        caches = self._open()
        read = standings(caches if self._began else ())
        self._shown |= {(gauge, labels) for gauge in read for labels in read[gauge]}
        try:
            for gauge, labels in self._shown:
                value = read[gauge].get(labels, gauge.gone)
                self._gauges[gauge].labels(*labels).set(value)
        except OSError:
            # Closing a cache does not fail because its gauges do.
            if not self._told:
                self._told = True
                log.exception("the gauges of this process are not shown; said once")
        return bool(caches)

    def forked(self) -> None:
        """Say nothing in the child of a fork until it counts something."""
        self._thread, self._began = None, False
        self._starting = threading.RLock()
        self._wake = threading.Event()
        if self._shown:
            self._start()
