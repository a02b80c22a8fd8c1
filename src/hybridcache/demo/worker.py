"""One worker process: a cache, and a few dozen threads that call through it.

Started as ``python -m hybridcache.demo.worker FD``, where FD is its end of a pipe.
It ends when it is told to, and when the demo is gone: the pipe tells.
"""

import logging
import sys
import threading
import time
from collections import Counter
from multiprocessing.connection import Connection

from prometheus_client import CollectorRegistry

from hybridcache.core.policy import Policy
from hybridcache.demo.messages import (
    Ask,
    Command,
    Did,
    Invalidate,
    Leave,
    Message,
    Ready,
    Refresh,
    Report,
    Start,
)
from hybridcache.demo.search import Found, search
from hybridcache.demo.tally import Tally
from hybridcache.engine.events import Event, UpstreamAsked
from hybridcache.faces.cache import Cache
from hybridcache.faces.memory import Memory

REPORT_EVERY = 0.2
TTL = 60.0
WAIT_FOR = 20.0
LEAVE_WITHIN = 3.0
# A search keeps the interpreter busy; callers shall not wait the usual 5 ms for it.
SWITCH_INTERVAL = 0.0005


class Worker:
    """The cache, the callers and what they counted."""

    def __init__(self, pipe: "Connection[Message, Command]", start: Start) -> None:
        self._pipe = pipe
        self._start = start
        self._ask = Ask(0, tuple(start.expected))
        self._open = threading.Event()
        self._leaving = threading.Event()
        self._lock = threading.Lock()
        self._acts: dict[int, Tally] = {}
        # The calls that have begun and are not counted yet, by act.
        self._running: Counter[int] = Counter()
        self._done: list[Did] = []
        self._cache = Cache(
            name="demo",
            upstream=start.url,
            downstream=Memory(),
            observer=self._observe,
            registry=CollectorRegistry(),
        )
        policy = Policy(fresh_for=start.fresh_for, ttl=TTL, wait_for=WAIT_FOR)
        self._search = self._cache.cached(policy, key="search:{word}")(self._load)

    def run(self) -> None:
        """Call, and report, until told to leave."""
        callers = [
            threading.Thread(target=self._call, args=(number,), daemon=True)
            for number in range(self._start.callers)
        ]
        for thread in [*callers, threading.Thread(target=self._listen, daemon=True)]:
            thread.start()
        self._pipe.send(Ready(self._start.process))
        while not self._leaving.wait(REPORT_EVERY):
            self._report()
        self._open.set()
        deadline = time.monotonic() + LEAVE_WITHIN
        for thread in callers:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._cache.close(max(0.0, deadline - time.monotonic()))
        self._report()

    def _report(self) -> None:
        with self._lock:
            acts, self._acts = self._acts, {}
            done, self._done = self._done, []
            earliest = min(+self._running, default=self._ask.act)
        # First: what an act did is known before the act is said to be over.
        for did in done:
            self._pipe.send(did)
        self._pipe.send(Report(self._start.process, acts, earliest))

    # What the demo says

    def _listen(self) -> None:
        try:
            while not self._leaving.is_set():
                self._obey(self._pipe.recv())
        except (EOFError, OSError):
            pass  # the demo is gone
        finally:
            self._leaving.set()

    def _obey(self, command: Command) -> None:
        match command:
            case Ask():
                with self._lock:
                    self._ask = command
                self._open.set()
            case Refresh(word):
                started = time.monotonic()
                result: str
                try:
                    result = self._search.refresh(word).tag
                except Exception as error:  # noqa: BLE001 (it is what we count)
                    result = type(error).__name__
                    self._failed(self._ask.act, error)
                self._did(result, started)
            case Invalidate(word):
                started = time.monotonic()
                reached = self._search.invalidate(word).reached_redis
                self._did(
                    "reached Redis" if reached else "did not reach Redis", started
                )
            case Leave():
                self._leaving.set()
            case Start():
                pass  # it has started

    def _did(self, result: str, started: float) -> None:
        with self._lock:
            seconds = time.monotonic() - started
            self._done.append(Did(self._start.process, result, seconds))

    # What the callers do

    def _call(self, number: int) -> None:
        self._open.wait()
        while not self._leaving.is_set():
            with self._lock:
                ask = self._ask
                self._running[ask.act] += 1
            self._call_once(ask.act, ask.words[number % len(ask.words)])
            with self._lock:
                self._running[ask.act] -= 1
            number += 1
            self._leaving.wait(self._start.pause)

    def _call_once(self, act: int, word: str) -> None:
        started = time.monotonic()
        try:
            outcome = self._search.outcome(word)
        except Exception as error:  # noqa: BLE001 (it is what we count)
            self._failed(act, error)
            return
        seconds = time.monotonic() - started
        right = outcome.value == self._start.expected[word]
        with self._lock:
            tally = self._tally(act)
            tally.add(outcome.tag, seconds)
            if not right:
                tally.wrong += 1
                tally.problems.add(f"wrong value for {word!r}: {outcome}"[:300])

    def _failed(self, act: int, error: Exception) -> None:
        with self._lock:
            tally = self._tally(act)
            tally.failed += 1
            tally.problems.add(f"{type(error).__name__}: {error}"[:300])

    def _load(self, word: str) -> Found:
        # Counted when it begins: a background load may outlast its act.
        with self._lock:
            act = self._ask.act
            self._tally(act).loads += 1
        started = time.monotonic()
        try:
            return search(word)
        finally:
            with self._lock:
                self._tally(act).load_seconds += time.monotonic() - started

    def _observe(self, event: Event) -> None:
        if isinstance(event, UpstreamAsked):
            with self._lock:
                tally = self._tally(self._ask.act)
                tally.requests += 1
                if event.result == "ok" and tally.reached_at is None:
                    tally.reached_at = time.monotonic()

    def _tally(self, act: int) -> Tally:
        return self._acts.setdefault(act, Tally())


def main() -> int:
    """Be a worker on the pipe that the command line names."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    # The screen tells what happens; the log would write across it.
    logging.getLogger("hybridcache").addHandler(logging.NullHandler())
    pipe: Connection[Message, Command] = Connection(int(sys.argv[1]))
    with pipe:
        try:
            first = pipe.recv()
            if isinstance(first, Start):
                Worker(pipe, first).run()
        except (EOFError, OSError):
            return 1  # the demo is gone
    return 0


if __name__ == "__main__":
    sys.exit(main())
