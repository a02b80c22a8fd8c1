"""What goes wrong during the soak: each kind of fault, and a seeded order of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

import attrs
import redis

from hybridcache.testing.server import RedisServer
from soak.crew import Crew
from soak.orders import Mood, Storm


@attrs.frozen
class Happened:
    """A fault that was, on the machine's monotonic clock."""

    kind: str
    began: float
    ended: float


@attrs.define(eq=False)
class Stage:
    """Where it happens.

    Attributes:

        restored: When a server was replaced by one with the data of a moment ago:
            from the saving until it was up. What was invalidated before is void.
    """

    server: RedisServer
    crew: Crew
    random: Random
    restored: list[tuple[float, float]] = attrs.field(factory=list)

    def between(self, least: float, most: float) -> float:
        """Draw a number of seconds."""
        return least + (most - least) * self.random.random()


Fault: TypeAlias = Callable[[Stage], None]


def pause(stage: Stage) -> None:
    """Redis hangs: it takes connections and answers nothing."""
    seconds = stage.between(0.5, 3.0)
    stage.server.pause()
    time.sleep(seconds)
    stage.server.resume()


def kill_empty(stage: Stage) -> None:
    """Redis dies and comes back without its data."""
    _dump(stage).unlink(missing_ok=True)
    stage.server.kill()
    time.sleep(stage.between(0.2, 2.0))
    stage.server.start()


def kill_with_data(stage: Stage) -> None:
    """Redis dies and comes back with what it had saved just before."""
    saved = time.monotonic()
    with stage.server.client() as client:
        client.save()
    stage.server.kill()
    time.sleep(stage.between(0.2, 2.0))
    stage.server.start()
    stage.restored.append((saved, time.monotonic()))
    _dump(stage).unlink(missing_ok=True)


def _dump(stage: Stage) -> Path:
    with stage.server.client() as client:
        return Path(client.config_get("dir")["dir"]) / "dump.rdb"


def _commanded(*command: str) -> Fault:
    def fault(stage: Stage) -> None:
        with stage.server.client() as client, suppress(redis.ResponseError):
            # It is an error to kill nobody.
            client.execute_command(*command)

    return fault


def _cramped(policy: str) -> Fault:
    def fault(stage: Stage) -> None:
        with stage.server.client() as client:
            client.config_set("maxmemory-policy", policy)
            client.config_set("maxmemory", "1mb")
            time.sleep(stage.between(0.5, 2.0))
            client.config_set("maxmemory", "0")

    return fault


def _mood(word: str) -> Fault:
    def fault(stage: Stage) -> None:
        seconds = stage.between(1.0, 2.5)
        stage.crew.tell(Mood(word, seconds))
        time.sleep(seconds)

    return fault


def _storm(word: str, count: int) -> Fault:
    def fault(stage: Stage) -> None:
        stage.crew.tell(Storm(word, count))

    return fault


def kill_worker(stage: Stage) -> None:
    """A process dies with all that it was at, and another takes its place."""
    stage.crew.kill(stage.random.choice(list(stage.crew.living())))
    stage.crew.launch()


FAULTS: Final[dict[str, Fault]] = {
    "Redis hangs": pause,
    "Redis killed, back empty": kill_empty,
    "Redis killed, back with data": kill_with_data,
    "CLIENT KILL pubsub": _commanded("CLIENT", "KILL", "TYPE", "pubsub"),
    "CLIENT KILL normal": _commanded("CLIENT", "KILL", "TYPE", "normal"),
    "SCRIPT FLUSH": _commanded("SCRIPT", "FLUSH"),
    "FLUSHALL": _commanded("FLUSHALL"),
    "maxmemory, noeviction": _cramped("noeviction"),
    "maxmemory, allkeys-random": _cramped("allkeys-random"),
    "process killed": kill_worker,
    "500 invalidations each": _storm("invalidate", 500),
    "20 clears each": _storm("clear", 20),
    "loaders slow": _mood("slow"),
    "loaders failing": _mood("failing"),
}


def drawn(random: Random) -> Iterator[str]:
    """Give kinds of faults without end: all of them in one order, then in another."""
    while True:
        kinds = list(FAULTS)
        random.shuffle(kinds)
        yield from kinds


def happen(kind: str, stage: Stage) -> Happened:
    """Let a fault happen, and end."""
    began = time.monotonic()
    FAULTS[kind](stage)
    return Happened(kind, began, time.monotonic())
