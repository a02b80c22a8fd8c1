"""What is done to the service, in order, and how it shows among the metrics."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import cycle, islice
from typing import Final, TypeAlias

import attrs
import redis
from prometheus_client import CollectorRegistry, Gauge

from dashboard.crew import Crew
from dashboard.mood import Mood
from hybridcache.testing.server import RedisServer

# How many entries are damaged at a time.
DAMAGED: Final = 400


@attrs.frozen
class Stage:
    """Where it happens."""

    server: RedisServer
    crew: Crew


Deed: TypeAlias = Callable[[Stage], None]


@attrs.frozen
class Fault:
    """Something that goes wrong for a while, or nothing.

    Attributes:

        name: What the page calls it; empty for a time of calm.

        seconds: How long it lasts.

        begin: Makes it so.

        end: Undoes it.
    """

    name: str
    seconds: float
    begin: Deed
    end: Deed


def _mood(name: str, seconds: float, mood: Mood) -> Fault:
    return Fault(
        name,
        seconds,
        lambda stage: stage.crew.tell(mood),
        lambda stage: stage.crew.tell(Mood.CALM),
    )


def _calm(seconds: float) -> Fault:
    # Told all the same: so we notice who is no longer there.
    return _mood("", seconds, Mood.CALM)


def _damage(stage: Stage) -> None:
    """Write over what entries hold, as another program with our keys would."""
    with stage.server.client() as client, suppress(redis.RedisError):
        for key in islice(client.scan_iter(match="*items:*", count=200), DAMAGED):
            client.setrange(key, 0, b"not an entry of ours")


SCHEDULE: Final = (
    _calm(14),
    _mood("loader slow", 9, Mood.SLOW),
    _calm(9),
    _mood("keys invalidated", 8, Mood.STORM),
    _calm(7),
    _mood("loader fails", 9, Mood.FAILING),
    _calm(8),
    Fault(
        "Redis stopped",
        12,
        lambda stage: stage.server.stop(),
        lambda stage: stage.server.start(),
    ),
    _calm(10),
    Fault(
        "Redis hangs",
        8,
        lambda stage: stage.server.pause(),
        lambda stage: stage.server.resume(),
    ),
    _calm(10),
    Fault("entries damaged", 5, _damage, lambda _: None),
    _calm(6),
)
"""One round; the next begins where it ends."""

NAMES: Final = [fault.name for fault in SCHEDULE if fault.name]


def schedule(pace: float) -> Iterator[Fault]:
    """Give rounds without end, *pace* times as fast as planned."""
    for fault in cycle(SCHEDULE):
        yield attrs.evolve(fault, seconds=fault.seconds / pace)


class Signs:
    """The faults as a metric, so that the page can mark them: 1 while there is one."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._gauge = Gauge(
            "dashboard_fault",
            "What is being done to the service, 1 while it is.",
            ["number", "kind"],
            registry=self.registry,
        )

    def show(self, fault: Fault, *, on: bool) -> None:
        """Say that a fault began or ended."""
        if fault.name:
            number = NAMES.index(fault.name) + 1
            self._gauge.labels(f"{number}", fault.name).set(1 if on else 0)
