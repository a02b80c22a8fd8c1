"""An assertion on what happened: the tags of outcomes, or of an observer's events."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Final, TypeAlias, get_args

from hybridcache.core.outcome import (
    HitFresh,
    HitStale,
    Miss,
    Outcome,
    Peeked,
    Suppressed,
    UpstreamDown,
)
from hybridcache.engine.events import Event, LookedUp, LookupFailed, Reason

Told: TypeAlias = Outcome[object] | Peeked[object] | Event
_RECORDS: Final = (HitFresh, HitStale, Miss, Suppressed, UpstreamDown)

TAGS: Final = tuple(
    sorted(
        {record.tag for record in _RECORDS} | {f"failed-{one.value}" for one in Reason}
    )
)
"""What may be expected: the five tags, and ``failed-`` with a `Reason`'s value."""


def assert_outcomes(told: Iterable[Told], *expected: str) -> None:
    """Assert that lookups ended as *expected*, in that order.

    .. code-block:: python

        assert_outcomes([items.outcome(7), items.outcome(7)], "miss", "hit-fresh")

        events = []
        cache = Cache(observer=events.append)
        assert_outcomes(events, "miss", "failed-loader")

    Args:

        told: Outcomes, or the events that an observer was given; of those, only
            lookups count.

        expected: Tags: ``hit-fresh``, ``hit-stale``, ``miss``, ``suppressed``,
            ``upstream-down``; for a lookup that raised ``failed-loader``,
            ``failed-timeout``, ``failed-elsewhere``, ``failed-reentrant``,
            ``failed-closed``, ``failed-cancelled``.

    Raises:

        AssertionError: They did not; the message has both, side by side.

        ValueError: There is no such tag.

        TypeError: *told* is one outcome, or has what is neither outcome nor event: a
            value, perhaps, where `outcome` was meant.
    """
    __tracebackhide__ = True
    if isinstance(told, _RECORDS):
        msg = f"told is the outcomes in their order, not one of them: [{told!r}]"
        raise TypeError(msg)
    for tag in expected:
        if tag not in TAGS:
            msg = f"no outcome has the tag {tag!r}; known are {', '.join(TAGS)}"
            raise ValueError(msg)
    found = [
        seen for place, one in enumerate(told) if (seen := _tag(place, one)) is not None
    ]
    if found != list(expected):
        raise AssertionError(_difference(found, expected))


def _tag(place: int, one: Told) -> str | None:
    if isinstance(one, _RECORDS):
        return one.tag
    if isinstance(one, LookedUp):
        return one.outcome
    if isinstance(one, LookupFailed):
        return f"failed-{one.reason.value}"
    if isinstance(one, get_args(Event)):
        return None
    msg = f"told[{place}] is {one!r}, which is neither an outcome nor an event"
    raise TypeError(msg)


def _difference(found: list[str], expected: tuple[str, ...]) -> str:
    lines = [f"{len(expected)} outcomes expected, {len(found)} found:"]
    pairs = zip_longest(expected, found, fillvalue="nothing")
    for number, (wanted, got) in enumerate(pairs, start=1):
        line = f"  {number}. expected {wanted}, got {got}"
        lines.append(line if wanted == got else f"{line}   <--")
    return "\n".join(lines)
