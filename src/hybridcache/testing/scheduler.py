"""One virtual clock and one seeded order: which of what could happen now does."""

import random
from collections.abc import Callable
from heapq import heappop, heappush
from typing import TypeAlias

Action: TypeAlias = Callable[[], object]


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
        self._ahead: list[tuple[float, float, int, Action]] = []
        self._count = 0

    def __repr__(self) -> str:
        return f"{type(self).__name__}(now={self.now!r}, {len(self._ahead)} ahead)"

    def after(self, seconds: float, action: Action) -> None:
        """Run *action* that many virtual seconds from now."""
        self._count += 1
        # Actions of one instant go by a drawn number, whoever came first.
        at = self.now + max(0.0, seconds)
        heappush(self._ahead, (at, self._drawn(), self._count, action))

    def run(self, until: float, done: Callable[[], bool] = lambda: False) -> None:
        """Let time pass until that instant, or until *done* says so."""
        ahead = self._ahead
        while ahead and ahead[0][0] <= until and not done():
            self.now, _, _, action = heappop(ahead)
            self.steps += 1
            action()
        if not done():
            self.now = max(self.now, until)

    def chance(self, share: float) -> bool:
        """Throw the dice: True with that probability."""
        return share > 0.0 and self._drawn() < share
