"""The keeper's thread: it listens to Redis and does what the keeper machine says."""

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

import attrs

from hybridcache.engine.channel_requests import Echo
from hybridcache.engine.keeper import Keeper, Subscribe
from hybridcache.engine.request import Fault, Request, Trouble

A = TypeVar("A")


class Asking(Protocol):
    """Whoever asks Redis for the keeper."""

    def ask(self, request: Request[A], timeout: float) -> A | Fault:
        """Ask, within *timeout* seconds."""


class Listening(Protocol):
    """The subscription, as the keeper's thread uses it."""

    def open(self, *channels: str) -> bool:
        """Connect and subscribe; False if that failed."""

    def listen(self, keeper: Keeper, wait: float, now: Callable[[], float]) -> None:
        """Tell *keeper* what arrives within *wait* seconds."""

    def close(self) -> None:
        """Close the connection."""


@attrs.define(eq=False)
class KeeperThread:
    """One daemon thread for one node, started at its first need of Redis."""

    keeper: Keeper
    upstream: Asking
    subscription: Listening
    timeout: float
    now: Callable[[], float]
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)
    _thread: threading.Thread | None = attrs.field(default=None, init=False)
    _stopped: bool = attrs.field(default=False, init=False)

    def ensure(self) -> None:
        """Start the thread if it does not run."""
        if self._thread is None:
            with self._lock:
                self._start()

    def _start(self) -> None:
        if self._thread is None and not self._stopped:
            self._thread = threading.Thread(
                target=self._run, name="hybridcache-keeper", daemon=True
            )
            self._thread.start()

    def _run(self) -> None:
        while not self._stopped:
            self._step()
        self.subscription.close()

    def _step(self) -> None:
        keeper = self.keeper
        for chore in keeper.due(self.now()):
            match chore:
                case Subscribe():
                    channel = keeper.channel
                    if self.subscription.open(channel.events, channel.echo):
                        keeper.opened(self.now())
                case Echo():
                    self.upstream.ask(chore, self.timeout)
                case _:
                    answer = self.upstream.ask(chore, self.timeout)
                    keeper.answered(chore, answer, self.now())
                    down = isinstance(answer, Fault) and answer.trouble is Trouble.DOWN
                    if down or self._stopped:
                        # Each of the others would take as long: look around first.
                        break
        self.subscription.listen(keeper, keeper.wait(self.now()), self.now)

    def stop(self) -> None:
        """End the thread and wait for it, unless it is the calling one."""
        self._stopped = True
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def forked(self) -> None:
        """Be without a thread in the child of a fork, until it is needed."""
        self._lock = threading.Lock()
        self._thread = None
        self.keeper.connected = False
