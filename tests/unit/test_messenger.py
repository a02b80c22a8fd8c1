"""Calls in a thread of their own, one after another."""

from collections import deque
from collections.abc import Callable

import pytest

from hybridcache.adapters.messenger import Messenger
from tests.amid import Amid, Stopped, amid_making, amid_start, stop_start
from tests.colours import Colour
from tests.eventually import eventually

NAME = "hybridcache news"


@pytest.mark.parametrize("amid", [amid_making, amid_start])
def test_news_from_a_signal_handler(
    amid: Amid, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is posted while the thread is started is called, too."""
    messenger = Messenger()
    posted: list[int] = []
    told: list[int] = []

    def post() -> None:
        number = len(posted)
        posted.append(number)
        messenger.post(lambda: told.append(number))

    amid(monkeypatch, NAME, post)
    Colour("sync").start(post).result(5)

    assert len(posted) >= 2
    eventually(lambda: posted == told)


def test_an_end_from_a_signal_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end does not wait for a thread that is just being started, nor fail."""
    messenger = Messenger()
    told: list[None] = []
    amid_start(monkeypatch, NAME, lambda: messenger.end(5))
    messenger.post(lambda: told.append(None))

    assert [None] == told


@pytest.mark.parametrize("begun", [False, True])
def test_a_start_that_is_interrupted_is_made_up_for(
    begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was posted before and after is called, each once."""
    messenger = Messenger()
    told: list[int] = []
    stop_start(monkeypatch, NAME, begun=begun)
    with pytest.raises(Stopped):
        messenger.post(lambda: told.append(1))
    messenger.post(lambda: told.append(2))

    eventually(lambda: sorted(told) == [1, 2])


class _PostsWhenEmpty(deque[Callable[[], None]]):
    """Calls back once when it is looked at and empty, as a finalizer might."""

    found_empty: Callable[[], None] | None = None

    def __bool__(self) -> bool:
        call, full = self.found_empty, len(self) > 0
        if not full and call is not None:
            self.found_empty = None
            call()
        return full


def test_news_of_a_finalizer_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is posted while the thread finds nothing more to call is called, too."""
    messenger, calls = Messenger(), _PostsWhenEmpty()
    told: list[int] = []
    calls.found_empty = lambda: messenger.post(lambda: told.append(2))
    monkeypatch.setattr(messenger, "_calls", calls)
    messenger.post(lambda: told.append(1))

    eventually(lambda: told == [1, 2])
