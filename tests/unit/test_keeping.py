"""The keeper's thread: it starts when it can, and no error ends it."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar, cast

import attrs
import pytest

from hybridcache.adapters import keeping
from hybridcache.adapters.keeping import KeeperThread
from hybridcache.engine.channel_requests import ReadMarker
from hybridcache.engine.keeper import Keeper
from hybridcache.engine.request import Fault, Request
from tests.amid import Amid, Stopped, amid_making, amid_start, named, stop_start
from tests.colours import Colour
from tests.eventually import eventually
from tests.parts import CHANNEL, MARKER, node_of
from tests.world import DOWN

A = TypeVar("A")

NAME = "hybridcache-keeper"


@attrs.define(eq=False)
class FakeAsking:
    """Answers nothing but the marker; what is in *errors* is raised first."""

    errors: deque[Exception] = attrs.field(factory=deque)

    def ask(self, request: Request[A], timeout: float) -> A | Fault:
        """Answer, or raise."""
        if self.errors:
            raise self.errors.popleft()
        if isinstance(request, ReadMarker):
            return cast("A", request.parse([None, MARKER]))
        return DOWN


@attrs.define(eq=False)
class FakeListening:
    """A subscription that is confirmed at once."""

    opened: int = 0
    _told: list[str] = attrs.field(factory=list)

    def open(self, *channels: str) -> bool:
        """Be open."""
        self.opened += 1
        self._told = list(channels)
        return True

    def listen(self, keeper: Keeper, wait: float, now: Callable[[], float]) -> None:
        """Confirm the next channel, or wait a little."""
        if self._told:
            keeper.confirmed(self._told.pop(), now())
        else:
            threading.Event().wait(min(wait, 0.01))

    def close(self) -> None:
        """Be closed."""
        self._told = []

    def forked(self) -> None:
        """Be closed."""
        self._told = []


@pytest.fixture(name="asking")
def _asking() -> FakeAsking:
    """Who answers."""
    return FakeAsking()


@pytest.fixture(name="thread")
def _thread(asking: FakeAsking) -> Iterator[KeeperThread]:
    """A keeper's thread of a node on which nothing is trusted yet."""
    node = node_of(None, redis=True)
    node.distrust()
    keeper = Keeper(node, CHANNEL, lambda: "t" * 16)
    times = iter(range(10**9))
    thread = KeeperThread(
        keeper, asking, FakeListening(), 0.25, lambda: next(times) / 100
    )
    yield thread
    Colour("sync").do(thread.stop)


def test_an_error_does_not_end_it(
    thread: KeeperThread, asking: FakeAsking, caplog: pytest.LogCaptureFixture
) -> None:
    """After any error memory is not trusted until a new subscription is whole."""
    node = thread.keeper.node
    thread.ensure()
    eventually(lambda: node.whole)
    epoch = node.epoch
    with caplog.at_level(logging.WARNING, "hybridcache"):
        asking.errors.extend([RuntimeError("one"), ValueError("two")])
        eventually(lambda: not asking.errors)
        # One for the distrust of each, one for the trust again.
        eventually(lambda: node.whole and node.epoch >= epoch + 3)

    assert 1 == len(caplog.records)


def test_a_thread_that_does_not_start_is_started_later(
    thread: KeeperThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system has no thread left, nobody fails and the next need tries anew."""
    start = threading.Thread.start
    failures = [RuntimeError("can't start new thread")]

    def starting(one: threading.Thread) -> None:
        if failures:
            raise failures.pop()
        start(one)

    monkeypatch.setattr(threading.Thread, "start", starting)
    thread.ensure()
    assert not failures
    thread.ensure()

    eventually(lambda: thread.keeper.node.whole)


def test_stopping_what_never_started(
    thread: KeeperThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache whose keeper's thread never started closes without an error."""

    def starting(_: threading.Thread) -> None:
        msg = "can't start new thread"
        raise RuntimeError(msg)

    monkeypatch.setattr(threading.Thread, "start", starting)
    thread.ensure()

    thread.stop()


@pytest.mark.parametrize("amid", [amid_making, amid_start])
def test_a_need_from_a_signal_handler(
    thread: KeeperThread, amid: Amid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lookup made while the thread is started neither hangs nor starts another."""
    others = named(NAME)
    amid(monkeypatch, NAME, thread.ensure)
    Colour("sync").start(thread.ensure).result(5)

    assert 1 == len(named(NAME) - others)
    eventually(lambda: thread.keeper.node.whole)


@pytest.mark.parametrize("amid", [amid_making, amid_start])
def test_a_close_from_a_signal_handler(
    thread: KeeperThread, amid: Amid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache closed while its keeper's thread is started ends it, and does not hang."""
    others = named(NAME)
    amid(monkeypatch, NAME, thread.stop)
    Colour("sync").start(thread.ensure).result(5)

    eventually(lambda: named(NAME) <= others)


@pytest.mark.parametrize("begun", [False, True])
def test_a_start_that_is_interrupted_is_made_up_for(
    thread: KeeperThread, begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread keeps the node in the end, whether or not the first one ran."""
    others = named(NAME)
    stop_start(monkeypatch, NAME, begun=begun)
    with pytest.raises(Stopped):
        thread.ensure()
    thread.ensure()

    eventually(lambda: len(named(NAME) - others) == 1)
    eventually(lambda: thread.keeper.node.whole)


def test_a_close_from_a_signal_handler_under_the_lock(
    thread: KeeperThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A close that interrupted what holds the node's lock does not wait for ever."""
    monkeypatch.setattr(keeping, "ENDS_WITHIN", 0.0)
    node, others = thread.keeper.node, named(NAME)
    thread.ensure()
    eventually(lambda: node.whole)

    def close() -> None:
        with node.lock:
            thread.stop()

    Colour("sync").do(close)

    eventually(lambda: named(NAME) <= others)


def test_a_fork_between_confirmation_and_marker(thread: KeeperThread) -> None:
    """A child trusts nothing by what Redis confirmed to its parent."""
    keeper = thread.keeper
    keeper.opened(0.0)
    keeper.confirmed(CHANNEL.events, 0.0)
    keeper.confirmed(CHANNEL.echo, 0.0)
    thread.forked()
    keeper.opened(0.0)

    assert not any(isinstance(chore, ReadMarker) for chore in keeper.due(0.0))
