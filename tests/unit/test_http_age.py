"""Age and freshness lifetime: what is read, and what is taken for stale."""

from email.utils import formatdate

import pytest

from hybridcache.core.http.age import corrected_initial_age, lifetime, parse_age
from hybridcache.core.http.cache_control import Control

NOW = 1_790_000_000
PAST, PRESENT, FUTURE = (
    formatdate(NOW + seconds, usegmt=True).encode() for seconds in (-60, 0, 60)
)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], 0),
        ([b""], 0),
        ([b"0"], 0),
        ([b" 7200 "], 7200),
        ([b"abc"], 0),
        ([b"-7200"], 0),
        ([b"+7200"], 0),
        ([b"7200.0"], 0),
        ([b'"7200"'], 0),
        ([b"7200;foo=bar"], 0),
        ([b"2147483647"], 2**31 - 1),
        ([b"2147483648"], 2**31),
        ([b"2147483649"], 2**31),
        ([b"9" * 5_000], 2**31),
        ([b"7200, 0"], 7200),
        ([b"0, 7200"], 0),
        ([b"7200", b"0"], 7200),
        ([b"0", b"7200"], 0),
        ([b"0, 0"], 0),
        ([b"3600", b"3600"], 3600),
        # An empty member is none, an invalid one is.
        ([b", 7200"], 7200),
        ([b"", b"7200"], 7200),
        ([b"abc, 7200"], 0),
    ],
)
def test_age(values: list[bytes], expected: int) -> None:
    """The first member counts, clipped; one that is no number is ignored."""
    assert expected == parse_age(values)


@pytest.mark.parametrize(
    ("age", "date", "requested_at", "expected"),
    [
        (0, NOW, NOW, 0.0),
        (0, NOW - 10, NOW, 10.0),
        (0, NOW + 10, NOW, 0.0),
        (25, NOW - 10, NOW, 25.0),
        (5, NOW - 10, NOW, 10.0),
        (5, None, NOW, 5.0),
        (5, NOW, NOW - 3, 8.0),
        # A clock that went back does not make a response younger.
        (5, NOW, NOW + 3, 5.0),
    ],
)
def test_initial_age(
    age: int, date: int | None, requested_at: float, expected: float
) -> None:
    """The greater of what Date and what Age and delay say."""
    assert expected == corrected_initial_age(
        age=age, date=date, requested_at=requested_at, received_at=NOW
    )


@pytest.mark.parametrize(
    ("control", "expires", "date", "expected"),
    [
        (Control(), [], NOW, None),
        (Control(max_age=5), [], NOW, 5.0),
        (Control(max_age=5, s_maxage=9), [], NOW, 9.0),
        (Control(max_age=0, s_maxage=9), [PAST], NOW, 9.0),
        (Control(max_age=0), [FUTURE], NOW, 0.0),
        (Control(max_age=5), [b"0"], NOW, 5.0),
        (Control(), [FUTURE], NOW, 60.0),
        (Control(), [FUTURE], NOW - 40, 100.0),
        (Control(), [FUTURE], NOW + 40, 20.0),
        (Control(), [FUTURE], NOW + 100, 0.0),
        (Control(), [FUTURE], None, 60.0),
        (Control(), [PAST], NOW, 0.0),
        (Control(), [PRESENT], NOW, 0.0),
        (Control(), [b"Fri, 31 Dec 9999 23:59:59 GMT"], NOW, float(2**31)),
        (Control(), [b"0"], NOW, 0.0),
        (Control(), [b""], NOW, 0.0),
        (Control(), [FUTURE, FUTURE], NOW, 0.0),
        (Control(), [FUTURE + b", " + FUTURE], NOW, 0.0),
    ],
)
def test_lifetime(
    control: Control, expires: list[bytes], date: int | None, expected: float | None
) -> None:
    """s-maxage before max-age before Expires; an invalid or second Expires is past."""
    assert expected == lifetime(control, expires, date, NOW, shared=True)


def test_s_maxage_is_not_for_private_caches() -> None:
    """A private cache takes max-age, and without it Expires."""
    control = Control(s_maxage=9)

    assert lifetime(control, [], NOW, NOW, shared=False) is None
    assert 60.0 == lifetime(control, [FUTURE], NOW, NOW, shared=False)
    assert 5.0 == lifetime(Control(s_maxage=9, max_age=5), [], NOW, NOW, shared=False)
