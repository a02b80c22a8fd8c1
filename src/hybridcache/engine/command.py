"""Flows, the commands that they yield, and the ports that carry these out.

A flow is a generator. It yields a command where threads and asyncio differ; a
driver runs the command and sends its answer back, or throws what it raised. A
command can be iterated, so that ``answer = yield from command`` is typed like
``await``. A flow may catch `Exception` from a command, never `BaseException`, and
never yields in a `finally`.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator
from math import inf
from typing import Generic, Protocol, TypeAlias, TypeVar, cast

import attrs

from hybridcache.engine.current import CurrentLoad, Loader
from hybridcache.engine.flights import Landing
from hybridcache.engine.latch import Latch
from hybridcache.engine.request import Fault, Request

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
T = TypeVar("T")
R = TypeVar("R")


class Ports(Protocol):
    """The outside, for a thread."""

    def ask(self, request: Request[A], timeout: float, patience: float) -> A | Fault:
        """Ask Redis; a fault within *timeout* seconds where it does not answer.

        That time may begin late, where many ask at once: in *patience* seconds it ends.
        """

    def wait(self, latch: Latch[T], timeout: float) -> T | None:
        """Wait for *latch*, at most *timeout* seconds."""

    def spawn(
        self,
        flow: "Flow[None]",
        latch: Latch[Landing],
        *,
        inline: bool,
    ) -> None:
        """Run *flow* in a worker, or at once if *inline*."""

    def call(self, loader: Loader, load: CurrentLoad, *, inline: bool) -> object:
        """Call *loader* as *load*; return its value, or what it raised as Raised."""


class AsyncPorts(Protocol):
    """The outside, for a task."""

    async def ask(
        self, request: Request[A], timeout: float, patience: float
    ) -> A | Fault:
        """Ask Redis; a fault within *timeout* seconds where it does not answer.

        That time may begin late, where many ask at once: in *patience* seconds it ends.
        """

    async def wait(self, latch: Latch[T], timeout: float) -> T | None:
        """Wait for *latch*, at most *timeout* seconds."""

    async def spawn(
        self,
        flow: "Flow[None]",
        latch: Latch[Landing],
        *,
        inline: bool,
    ) -> None:
        """Run *flow* in a task; its sync loader in this thread if *inline*."""

    async def call(self, loader: Loader, load: CurrentLoad, *, inline: bool) -> object:
        """Call *loader* as *load*; return its value, or what it raised as Raised."""


class Command(ABC, Generic[A_co]):
    """Something that a driver does for a flow, answered with an ``A_co``."""

    def __iter__(self) -> Generator["Command[object]", object, A_co]:
        """Yield the command itself and return the answer that is sent back."""
        # A driver sends what run() or arun() returned, both of type A_co; the type
        # of a generator cannot say that the answer belongs to the command.
        return cast("A_co", (yield self))

    @abstractmethod
    def run(self, ports: Ports) -> A_co:
        """Do it in this thread."""

    @abstractmethod
    async def arun(self, ports: AsyncPorts) -> A_co:
        """Do it in this task."""


Flow: TypeAlias = Generator[Command[object], object, R]


@attrs.frozen
class Ask(Command[A_co | Fault]):
    """Ask Redis, for at most *timeout* seconds once it is this request's turn.

    With the waiting for that it is at most *patience* seconds.
    """

    request: Request[A_co]
    timeout: float
    patience: float = inf

    def run(self, ports: Ports) -> A_co | Fault:
        """Do it in this thread."""
        return ports.ask(self.request, self.timeout, self.patience)

    async def arun(self, ports: AsyncPorts) -> A_co | Fault:
        """Do it in this task."""
        return await ports.ask(self.request, self.timeout, self.patience)


@attrs.frozen
class Await(Command[T | None]):
    """Wait for a latch, for at most *timeout* seconds; None if it took longer."""

    latch: Latch[T]
    timeout: float

    def run(self, ports: Ports) -> T | None:
        """Do it in this thread."""
        return ports.wait(self.latch, self.timeout)

    async def arun(self, ports: AsyncPorts) -> T | None:
        """Do it in this task."""
        return await ports.wait(self.latch, self.timeout)


@attrs.frozen
class Spawn(Command[None]):
    """Run a flow on its own; it will settle *latch*.

    *inline* keeps a sync loader on the caller's thread.
    """

    flow: Flow[None]
    latch: Latch[Landing]
    inline: bool = False

    def run(self, ports: Ports) -> None:
        """Do it in this thread."""
        ports.spawn(self.flow, self.latch, inline=self.inline)

    async def arun(self, ports: AsyncPorts) -> None:
        """Do it in this task."""
        await ports.spawn(self.flow, self.latch, inline=self.inline)


@attrs.frozen
class CallLoader(Command[object]):
    """Call the user's loader, with *load* as the current load.

    Its answer is what the loader returned, or :class:`Raised`.
    """

    loader: Loader
    load: CurrentLoad
    inline: bool = False

    def run(self, ports: Ports) -> object:
        """Do it in this thread."""
        return ports.call(self.loader, self.load, inline=self.inline)

    async def arun(self, ports: AsyncPorts) -> object:
        """Do it in this task."""
        return await ports.call(self.loader, self.load, inline=self.inline)
