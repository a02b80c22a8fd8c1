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
from hybridcache.adapters.logs import AGAIN_AFTER, CHANGES_A_MINUTE, MINUTE, Journal
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
    text = "cache 'shop': Redis did not answer the request 'read': TimeoutError:"
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
        UpstreamAsked("shop", "read", "ok", 0.001),
        UpstreamAsked("shop", "read", "cancelled", 0.001),
        RefreshEnded("shop", "loaded"),
    )


def _flapping(times: int) -> list[Event]:
    moved: list[Event] = [
        BreakerMoved("shop", open=True, cause="refused"),
        BreakerMoved("shop", open=False),
        BlindnessChanged("shop", blind=True),
        BlindnessChanged("shop", blind=False),
    ]
    return moved * times


def test_a_state_that_flaps_is_ten_lines_a_minute(log: Log) -> None:
    """The tenth line says that there may be more, the next how many there were."""
    said = log.take(*_flapping(25))
    assert CHANGES_A_MINUTE == len(said)
    assert not any("not logged" in text for _, text in said[:-1])
    text = "cache 'shop' uses Redis again, after 0.0 s without"
    assert ("INFO", f"{text}; more of them within a minute are not logged") == said[-1]

    log.clock.advance(MINUTE - 1)
    assert [] == log.take(*_flapping(1))
    log.clock.advance(1)
    (level, text), *others = log.take(*_flapping(1))
    assert "WARNING" == level
    assert text.endswith(": refused (94 changes before were not logged)")
    assert not any("not logged" in text for _, text in others)


@pytest.mark.parametrize(
    "event",
    [
        DOWN,
        UpstreamAsked("shop", "read", "ok", 0.001),
        BlindnessChanged("shop", blind=True),
    ],
)
def test_the_log_is_not_wrong_for_longer_than_a_minute(log: Log, event: Event) -> None:
    """Whatever happens after a minute tells of a change that the log knows nothing of."""
    log.take(*_flapping(5), BreakerMoved("shop", open=True, cause="timeout"))
    log.clock.advance(MINUTE)

    stands = "cache 'shop' does without Redis until it answers again: timeout"
    said = [text for _, text in log.take(event)]
    assert 1 == sum(text.startswith(stands) for text in said)
    assert 1 == sum("changes before were not logged)" in text for text in said)
    assert not any(stands in text for _, text in log.take(event))


def test_a_state_that_is_as_the_log_says_is_not_told_anew(log: Log) -> None:
    """Changes that came to nothing are counted in the next line, not told."""
    log.take(*_flapping(5))
    log.clock.advance(MINUTE)

    assert [] == log.take(UpstreamAsked("shop", "read", "ok", 0.001))
    ((_, text),) = log.take(BlindnessChanged("shop", blind=True))
    assert text.endswith(" serves (10 changes before were not logged)")


def test_how_long_a_state_lasted_is_known_though_its_begin_was_not_logged(
    log: Log,
) -> None:
    """Seconds are counted from the change itself."""
    log.take(*_flapping(5), BreakerMoved("shop", open=True, cause="timeout"))
    log.clock.advance(MINUTE + 5)

    said = log.take(BreakerMoved("shop", open=False))
    text = "cache 'shop' uses Redis again, after 65.0 s without"
    assert [("INFO", f"{text} (11 changes before were not logged)")] == said
