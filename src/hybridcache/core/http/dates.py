"""Dates of HTTP: exactly the three forms of RFC 9110, section 5.6.7, and no other.

Rules of this module: names of days and months are read in any case, the zone is GMT
in any case, and everything else is as the grammar says, to the space. Whether the day
of the week is the right one is not checked: nobody reads it.
"""

import re
from typing import Final

_DAYS: Final = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
_LONG_DAYS: Final = rb"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTHS: Final = (
    *(b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun"),
    *(b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"),
)
_MONTH_NUMBERS: Final = {month.lower(): i for i, month in enumerate(_MONTHS, 1)}
_DAY: Final = rb"(?:" + b"|".join(_DAYS) + rb")"
_MONTH: Final = rb"(?P<month>" + b"|".join(_MONTHS) + rb")"
# A second may be the 61st: a leap second.
_TIME: Final = rb"(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d):(?P<second>[0-5]\d|60)"

_IMF_FIXDATE: Final = re.compile(
    _DAY + rb", (?P<day>\d\d) " + _MONTH + rb" (?P<year>\d{4}) " + _TIME + rb" GMT",
    re.IGNORECASE,
)
_RFC_850: Final = re.compile(
    _LONG_DAYS
    + rb", (?P<day>\d\d)-"
    + _MONTH
    + rb"-(?P<year>\d\d) "
    + _TIME
    + rb" GMT",
    re.IGNORECASE,
)
_ASCTIME: Final = re.compile(
    _DAY + rb" " + _MONTH + rb" (?P<day>\d\d| \d) " + _TIME + rb" (?P<year>\d{4})",
    re.IGNORECASE,
)

_DAY_SECONDS: Final = 86_400
_HALF_CENTURY: Final = 50 * 365.2425 * _DAY_SECONDS
_FEBRUARY: Final = 2
_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def parse_date(value: bytes, now: float) -> int | None:
    """Read a date as seconds since 1970; None if it is in none of the three forms.

    *now* tells which century a year of two digits is in.
    """
    text = value.strip(b" \t")
    if found := _IMF_FIXDATE.fullmatch(text) or _ASCTIME.fullmatch(text):
        return _instant(found, int(found["year"]))
    if found := _RFC_850.fullmatch(text):
        latest = _year(int(now // _DAY_SECONDS)) + 50
        year = latest - (latest - int(found["year"])) % 100
        at = _instant(found, year)
        # More than 50 years ahead means the century before (RFC 9110, section 5.6.7).
        if at is not None and at > now + _HALF_CENTURY:
            return _instant(found, year - 100)
        return at
    return None


def _instant(found: re.Match[bytes], year: int) -> int | None:
    month, day = _MONTH_NUMBERS[found["month"].lower()], int(found["day"])
    leap_day = month == _FEBRUARY and _leap(year)
    if not 1 <= day <= _LENGTHS[month - 1] + leap_day:
        return None
    hour, minute, second = (int(found[of]) for of in ("hour", "minute", "second"))
    days = _days_before(year) + sum(_LENGTHS[: month - 1]) + day - 1
    days += month > _FEBRUARY and _leap(year)
    return days * _DAY_SECONDS + hour * 3600 + minute * 60 + second


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _days_before(year: int) -> int:
    """Count the days from 1970 to the first of a year."""
    last = year - 1
    leap_days = last // 4 - last // 100 + last // 400
    return (year - 1970) * 365 + leap_days - (1969 // 4 - 1969 // 100 + 1969 // 400)


def _year(days: int) -> int:
    """Give the year of a day that is so many days after the first of 1970."""
    year = 1970 + days * 400 // 146_097
    if days < _days_before(year):
        return year - 1
    return year + (days >= _days_before(year + 1))
