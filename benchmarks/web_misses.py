"""Requests of one URL that nobody has: how often the application is called."""

import asyncio
import contextlib
import tempfile
from pathlib import Path

from benchmarks.client import request
from benchmarks.measuring import Measured
from benchmarks.servers import Server, serving
from benchmarks.web import CALLS, REDIS
from hybridcache.testing.server import RedisServer

CALLERS = 50
PROCESSES = 4
ROUNDS = 5
WITHIN = 30.0


def measure(server: RedisServer) -> list[Measured]:
    """Measure one process, then several with one Redis."""
    return [_measure(server, processes) for processes in (1, PROCESSES)]


def _measure(server: RedisServer, processes: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        notes = Path(folder, "calls")
        environment = {CALLS: f"{notes}", REDIS: server.url}
        app = ("--factory", "benchmarks.web:slow")
        servers = [
            stack.enter_context(serving("uvicorn", *app, environment=environment))
            for _ in range(processes)
        ]
        # One round to warm up: each process subscribes at its first request.
        paths = [f"/{processes}/{turn}" for turn in range(ROUNDS + 1)]
        asyncio.run(_rounds(servers, paths))
        called = notes.read_text().split()
    calls = [called.count(path) for path in paths[1:]]
    who = f"{processes} x {CALLERS}" if processes > 1 else f"{CALLERS}"
    return Measured(
        f"{who} HTTP misses of one URL",
        "most calls",
        max(calls),
        1.0,
        details={"calls": calls},
    )


async def _rounds(servers: list[Server], paths: list[str]) -> None:
    for path in paths:
        async with asyncio.timeout(WITHIN):
            await asyncio.gather(
                *(_ask(each.port, path) for each in servers for _ in range(CALLERS))
            )


async def _ask(port: int, path: str) -> None:
    """Ask for *path* as if all servers had one address."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    # One Host, for that is part of the key.
    writer.write(request(80, path))
    first = await reader.readline()
    assert first.startswith(b"HTTP/1.1 200 "), first
    writer.close()
    await writer.wait_closed()
