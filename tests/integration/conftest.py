"""Nodes and worker processes for one test, all closed at its end."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import pytest
import redis

from hybridcache import Memory
from tests.integration.nodes import COLOURS, Colour, LoopThread, Node
from tests.integration.worker.process import Worker


class MakeNode(Protocol):
    """The type of the fixture ``node``."""

    def __call__(
        self,
        url: str | None,
        *,
        prefix: str | None = None,
        colour: Colour | None = None,
        memory: Memory | None = None,
        timeout: float = 5.0,
    ) -> Node:
        """Make a node; of the test's colour and prefix by default."""
        ...


class MakeWorkers(Protocol):
    """The type of the fixture ``workers``."""

    def __call__(self, count: int, url: str) -> list[Worker]:
        """Start so many processes."""
        ...


@pytest.fixture(name="colour", params=COLOURS)
def _colour(request: pytest.FixtureRequest) -> Colour:
    """Each of the two colours in turn."""
    colour: Colour = request.param
    return colour


@pytest.fixture(name="loop")
def _loop() -> Iterator[LoopThread]:
    """An event loop in a thread."""
    loop = LoopThread()
    yield loop
    loop.close()


@pytest.fixture(name="node")
def _node(colour: Colour, prefix: str, loop: LoopThread) -> Iterator[MakeNode]:
    """Make nodes of the test's colour."""
    with ExitStack() as stack:
        ours, theirs = prefix, colour

        def make(
            url: str | None,
            *,
            prefix: str | None = None,
            colour: Colour | None = None,
            memory: Memory | None = None,
            timeout: float = 5.0,
        ) -> Node:
            node = Node(
                colour or theirs,
                url,
                ours if prefix is None else prefix,
                loop,
                memory=memory,
                timeout=timeout,
            )
            stack.callback(node.close)
            return node

        yield make


@pytest.fixture(name="client")
def _client(redis_url: str) -> Iterator["redis.Redis"]:
    """A plain client of the shared server."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(name="workers")
def _workers(prefix: str) -> Iterator[MakeWorkers]:
    """Start processes, each with a sync and an async cache on one memory."""
    with ExitStack() as stack:

        def make(count: int, url: str) -> list[Worker]:
            made = [Worker(url, prefix) for _ in range(count)]
            for worker in made:
                stack.callback(worker.close)
            for worker in made:
                worker.ready()
            return made

        yield make
