"""What `assert_outcomes` takes, and what it says where it fails."""

import pytest

from hybridcache import Cache, Event, Memory, Policy
from hybridcache.testing import ManualClock, assert_outcomes

POLICY = Policy(wait_for=5, fresh_for=60, ttl=3600)


class BrokenError(Exception):
    """What the loader raises."""


def broken() -> int:
    """Fail as a loader does."""
    raise BrokenError


def test_outcomes_and_events() -> None:
    """Outcomes and an observer's events are read alike."""
    events: list[Event] = []
    with Cache(downstream=Memory(), clock=ManualClock(), observer=events.append) as one:
        outcomes = [one.outcome("k", lambda: 1, POLICY) for _ in range(2)]
        with pytest.raises(BrokenError):
            one.get_or_load("l", broken, POLICY)

        assert_outcomes(outcomes, "miss", "hit-fresh")
        assert_outcomes([one.peek("k", int, POLICY)], "hit-fresh")
    assert_outcomes(events, "miss", "hit-fresh", "failed-loader")
    assert_outcomes([])


def test_the_message_sets_both_side_by_side() -> None:
    """A failure shows each pair and marks those that differ, missing ones too."""
    with Cache() as cache:
        outcomes = [cache.outcome("k", lambda: 1, POLICY)]
    with pytest.raises(AssertionError) as failure:
        assert_outcomes(outcomes, "suppressed", "hit-fresh")

    assert [
        "2 outcomes expected, 1 found:",
        "  1. expected suppressed, got miss   <--",
        "  2. expected hit-fresh, got nothing   <--",
    ] == str(failure.value).splitlines()


def test_an_unknown_tag_is_refused() -> None:
    """A tag that no outcome has is a mistake of the test's own."""
    with pytest.raises(ValueError, match=r"'hit_fresh'; known are .*hit-fresh"):
        assert_outcomes([], "hit_fresh")
    with pytest.raises(ValueError, match=r"\['miss'\]; known are"):
        assert_outcomes([], ["miss"])  # type: ignore[arg-type]


def test_what_is_no_outcome_is_refused() -> None:
    """A value in an outcome's place, and an outcome in the place of many, are named."""
    with Cache() as cache:
        one = cache.outcome("k", lambda: 1, POLICY)
    with pytest.raises(TypeError, match=r"told\[1\] is 2, which is neither"):
        assert_outcomes([one, 2], "miss", "miss")  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"not one of them: \[Miss"):
        assert_outcomes(one, "miss")  # type: ignore[arg-type]
