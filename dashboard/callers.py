"""Those who call: threads on one cache, tasks on another, and who invalidates."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random

import attrs

from hybridcache import Invalidated

KEYS = 3000
# The smaller, the more evenly the keys are asked for (a Pareto distribution's shape).
SKEW = 0.38
PAUSE = 0.04
# How often each cache invalidates a key of those often asked for, seconds.
STORM_PAUSE = 0.05


@attrs.define
class Callers:
    """What the callers of one process share.

    Attributes:

        random: Which keys they ask for.

        leaving: Set when they shall end.

        storm: Set while keys are invalidated.
    """

    random: Random
    leaving: threading.Event = attrs.field(factory=threading.Event)
    storm: threading.Event = attrs.field(factory=threading.Event)

    def start(self, count: int, call: Callable[[int], object]) -> None:
        """Start threads that call until told to leave."""
        for _ in range(count):
            threading.Thread(target=self._call, args=(call,), daemon=True).start()

    def start_storm(self, invalidate: Callable[[int], Invalidated]) -> None:
        """Start a thread that invalidates while there is a storm."""
        threading.Thread(target=self._storm, args=(invalidate,), daemon=True).start()

    async def acall(self, count: int, call: Callable[[int], Awaitable[object]]) -> None:
        """Run tasks that call until told to leave."""
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self._acall(call))

    def _call(self, call: Callable[[int], object]) -> None:
        while not self.leaving.wait(PAUSE):
            # What a lookup raised is counted by the library, and that is what we show.
            with suppress(Exception):
                call(self._key())

    async def _acall(self, call: Callable[[int], Awaitable[object]]) -> None:
        while not self.leaving.is_set():
            await asyncio.sleep(PAUSE)
            with suppress(Exception):
                await call(self._key())

    def _storm(self, invalidate: Callable[[int], Invalidated]) -> None:
        while not self.leaving.wait(STORM_PAUSE):
            if self.storm.is_set():
                invalidate(self._key() % 10)

    def _key(self) -> int:
        return min(int(self.random.paretovariate(SKEW)), KEYS)
