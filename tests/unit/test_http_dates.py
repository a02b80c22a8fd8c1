"""Dates: exactly three forms, and the century of a year of two digits."""

import pytest

from hybridcache.core.http.dates import parse_date

NOW = 1_790_000_000.0  # 21 September 2026
AT = 784_111_777  # 6 November 1994, 08:49:37


@pytest.mark.parametrize(
    "value",
    [
        b"Sun, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06-Nov-94 08:49:37 GMT",
        b"Sun Nov  6 08:49:37 1994",
        b"SUN, 06 NOV 1994 08:49:37 gmt",
        b"sunday, 06-nov-94 08:49:37 Gmt",
        b"sUN nOV  6 08:49:37 1994",
        b" \tSun, 06 Nov 1994 08:49:37 GMT ",
        # The day of the week is not checked.
        b"Mon, 06 Nov 1994 08:49:37 GMT",
    ],
)
def test_the_three_forms(value: bytes) -> None:
    """IMF-fixdate, RFC 850 and asctime are read, names in any case."""
    assert AT == parse_date(value, NOW)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"0",
        b"-1",
        b"784111777",
        b"1994-11-06T08:49:37Z",
        b"Sun, 06 Nov 1994 08:49:37 UTC",
        b"Sun, 06 Nov 1994 08:49:37 AEST",
        b"Sun, 06 Nov 1994 08:49:37 +0000",
        b"Sun, 06 Nov 1994 08:49:37",
        b"Sun, 06 Nov 1994 08:49:37 GMT GMT",
        b"Sun, 06 Nov 94 08:49:37 GMT",
        b"Sun 06 Nov 1994 08:49:37 GMT",
        b"Sun,06 Nov 1994 08:49:37 GMT",
        b"06 Nov 1994 08:49:37 GMT",
        b"Sun, 06  Nov  1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994  08:49:37 GMT",
        b"Sun, 06-Nov-1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 08.49.37 GMT",
        b"Sun, 06 Nov 1994 8:49:37 GMT",
        b"Sun, 6 Nov 1994 08:49:37 GMT",
        b"Sun, 06 November 1994 08:49:37 GMT",
        b"Sun, 06 Foo 1994 08:49:37 GMT",
        b"Foo, 06 Nov 1994 08:49:37 GMT",
        b"Sunday, 06 Nov 1994 08:49:37 GMT",
        b"Sun, 06 Nov 19940 08:49:37 GMT",
        b"Sun, 00 Nov 1994 08:49:37 GMT",
        b"Sun, 31 Nov 1994 08:49:37 GMT",
        b"Sun, 29 Feb 1994 08:49:37 GMT",
        b"Sun, 06 Nov 1994 24:00:00 GMT",
        b"Sun, 06 Nov 1994 08:60:00 GMT",
        b"Sun, 06 Nov 1994 08:49:61 GMT",
        b"Sun, 06-Nov-94 08:49:37 GMT",
        b"Sunday, 06-Nov-1994 08:49:37 GMT",
        b"Sunday, 6-Nov-94 08:49:37 GMT",
        b"Sun Nov 6 08:49:37 1994",
        b"Sun Nov  6 08:49:37 1994 GMT",
        b"Sun Nov  6 08:49:37 94",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT".encode(),
    ],
)
def test_nothing_else_is_a_date(value: bytes) -> None:
    """Other zones, separators, spaces and lengths are refused, and impossible days."""
    assert parse_date(value, NOW) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Thu, 01 Jan 1970 00:00:00 GMT", 0),
        (b"Wed, 31 Dec 1969 23:59:59 GMT", -1),
        (b"Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
        (b"Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
        (b"Tue, 19 Jan 2038 14:14:08 GMT", 2_147_523_248),
        (b"Sun, 21 Nov 2286 04:46:39 GMT", 10_000_039_599),
        (b"Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        (b"Thu Aug 18 02:01:18 2050", 2_544_400_878),
        # A leap second.
        (b"Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
    ],
)
def test_instants(value: bytes, expected: int) -> None:
    """A date is seconds since 1970, before it and after 2038 too."""
    assert expected == parse_date(value, NOW)


@pytest.mark.parametrize(
    ("year", "now", "expected"),
    [
        (b"26", b"Mon, 21 Sep 2026 00:00:00 GMT", b"2026"),
        (b"76", b"Mon, 21 Sep 2026 00:00:00 GMT", b"2076"),
        (b"77", b"Mon, 21 Sep 2026 00:00:00 GMT", b"1977"),
        (b"94", b"Mon, 21 Sep 2026 00:00:00 GMT", b"1994"),
        # The date is the first of July: 2076 is more than 50 years after May 2026.
        (b"76", b"Fri, 01 May 2026 00:00:00 GMT", b"1976"),
        (b"00", b"Tue, 21 Sep 1999 00:00:00 GMT", b"2000"),
        (b"01", b"Thu, 01 Oct 2099 00:00:00 GMT", b"2101"),
    ],
)
def test_years_of_two_digits(year: bytes, now: bytes, expected: bytes) -> None:
    """More than 50 years ahead means the latest such year in the past."""
    at = parse_date(now, NOW)
    assert at is not None
    found = parse_date(b"Monday, 01-Jul-%b 12:00:00 GMT" % year, at)

    assert parse_date(b"Mon, 01 Jul %b 12:00:00 GMT" % expected, NOW) == found


def test_a_leap_day_that_its_century_lacks_is_no_date() -> None:
    """29 February of a year that turns out not to be a leap year is refused."""
    in_2055 = 2_682_374_400.0

    assert parse_date(b"Sunday, 29-Feb-00 00:00:00 GMT", in_2055) is None


def test_every_turn_of_a_year() -> None:
    """The last second of every year and the first of the next one are right."""
    at = -62_135_596_800
    for year in range(1, 10_000):
        assert at == parse_date(b"Mon, 01 Jan %04d 00:00:00 GMT" % year, NOW)
        days = 365 + (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0))
        at += days * 86_400
        assert at - 1 == parse_date(b"Mon, 31 Dec %04d 23:59:59 GMT" % year, NOW)


@pytest.mark.parametrize(
    ("month", "last"),
    [
        *((b"Jan", 31), (b"Feb", 28), (b"Mar", 31), (b"Apr", 30), (b"May", 31)),
        *((b"Jun", 30), (b"Jul", 31), (b"Aug", 31), (b"Sep", 30), (b"Oct", 31)),
        *((b"Nov", 30), (b"Dec", 31)),
    ],
)
def test_months_end(month: bytes, last: int) -> None:
    """The last day of a month is a date, and the day after it is none."""
    assert parse_date(b"Mon, %02d %b 2023 00:00:00 GMT" % (last, month), NOW)
    assert (
        parse_date(b"Mon, %02d %b 2023 00:00:00 GMT" % (last + 1, month), NOW) is None
    )
