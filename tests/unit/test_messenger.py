"""Calls in a thread of their own, one after another."""

import pytest

from hybridcache.adapters.messenger import Messenger
from tests.amid import Amid, amid_making, amid_start
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
