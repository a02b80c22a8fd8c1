"""What operators are told in the log: changes of state once, failures rarely."""

import logging

import pytest

from hybridcache import (
    BlindnessChanged,
    BreakerMoved,
    LoadAbandoned,
    RefreshEnded,
    UndecodableFound,
    UpstreamAsked,
)
from hybridcache.adapters.logs import AGAIN_AFTER, Journal
from hybridcache.engine.events import Event
from hybridcache.testing import ManualClock

DOWN = UpstreamAsked("shop", "read", "down", 0.25, "TimeoutError: no answer")


class Log:
    """A journal, its clock, and what it wrote."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.clock = ManualClock()
        self.journal = Journal(self.clock)
        self._caplog = caplog

    def take(self, *events: Event) -> list[tuple[str, str]]:
        """Return level and text of what the events are worth."""
        self._caplog.clear()
        with self._caplog.at_level(logging.DEBUG, "hybridcache"):
            for event in events:
                self.journal.take(event)
        records = self._caplog.records
        assert all(record.exc_info is None for record in records)
        return [(record.levelname, record.getMessage()) for record in records]


@pytest.fixture(name="log")
def _log(caplog: pytest.LogCaptureFixture) -> Log:
    """A journal of its own."""
    return Log(caplog)


def test_redis_away_is_told_once_and_that_it_is_back(log: Log) -> None:
    """The breaker's opening is a warning with its cause, its closing a piece of news."""
    said = log.take(BreakerMoved("shop", open=True, cause="refused"))
    log.clock.advance(12.5)
    back = log.take(BreakerMoved("shop", open=False))

    text = "cache 'shop' does without Redis until it answers again: refused"
    assert [("WARNING", text)] == said
    text = "cache 'shop' uses Redis again, after 12.5 s without"
    assert [("INFO", text)] == back


def test_a_first_subscription_is_no_news(log: Log) -> None:
    """Only a subscription that was lost is told of, and that it is whole again."""
    assert [] == log.take(BlindnessChanged("shop", blind=False))
    lost = log.take(BlindnessChanged("shop", blind=True))
    log.clock.advance(3)
    back = log.take(BlindnessChanged("shop", blind=False))

    assert ["WARNING"] == [level for level, _ in lost]
    text = "cache 'shop' has its subscription again, after 3.0 s without"
    assert [("INFO", text)] == back


def test_a_failure_that_repeats_is_told_once_a_minute_with_its_number(log: Log) -> None:
    """A thousand failures of one kind are one line, and one a minute with the count."""
    text = "cache 'shop' got no answer from Redis to a read (down): TimeoutError:"
    text = f"{text} no answer"
    assert [("WARNING", text)] == log.take(*[DOWN] * 1000)
    log.clock.advance(AGAIN_AFTER - 1)
    assert [] == log.take(DOWN)
    log.clock.advance(1)
    assert [("WARNING", f"{text} (and 1000 more)")] == log.take(DOWN)
    log.clock.advance(AGAIN_AFTER)
    assert [("WARNING", text)] == log.take(DOWN)


def test_kinds_of_failures_are_told_apart(log: Log) -> None:
    """One kind does not hide another."""
    events: list[Event] = [
        DOWN,
        UpstreamAsked("shop", "write", "refused", 0.01, "OOM"),
        RefreshEnded("shop", "failed", "shop.items", "ValueError"),
        UndecodableFound("shop", "magic"),
        LoadAbandoned("shop"),
    ]

    assert 5 == len(log.take(*events))
    assert [] == log.take(*events)


def test_what_went_well_is_not_logged(log: Log) -> None:
    """An answer of Redis and a refresh that loaded are no lines."""
    assert [] == log.take(
        UpstreamAsked("shop", "read", "ok", 0.001), RefreshEnded("shop", "loaded")
    )
