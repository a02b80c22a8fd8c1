"""The slow thing that the service asks, and the mood it is in."""

import asyncio
import threading
import time
from random import Random

import attrs

from dashboard.mood import Mood

# What a query takes, seconds, from the quickest to the slowest.
USUAL = (0.02, 0.09)
# Some of these are beyond the policy's `wait_for`, some beyond its `abandon_after`.
SLOW = (0.8, 3.2)
FAILING_SHARE = 0.6


class QueryFailed(RuntimeError):  # noqa: N818 (what happened, in two words)
    """The slow thing refused."""


@attrs.define
class Loader:
    """Queries that take a while, for both colours."""

    random: Random
    mood: Mood = Mood.CALM
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def query(self, number: int) -> str:
        """Answer, after a while.

        Raises:

            QueryFailed: The mood is so.
        """
        seconds, fails = self._drawn()
        time.sleep(seconds)
        return self._answer(number, fails=fails)

    async def aquery(self, number: int) -> str:
        """Answer as `query` does, without a thread."""
        seconds, fails = self._drawn()
        await asyncio.sleep(seconds)
        return self._answer(number, fails=fails)

    def _drawn(self) -> tuple[float, bool]:
        with self._lock:
            least, most = SLOW if self.mood is Mood.SLOW else USUAL
            seconds = least + (most - least) * self.random.random()
            failing = self.mood is Mood.FAILING
            return seconds, failing and self.random.random() < FAILING_SHARE

    @staticmethod
    def _answer(number: int, *, fails: bool) -> str:
        if fails:
            msg = f"query {number} was refused"
            raise QueryFailed(msg)
        return f"answer {number} " + "." * (number % 200)
