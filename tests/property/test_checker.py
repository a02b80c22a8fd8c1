"""Breaches to which no guard taken out of the library leads are told to the checker."""

import re
from collections.abc import Callable

import attrs
import pytest

from hybridcache.testing import Cluster, History
from hybridcache.testing import workload as work
from hybridcache.testing.checker import check
from hybridcache.testing.history import LoadBegan, LoadEnded, LookupEnded, Stored


def _without_an_end(history: History) -> None:
    ended = next(one for one in history.happenings if isinstance(one, LoadEnded))
    history.happenings.remove(ended)


def _under_another_token(history: History) -> None:
    stored = next(one for one in history.happenings if isinstance(one, Stored))
    history.happenings[stored.number] = attrs.evolve(stored, token="another")


def _with_a_circle(history: History) -> None:
    ended = next(one for one in history.happenings if isinstance(one, LookupEnded))
    history.happenings[ended.number] = attrs.evolve(ended, error="ReentrantLoad")


@pytest.mark.parametrize(
    ("falsify", "breach"),
    [
        (_without_an_end, "rule 6: .* never ended"),
        (_under_another_token, "rule 4: .* without a lease"),
        (_with_a_circle, "rule 13: .* no load of its key asks for another"),
    ],
)
def test_a_false_record_is_noticed(
    falsify: Callable[[History], None], breach: str
) -> None:
    """A clean history with one record altered, or taken out, is clean no more."""
    history = Cluster(seed=3, nodes=2, workload=work.STAMPEDE).run()
    assert check(history) == []

    falsify(history)

    assert re.search(breach, "\n".join(check(history)))


def test_a_load_that_hangs_breaks_no_rule() -> None:
    """What is not to end is not missed."""
    history = Cluster(seed=17, workload=work.HANGING).run()

    begun = {one.value for one in history.happenings if isinstance(one, LoadBegan)}
    ended = {one.load for one in history.happenings if isinstance(one, LoadEnded)}
    assert begun - ended
    assert check(history) == []
