"""Plain data of datetimes, times and spans: instant, offset, zone and fold.

A datetime is ``[wall clock, fold, zone]``. The zone is None (naive), ``[offset in
microseconds]``, ``[offset, name]`` for a named fixed one, or a key such as
``"Europe/Paris"``. Other kinds of tzinfo have no stable name and are refused.
"""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from hybridcache.adapters.codec.hook import Unfit, foreign

_MICROSECOND = timedelta(microseconds=1)


def dump_stamp(value: datetime | time) -> list[object]:
    """Write a datetime or a time."""
    zone = value.tzinfo
    if zone is None:
        return [value.isoformat(), value.fold, None]
    if zone is UTC:
        # Most are, and cutting is cheaper than replacing.
        return [value.isoformat().removesuffix("+00:00"), value.fold, [0]]
    wall = value.replace(tzinfo=None)
    return [wall.isoformat(), value.fold, _dump_zone(zone)]


def stamp_loader(kind: type[datetime] | type[time]) -> Callable[[list[Any]], object]:
    """Make the reverse of :func:`dump_stamp` for one of the two types."""

    def load(plain: list[Any]) -> datetime | time:
        text, fold, zone = plain
        # True is no fold, though it would do.
        if type(text) is not str or type(fold) is not int:
            return foreign(plain, kind.__name__)
        wall = kind.fromisoformat(text)
        if wall.tzinfo is not None:
            return foreign(plain, kind.__name__)
        if zone is None and not fold:
            return wall
        return wall.replace(fold=fold, tzinfo=_load_zone(zone))

    return load


def dump_span(value: timedelta) -> list[int]:
    """Write a timedelta."""
    return [value.days, value.seconds, value.microseconds]


def load_span(plain: list[Any]) -> timedelta:
    """Read a timedelta."""
    days, seconds, microseconds = plain
    if type(days) is type(seconds) is type(microseconds) is int:
        return timedelta(days, seconds, microseconds)
    return foreign(plain, "timedelta")


def _dump_zone(zone: tzinfo) -> object:
    if type(zone) is timezone:
        offset = zone.utcoffset(None)
        name = zone.tzname(None)
        named = name != timezone(offset).tzname(None)
        micros = offset // _MICROSECOND
        return [micros, name] if named else [micros]
    if type(zone) is ZoneInfo and zone.key is not None:
        return zone.key
    problem = f"zone of type {type(zone).__qualname__}, which has no stable name"
    raise Unfit(problem)


def _load_zone(plain: Any) -> tzinfo | None:
    match plain:
        case None:
            return None
        case str(key):
            return ZoneInfo(key)
        case [0]:
            return UTC
        case [int(micros)] if type(micros) is int:
            return timezone(timedelta(microseconds=micros))
        case [int(micros), str(name)] if type(micros) is int:
            return timezone(timedelta(microseconds=micros), name)
        case _:
            return foreign(plain, "zone")
