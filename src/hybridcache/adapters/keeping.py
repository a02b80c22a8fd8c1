"""The keeper's thread: it drives the keeper's rounds."""

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

import attrs

from hybridcache.engine.keeper import Chore, Keeper, Subscribe
from hybridcache.engine.request import Fault, Request
from hybridcache.engine.rounds import Listen, rounds

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

    def forked(self) -> None:
        """Leave the parent's connection to the parent."""


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
        work = rounds(self.keeper, self.now, lambda: self._stopped)
        answer: object = None
        while True:
            try:
                chore = work.send(answer)
            except StopIteration:
                break
            answer = self._do(chore)
        self.subscription.close()

    def _do(self, chore: Chore | Listen) -> object:
        match chore:
            case Listen(wait=wait):
                self.subscription.listen(self.keeper, wait, self.now)
                return None
            case Subscribe():
                channel = self.keeper.channel
                return self.subscription.open(channel.events, channel.echo)
            case _:
                return self.upstream.ask(chore, self.timeout)

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
        self.subscription.forked()
        self.keeper.connected = False
