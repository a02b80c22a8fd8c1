"""One fake a port: the outside of a flow is a world that goes by a script."""

from contextlib import suppress
from typing import TypeVar

import attrs

from hybridcache.engine.command import Flow
from hybridcache.engine.current import CurrentLoad, Loader
from hybridcache.engine.drive import adrive, drive
from hybridcache.engine.flights import Landing
from hybridcache.engine.latch import Latch
from hybridcache.engine.request import Fault, Request
from tests.world import Killed, World

A = TypeVar("A")
T = TypeVar("T")


@attrs.frozen
class FakePorts:
    """The outside for a thread: loads run when somebody waits."""

    world: World

    def ask(self, request: Request[A], timeout: float, patience: float) -> A | Fault:
        """Ask the script."""
        return self.world.ask(request)

    def wait(self, latch: Latch[T], timeout: float) -> T | None:
        """Run the loads under way until *latch* is settled."""
        until = self.world.now + max(0.0, timeout)
        while latch.answer is None and self.world.pending:
            with suppress(Killed):
                drive(self.world.pending.pop(0), self)
        return self.world.waited(latch, until)

    def spawn(self, flow: Flow[None], latch: Latch[Landing], *, inline: bool) -> None:
        """Have *flow* run later, or now."""
        self.world.latches.append(latch)
        if inline:
            drive(flow, self)
        else:
            self.world.pending.append(flow)

    def call(self, loader: Loader, load: CurrentLoad, *, inline: bool) -> object:
        """Call *loader*."""
        return self.world.called(loader)


@attrs.frozen
class FakeAsyncPorts:
    """The outside for a task, in the same world."""

    world: World

    async def ask(
        self, request: Request[A], timeout: float, patience: float
    ) -> A | Fault:
        """Ask the script."""
        return self.world.ask(request)

    async def wait(self, latch: Latch[T], timeout: float) -> T | None:
        """Run the loads under way until *latch* is settled."""
        until = self.world.now + max(0.0, timeout)
        while latch.answer is None and self.world.pending:
            with suppress(Killed):
                await adrive(self.world.pending.pop(0), self)
        return self.world.waited(latch, until)

    async def spawn(
        self, flow: Flow[None], latch: Latch[Landing], *, inline: bool
    ) -> None:
        """Have *flow* run later, or now."""
        self.world.latches.append(latch)
        if inline:
            await adrive(flow, self)
        else:
            self.world.pending.append(flow)

    async def call(self, loader: Loader, load: CurrentLoad, *, inline: bool) -> object:
        """Call *loader*."""
        return self.world.called(loader)
