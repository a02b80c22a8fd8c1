"""A cold key that 4 processes with 50 callers each ask for at the same moment."""

import asyncio
import multiprocessing
import threading
import time
from collections import Counter
from multiprocessing.connection import Connection
from typing import Literal, TypeAlias

import attrs
import redis

from benchmarks.measuring import Measured, percentile
from benchmarks.waiting import until_whole
from hybridcache import AsyncCache, Cache, Memory, Outcome, Policy, Scope, Suppressed
from hybridcache.testing.server import RedisServer

POLICY = Policy(fresh_for=3600, ttl=7200)
PROCESSES = 4
CALLERS = 50
ROUNDS = 10
LOAD_SECONDS = 0.2
WITHIN = 30.0

Colour: TypeAlias = Literal["threads", "tasks"]


@attrs.frozen
class Told:
    """What one process saw of one round; instants of the machine's monotonic clock.

    Attributes:

        loaded: When its loads had made their values.

        remote: When its callers that waited for another process returned.

        local: When all others returned.
    """

    loaded: list[float]
    remote: list[float]
    local: list[float]


def measure(server: RedisServer) -> list[Measured]:
    """Measure threads, then tasks."""
    return [bar for colour in ("threads", "tasks") for bar in _measure(server, colour)]


def _measure(server: RedisServer, colour: Colour) -> list[Measured]:
    context = multiprocessing.get_context("spawn")
    pipes: list[Connection] = []
    processes = []
    for _ in range(PROCESSES):
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_work, args=(server.url, colour, theirs), daemon=True
        )
        process.start()
        pipes.append(ours)
        processes.append(process)
    try:
        for pipe in pipes:
            _receive(pipe)
        # One round to warm up.
        _round(pipes, "warm")
        with server.client() as client:
            before = _spent(client)
            rounds = [_round(pipes, f"round {turn}") for turn in range(ROUNDS)]
            spent = _spent(client) - before
    finally:
        for pipe in pipes:
            pipe.send(None)
        for process in processes:
            process.join(WITHIN)
    return _bars(colour, rounds, spent)


def _round(pipes: list[Connection], key: str) -> list[Told]:
    for pipe in pipes:
        pipe.send(key)
    return [_receive(pipe) for pipe in pipes]


def _receive(pipe: Connection) -> Told:
    if not pipe.poll(WITHIN):
        msg = "a process of the stampede does not answer"
        raise TimeoutError(msg)
    told: Told = pipe.recv()
    return told


def _bars(
    colour: Colour, rounds: list[list[Told]], spent: Counter[str]
) -> list[Measured]:
    loads = [sum(len(told.loaded) for told in each) for each in rounds]
    extra: list[float] = []
    local: list[float] = []
    for each in rounds:
        exists = max(at for told in each for at in told.loaded)
        extra += [(at - exists) * 1000 for told in each for at in told.remote]
        local += [(at - exists) * 1000 for told in each for at in told.local]
    commands = {name: count / ROUNDS for name, count in sorted(spent.items()) if count}
    path = f"{PROCESSES} x {CALLERS} {colour} on a cold key"
    waiters = {"remote_waiters": len(extra), "rounds": len(rounds)}
    return [
        Measured(
            path,
            "most loads",
            max(loads),
            1.0,
            details={
                "loads": loads,
                "commands_per_round": round(sum(commands.values()), 1),
                "commands": commands,
                "local_p50_ms": percentile(local, 0.5),
            },
        ),
        Measured(
            path, "ms extra wait, p50", percentile(extra, 0.5), 5.0, details=waiters
        ),
        Measured(
            path, "ms extra wait, p99", percentile(extra, 0.99), 20.0, details=waiters
        ),
    ]


def _spent(client: redis.Redis) -> "Counter[str]":
    """Return how often each command ran, those inside scripts included."""
    stats: dict[str, dict[str, int]] = client.info("commandstats")
    return Counter(
        {
            name.removeprefix("cmdstat_"): stat["calls"]
            for name, stat in stats.items()
            if name != "cmdstat_info"
        }
    )


# In the processes


def _work(url: str, colour: Colour, pipe: Connection) -> None:
    if colour == "threads":
        _work_in_threads(url, pipe)
    else:
        asyncio.run(_work_in_tasks(url, pipe))


def _work_in_threads(url: str, pipe: Connection) -> None:
    cache = Cache(name="bench-stampede", upstream=url, downstream=Memory())
    with cache:
        until_whole(cache)
        pipe.send(Told([], [], []))
        while (key := pipe.recv()) is not None:
            pipe.send(_stampede(cache, key))


def _stampede(cache: Cache, key: str) -> Told:
    told = Told([], [], [])
    start = threading.Barrier(CALLERS)
    # A service's threads go on: the ending of 50 is not to be measured.
    end = threading.Event()

    def load() -> int:
        time.sleep(LOAD_SECONDS)
        told.loaded.append(time.monotonic())
        return 1

    def call() -> None:
        start.wait(WITHIN)
        _note(told, cache.outcome(key, load, POLICY), time.monotonic())
        end.wait(WITHIN)

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + WITHIN
    while len(told.remote) + len(told.local) < CALLERS and time.monotonic() < deadline:
        time.sleep(LOAD_SECONDS / 4)
    end.set()
    for thread in threads:
        thread.join()
    return told


async def _work_in_tasks(url: str, pipe: Connection) -> None:
    cache = AsyncCache(name="bench-astampede", upstream=url, downstream=Memory())
    async with cache:
        until_whole(cache)
        pipe.send(Told([], [], []))
        while (key := await asyncio.to_thread(pipe.recv)) is not None:
            pipe.send(await _astampede(cache, key))


async def _astampede(cache: AsyncCache, key: str) -> Told:
    told = Told([], [], [])

    async def load() -> int:
        await asyncio.sleep(LOAD_SECONDS)
        told.loaded.append(time.monotonic())
        return 1

    async def call() -> None:
        _note(told, await cache.outcome(key, load, POLICY), time.monotonic())

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    return told


def _note(told: Told, outcome: Outcome[int], returned_at: float) -> None:
    match outcome:
        case Suppressed(scope=Scope.CLUSTER):
            told.remote.append(returned_at)
        case _:
            told.local.append(returned_at)
