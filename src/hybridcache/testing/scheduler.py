"""One virtual clock and one seeded order: which of what could happen now does."""

import random
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Protocol, TypeAlias

Action: TypeAlias = Callable[[], object]


class Host(Protocol):
    """Whose action it is: a process, which may stand still or be gone by then."""

    awake: bool

    def put_off(self, action: Action) -> None:
        """Keep what was due while it was not awake, or drop it."""


class Scheduler:
    """Runs actions at virtual instants; those of one instant in a drawn order.

    Args:

        seed: Of the dice that the whole run uses: equal seeds, equal runs.
    """

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 (repeatable is the point)
        self.now = 0.0
        self.steps = 0
        self._drawn = self.dice.random
        self._ahead: list[tuple[float, float, int, Action, Host | None]] = []
        self._count = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}(now={self.now!r}, {len(self._ahead)} ahead)"

    def after(self, seconds: float, action: Action, host: Host | None = None) -> None:
        """Run *action* that many virtual seconds from now, if *host* is awake then."""
        self._count += 1
        at = self.now + seconds if seconds > 0.0 else self.now
        # Actions of one instant go by a drawn number, whoever came first.
        heappush(self._ahead, (at, self._drawn(), self._count, action, host))

    def run(self, until: float, done: Callable[[], bool] | None = None) -> None:
        """Let time pass until that instant, or until *done* says so."""
        ahead = self._ahead
        while ahead and ahead[0][0] <= until and (done is None or not done()):
            self.now, _, _, action, host = heappop(ahead)
            self.steps += 1
            if host is None or host.awake:
                action()
            else:
                host.put_off(action)
        if done is None or not done():
            self.now = max(self.now, until)

    def chance(self, share: float) -> bool:
        """Throw the dice: True with that probability."""
        return share > 0.0 and self._drawn() < share
