"""What happens, in order: six acts, and what is said after each of them.

The callers go from one act to the next at once. The calls that they began before are
waited for, so that an act's last row and closing line are complete.
"""

import time
from collections.abc import Callable

import attrs

from hybridcache.demo.board import Board
from hybridcache.demo.crew import Crew
from hybridcache.demo.messages import Ask, Invalidate, Refresh
from hybridcache.demo.screen import Row, Screen
from hybridcache.demo.tally import Tally
from hybridcache.demo.wording import number, seconds_of
from hybridcache.testing.server import RedisServer

WORD = "lock"
NEW_WORDS = ("socket", "yield")
WORDS = (WORD, *NEW_WORDS)
MISS = "miss"

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
ROW_EVERY = 1.0
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

        asked_at: When the callers were told of the act, on the monotonic clock.

        row_at: When the next row is due, on the monotonic clock.
    """

    crew: Crew
    server: RedisServer
    screen: Screen
    board: Board
    callers: int
    speed: float
    started: float = attrs.field(factory=time.monotonic)
    current: int = COLD
    asked_at: float = 0.0
    row_at: float = 0.0
    away: float = 0.0
    back_at: float = 0.0

    def play(self) -> None:
        """Play all acts."""
        self._ready()
        everyone = self.callers * self.board.processes
        self._begin(
            COLD,
            f"{everyone} callers in {self.board.processes} processes ask for"
            f' "{WORD}" at the same moment.',
        )
        self._hold(lambda tally: tally.calls >= everyone)
        self._begin(
            STALE, "The value grows old, and is served while a new one is made."
        )
        # Not before the load has ended, or the refresh to come would only join it.
        self._hold(lambda tally: tally.load_seconds > 0)
        self._begin(REFRESH, "One process calls refresh(): a new load, now.")
        self.crew.tell(Refresh(WORD), process=0)
        self._hold(lambda _: len(self.board.done) > 0)
        self._begin(INVALIDATION, "One process calls invalidate(): all must forget.")
        self.crew.tell(Invalidate(WORD), process=0)
        self._hold(lambda tally: tally.of("miss").calls > 0)

        # The callers hear of this act once Redis is gone, and of the next one before
        # it is started: what begins in it begins without Redis.
        self.server.stop()
        stopped_at = time.monotonic()
        new = " and then ".join(f'"{word}"' for word in NEW_WORDS)
        self._begin(
            STOPPED,
            f"The server is gone. The callers go on, and ask for {new} as well, which"
            " no tier has.",
            words=WORDS[:2],
        )
        self._hold(lambda tally: tally.of("upstream-down").calls > 0, share=0.5)
        self.crew.tell(Ask(STOPPED, WORDS))
        self._hold(lambda tally: tally.of("upstream-down").calls > 1)

        self._ask(BACK, WORDS)
        self.server.start()
        self.back_at = time.monotonic()
        self.away = self.back_at - stopped_at
        self._open(
            BACK,
            "The server runs again, and is empty. Gone with its data are the marks"
            " that vouch for what memory holds, so all is loaded anew: lost data"
            " invalidates, it never brings old values back.",
        )
        self._hold(
            lambda tally: (
                tally.of("hit-fresh").calls > 0 and None not in self._reached()
            )
        )
        self.board.record(self.crew.leave())
        self._end()

    def _ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while len(self.board.ready) < self.board.processes:
            if time.monotonic() > deadline:
                msg = f"the workers were not ready within {READY_WITHIN} s"
                raise RuntimeError(msg)
            self.board.record(self.crew.hear(POLL))

    def _begin(self, act: int, title: str, *, words: tuple[str, ...] = (WORD,)) -> None:
        self._ask(act, words)
        self._open(act, title)

    def _ask(self, act: int, words: tuple[str, ...]) -> None:
        self.crew.tell(Ask(act, words))
        self.asked_at = time.monotonic()

    def _open(self, act: int, title: str) -> None:
        if act != COLD:
            # It has an end: no call waits longer than its policy lets it.
            while not self.board.is_over(self.current):
                self._look()
            self._end()
        self.current = act
        self.screen.say(f"\n{act}. {NAMES[act]}: {title}")
        self.row_at = time.monotonic() + ROW_EVERY

    def _hold(self, happened: Callable[[Tally], bool], *, share: float = 1.0) -> None:
        planned = SECONDS[self.current] * share / self.speed
        while (passed := time.monotonic() - self.asked_at) < planned + GRACE:
            if passed >= planned and happened(self.board.act(self.current)):
                return
            self._look()

    def _look(self) -> None:
        self.board.record(self.crew.hear(POLL))
        if time.monotonic() >= self.row_at:
            self.row_at = time.monotonic() + ROW_EVERY
            self._show(self.board.next_row(self.current))

    def _show(self, row: Row) -> None:
        seconds = time.monotonic() - self.started
        self.screen.show(NAMES[self.current], seconds, row, self.board)

    def _end(self) -> None:
        if any(row := self.board.next_row(self.current)):
            self._show(row)
        self.screen.say(f"   {self._summary(self.current)}")

    def _reached(self) -> list[float | None]:
        """Say when Redis first answered each process since it is back."""
        processes = range(self.board.processes)
        return [self.board.act(BACK, process).reached_at for process in processes]

    def _summary(self, act: int) -> str:
        tally = self.board.act(act)
        loads = number(tally.loads, "load")
        waited = f"{number(tally.of('suppressed').calls, 'call')} waited"
        hits = tally.of("hit-fresh", "hit-stale")
        served = number(hits.calls, "hit")
        if hits.calls:
            served += f", the slowest {seconds_of(hits.slowest)}"
        if act == STALE:
            stale = tally.of("hit-stale")
            return (
                f"-> {loads} in the background; {number(stale.calls, 'stale hit')}, the"
                f" slowest {seconds_of(stale.slowest)}; {waited}."
            )
        if act == REFRESH:
            did = self.board.done[0]
            own = " (this caller's own load made the value)"
            why = own if did.result == MISS else ""
            return (
                f"-> {loads}; refresh() took {seconds_of(did.seconds)}, its outcome:"
                f" {did.result}{why}; {served}."
            )
        if act == INVALIDATION:
            did = self.board.done[1]
            return (
                f"-> {loads}, {waited} for it; invalidate() {did.result} in"
                f" {seconds_of(did.seconds)}; {served}."
            )
        if act == STOPPED:
            down = tally.of("upstream-down")
            return (
                f"-> {loads} without Redis, those in the background included:"
                f" {number(down.calls, 'call')} made their own, {waited} for those;"
                f" {served}; {number(tally.errors, 'error')}."
            )
        if act == BACK:
            reached = [at - self.back_at for at in self._reached() if at is not None]
            all_of_them = len(reached) == self.board.processes
            after = f" after {seconds_of(max(reached))}" if all_of_them else ""
            return (
                f"-> {loads}; Redis answered {len(reached)} of {self.board.processes}"
                f" processes again{after}; {waited}; {served}."
            )
        return f"-> {loads}, {waited} for it; then {served}."
