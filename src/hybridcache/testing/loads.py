"""The loaders of a simulated cluster: what a load takes, makes and meets with."""

import math
from collections import Counter
from collections.abc import Callable, Generator
from functools import partial
from typing import TypeAlias

import attrs

from hybridcache.core.reply import NOT_MODIFIED, NoStore
from hybridcache.engine.command import Await, Command, Flow
from hybridcache.engine.current import current_load
from hybridcache.engine.latch import Latch
from hybridcache.testing import history as past
from hybridcache.testing.fibers import Cancelled
from hybridcache.testing.history import History
from hybridcache.testing.process import Process
from hybridcache.testing.scheduler import Scheduler
from hybridcache.testing.values import KINDS as VALUES
from hybridcache.testing.workload import Workload

LookUp: TypeAlias = Callable[[Process, str], Flow[object]]
"""A lookup of another key, from within a load."""


class LoaderFailed(Exception):  # noqa: N818 (the loader's own, as users have them)
    """What a simulated loader raises."""


@attrs.frozen
class _Nowhere:
    """A lock where nothing runs beside anything."""

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return


_NOWHERE = _Nowhere()


def sleep(seconds: float) -> Flow[None]:
    """Let virtual time pass in a simulated loader."""
    yield from Await(Latch[None](_NOWHERE), seconds)


class Loads:
    """Runs loaders and writes down what became of them.

    Attributes:

        hanging: How many of them hang, by process.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        history: History,
        workload: Workload,
        look_up: LookUp,
    ) -> None:
        self._scheduler, self._dice = scheduler, scheduler.dice
        self._history, self._workload = history, workload
        self._values = VALUES[workload.values]
        self._keys = list(history.policies)
        self._look_up = look_up
        self._count = 0
        self.hanging = Counter[int]()

    def load(
        self, process: Process, key: str
    ) -> Generator[Command[object], object, object]:
        """Be a loader of *key*, called in *process*.

        Raises:

            LoaderFailed: As the workload says.
        """
        history, clock, dice = self._history, self._scheduler, self._dice
        workload = self._workload
        current, fiber = current_load(), process.running
        if current is None or fiber is None:
            msg = "a loader was called outside of a load"
            raise RuntimeError(msg)
        self._count += 1
        value = self._count
        work = dice.choice((0.0, 0.005, dice.uniform(0.0, 0.3)))
        if clock.chance(workload.slow):
            work = dice.uniform(2.0, 8.0)
        nested = clock.chance(workload.nested)
        if clock.chance(workload.hanging):
            self.hanging[process.number] += 1
            work = math.inf
        history.add(
            past.LoadBegan(
                history.next,
                clock.now,
                process.number,
                value,
                key,
                fiber.token,
                process.real(current.deadline),
                work,
                nested,
            )
        )

        def ended(result: str, made: int | None) -> None:
            history.add(
                past.LoadEnded(
                    history.next, clock.now, process.number, value, key, result, made
                )
            )

        try:
            yield from self._work(process, work, nested=nested)
        except Exception:
            ended("failed", None)
            raise
        except Cancelled:
            ended("cancelled", None)
            raise
        values = self._values
        made = values.make(value)
        if values.mutable and not self._history.policies[key].share:
            # A loader may hold on to what it returned, and change it later.
            process.after(0.01, partial(values.change, made))
        if clock.chance(workload.unstored):
            ended("unstored", value)
            return NoStore(made)
        previous = self._previous(current.previous, key)
        if previous is not None and clock.chance(workload.unmodified):
            ended("unmodified", previous)
            return NOT_MODIFIED
        ended("stored", value)
        return made

    def _work(self, process: Process, seconds: float, *, nested: bool) -> Flow[None]:
        """Take that long, look up another key first if *nested*, and fail or not."""
        yield from sleep(seconds)
        if nested:
            yield from self._look_up(process, self._dice.choice(self._keys))
        if self._scheduler.chance(self._workload.failing):
            raise LoaderFailed

    def _previous(self, value: object, key: str) -> int | None:
        """Return the number of the previous value, and change that as a caller may."""
        if value is None:
            return None
        number = self._values.number(value)
        if not self._history.policies[key].share:
            self._values.change(value)
        return number
