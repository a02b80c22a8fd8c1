"""The keeper's thread: it drives the keeper's rounds, and outlives every error."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

import attrs

from hybridcache.engine.keeper import RESUBSCRIBE_AFTER, Chore, Keeper, Subscribe
from hybridcache.engine.request import Fault, Request
from hybridcache.engine.rounds import Listen, rounds

A = TypeVar("A")

log: Final = logging.getLogger("hybridcache.adapters")

# How long its end is waited for beside two requests, seconds. It comes sooner, unless a
# signal handler waits for it and has interrupted what holds the node's lock.
ENDS_WITHIN: Final = 3.0


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
    # Re-entrant: a signal handler or a finalizer may look up or close while its thread
    # is in here. Other threads find what they are to join started.
    _lock: threading.RLock = attrs.field(factory=threading.RLock, init=False)
    _thread: threading.Thread | None = attrs.field(default=None, init=False)
    _stopped: bool = attrs.field(default=False, init=False)
    _told: set[str] = attrs.field(factory=set, init=False)

    def ensure(self) -> None:
        """Start the thread if it does not run.

        Where the system has no thread left, memory is checked before use and no lease
        is renewed until a later need of Redis finds one.
        """
        if self._thread is None:
            with self._lock:
                self._start()

    def _start(self) -> None:
        thread = threading.Thread(
            target=self._run, name="hybridcache-keeper", daemon=True
        )
        # Looked at only now: no call comes between the look and the assignment, so
        # that nobody who re-enters starts a second one.
        if self._thread is not None or self._stopped:
            return
        self._thread = thread
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:
            self._thread = None
            self._tell("the keeper's thread does not start; it is tried again", error)
        except BaseException:
            # Of a signal handler. If it runs all the same, it finds itself unwanted.
            self._thread = None
            raise

    def _ended(self) -> bool:
        """Whether the calling thread is to keep nothing any more."""
        return self._stopped or self._thread is not threading.current_thread()

    def _run(self) -> None:
        while not self._ended():
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 (or memory would stay trusted)
                self._tell("the keeper failed; it begins anew", error)
                self.subscription.close()
                self.keeper.dropped(self.now())
                time.sleep(RESUBSCRIBE_AFTER)
        self.subscription.close()

    def _work(self) -> None:
        work = rounds(self.keeper, self.now, self._ended)
        answer: object = None
        while True:
            try:
                chore = work.send(answer)
            except StopIteration:
                return
            answer = self._do(chore)

    def _tell(self, what: str, error: Exception) -> None:
        """Log *error*, once of its kind."""
        if what not in self._told:
            self._told.add(what)
            log.warning("hybridcache: %s", what, exc_info=error)

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
        """End the thread and wait for it, unless it is the calling one.

        One that the calling one is just starting, or holds up by a lock, ends later.
        """
        self._stopped = True
        with self._lock:
            thread = self._thread
        if (
            thread is not None
            and thread.is_alive()
            and thread is not threading.current_thread()
        ):
            thread.join(ENDS_WITHIN + 2 * self.timeout)

    def forked(self) -> None:
        """Be without a thread in the child of a fork, until it is needed."""
        self._lock = threading.RLock()
        self._thread = None
        self.subscription.forked()
        self.keeper.connected = False
