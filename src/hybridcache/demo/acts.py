"""What happens, in order: six acts, and what is said after each of them."""

import time
from collections.abc import Callable

import attrs

from hybridcache.demo.board import Board
from hybridcache.demo.crew import Crew
from hybridcache.demo.messages import Ask, Invalidate, Refresh
from hybridcache.demo.screen import Screen
from hybridcache.demo.tally import Tally
from hybridcache.demo.wording import number, seconds_of
from hybridcache.testing.server import RedisServer

WORD = "lock"
NEW_WORDS = ("socket", "yield")
WORDS = (WORD, *NEW_WORDS)

COLD, STALE, REFRESH, INVALIDATION, STOPPED, BACK = range(1, 7)
NAMES = {
    COLD: "cold key",
    STALE: "stale hits",
    REFRESH: "refresh",
    INVALIDATION: "invalidation",
    STOPPED: "Redis stopped",
    BACK: "Redis back",
}
# Seconds of each act, and of the values' freshness, where all take LENGTH.
LENGTH = 22.0
SECONDS = {
    COLD: 3.0,
    STALE: 4.0,
    REFRESH: 3.0,
    INVALIDATION: 3.0,
    STOPPED: 5.0,
    BACK: 4.0,
}
FRESH_FOR = 3.5

POLL = 0.1
# Every worker has reported once more after this.
SETTLED = 0.4
READY_WITHIN = 15.0
# How much longer than planned an act may take until what it shows has happened.
GRACE = 2.5


@attrs.define
class Stage:
    """Where the acts are played.

    Attributes:

        speed: By how much they are shorter than planned.

        away: How long Redis was away, seconds.

        back_at: When it ran again, on the monotonic clock.
    """

    crew: Crew
    server: RedisServer
    screen: Screen
    board: Board
    callers: int
    speed: float
    started: float = attrs.field(factory=time.monotonic)
    current: int = COLD
    away: float = 0.0
    back_at: float = 0.0

    def play(self) -> None:
        """Play all acts."""
        self._ready()
        everyone = self.callers * self.board.processes
        self._act(
            COLD,
            f"{everyone} callers in {self.board.processes} processes ask for"
            f' "{WORD}" at the same moment.',
        )
        self._hold(lambda tally: tally.calls >= everyone and tally.loads > 0)
        self._act(STALE, "The value grows old, and is served while a new one is made.")
        self._hold(lambda tally: tally.of("hit-stale").calls > 0 and tally.loads > 0)
        self._act(REFRESH, "One process calls refresh(): a new load, now.")
        self.crew.tell(Refresh(WORD), process=0)
        self._hold(lambda _: len(self.board.done) > 0)
        self._act(INVALIDATION, "One process calls invalidate(): all must forget.")
        self.crew.tell(Invalidate(WORD), process=0)
        self._hold(lambda tally: tally.loads > 0)

        self._ask(STOPPED, (WORD,))
        self.server.stop()
        stopped_at = time.monotonic()
        self._ask(STOPPED, WORDS[:2])
        new = " and then ".join(f'"{word}"' for word in NEW_WORDS)
        self._say_after(INVALIDATION)
        self._say_before(
            STOPPED,
            f"The server is gone. The callers go on, and ask for {new} as well, which"
            " no tier has.",
        )
        self._hold(lambda tally: tally.of("upstream-down").calls > 0, share=0.5)
        self._ask(STOPPED, WORDS)
        self._hold(lambda tally: tally.of("upstream-down").calls > 1, share=0.5)

        self.server.start()
        self.back_at = time.monotonic()
        self.away = self.back_at - stopped_at
        self._ask(BACK, WORDS)
        self._say_after(STOPPED)
        self._say_before(BACK, "The server runs again, and is empty.")
        self._hold(
            lambda tally: (
                tally.of("hit-fresh").calls > 0 and None not in self._reached()
            )
        )
        self._say_after(BACK)

    def _ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while len(self.board.ready) < self.board.processes:
            if time.monotonic() > deadline:
                msg = f"the workers were not ready within {READY_WITHIN} s"
                raise RuntimeError(msg)
            self.board.record(self.crew.hear(POLL), time.monotonic())

    def _act(self, act: int, title: str) -> None:
        self._ask(act, (WORD,))
        if act != COLD:
            self._say_after(act - 1)
        self._say_before(act, title)

    def _ask(self, act: int, words: tuple[str, ...]) -> None:
        self.current = act
        self.crew.tell(Ask(act, words))

    def _hold(self, happened: Callable[[Tally], bool], *, share: float = 1.0) -> None:
        begun = time.monotonic()
        planned = SECONDS[self.current] * share / self.speed
        while (passed := time.monotonic() - begun) < planned + GRACE:
            if passed >= planned and happened(self.board.act(self.current)):
                return
            self._look()

    def _look(self) -> None:
        self.board.record(self.crew.hear(POLL), time.monotonic())
        now = time.monotonic()
        name, seconds = NAMES[self.current], now - self.started
        self.screen.show(self.board, name, seconds=seconds, now=now)

    def _say_before(self, act: int, title: str) -> None:
        self.screen.say(f"\n{act}. {NAMES[act]}: {title}")

    def _say_after(self, act: int) -> None:
        settled = time.monotonic() + SETTLED
        while time.monotonic() < settled:
            self._look()
        self.screen.say(f"   {self._summary(act)}")

    def _reached(self) -> list[float | None]:
        """Say when Redis first answered each process since it is back."""
        processes = range(self.board.processes)
        return [self.board.act(BACK, process).reached_at for process in processes]

    def _summary(self, act: int) -> str:
        tally = self.board.act(act)
        hits = tally.of("hit-fresh", "hit-stale")
        waited = tally.of("suppressed")
        made = f"{number(tally.loads, 'load')}, {number(waited.calls, 'call')} waited for it"
        served = number(hits.calls, "hit")
        if hits.calls:
            served += f", the slowest {seconds_of(hits.slowest)}"
        if act == STALE:
            stale = tally.of("hit-stale")
            return (
                f"-> {number(stale.calls, 'stale hit')}, the slowest"
                f" {seconds_of(stale.slowest)}; {number(tally.loads, 'load')} in the"
                f" background; {number(waited.calls, 'call')} waited."
            )
        if act == REFRESH and self.board.done:
            did = self.board.done[0]
            return f"-> It took {seconds_of(did.seconds)} ({did.result}); meanwhile {served}."
        if act == INVALIDATION and len(self.board.done) > 1:
            did = self.board.done[1]
            return f"-> It {did.result} in {seconds_of(did.seconds)}; {made}; {served}."
        if act == STOPPED:
            down = tally.of("upstream-down")
            return (
                f"-> {number(down.calls, 'call')} loaded without Redis,"
                f" {number(waited.calls, 'call')} waited for those; {served};"
                f" {number(tally.errors, 'error')}."
            )
        if act == BACK:
            reached = [at - self.back_at for at in self._reached() if at is not None]
            all_of_them = len(reached) == self.board.processes
            after = f" after {seconds_of(max(reached))}" if all_of_them else ""
            return (
                f"-> It answered {len(reached)} of {self.board.processes} processes"
                f" again{after}; {number(tally.loads, 'load')}; {served}."
            )
        return f"-> {made}; then {served}."
