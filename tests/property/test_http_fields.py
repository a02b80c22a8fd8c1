"""Fields of HTTP: what is written is read back, and no bytes raise or take long."""

import email.utils
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hybridcache.core.http.age import corrected_initial_age, lifetime, parse_age
from hybridcache.core.http.cache_control import Control, parse_asked, parse_control
from hybridcache.core.http.dates import parse_date
from hybridcache.core.http.etags import matches_any, parse_etag, weak_match
from hybridcache.core.http.fields import (
    hop_by_hop,
    is_token,
    joined,
    lines,
    members,
    parts,
    unsafe,
    without,
)
from hybridcache.core.http.ranges import (
    ContentRange,
    Span,
    parse_content_range,
    parse_range,
    wanted,
)
from hybridcache.core.http.structured import parse_targeted, token_or_string
from hybridcache.core.http.vary import selecting, vary_names

NOW = 1_790_000_000.0
LONGEST = 2**31
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# What fields are made of, well put together and badly.
PIECES = [
    *(b",", b";", b"=", b'"', b"\\", b" ", b"\t", b"-", b"*", b"/", b"'", b"."),
    *(b"max-age", b"s-maxage", b"no-cache", b"private", b"no-store", b"public"),
    *(b"MAX-AGE=", b"max-stale", b"min-fresh", b"stale-if-error", b"q=", b"0.5"),
    *(b"bytes=", b"bytes ", b"0", b"1", b"3600", b"9" * 30, b"W/", b"en", b"de"),
    *(b"Sun, 06 Nov 1994 08:49:37 GMT", b"GMT", b"Nov", b"08:49:37", b"?1", b"("),
    *(b")", b":", b"@", b"%", b"\r", b"\n", b"\x00", b"\x7f", b"\xff", b"\xc3\xa9"),
]
anything = st.one_of(
    st.binary(max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join),
)
instants = st.integers(-62_135_596_800, 253_402_300_799)  # years 1 to 9999
tokens = st.from_regex(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+", fullmatch=True)
quoted = st.binary(max_size=8).map(
    lambda raw: b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
)
etags = st.from_regex(rb'(W/)?"[!#-~\x80-\xff]*"', fullmatch=True)

PARSERS: list[Callable[[bytes], object]] = [
    members,
    parts,
    is_token,
    parse_etag,
    wanted,
    parse_content_range,
    lambda value: parse_range(value, 100),
    lambda value: parse_date(value, NOW),
    lambda value: parse_age([value, value]),
    lambda value: parse_control([value, value]),
    lambda value: parse_asked([value, value]),
    lambda value: parse_asked([], [value]),
    lambda value: parse_targeted([value]),
    lambda value: parse_targeted([value, value]),
    lambda value: matches_any(value, b'"a"'),
    lambda value: matches_any(b'"a", ' + value, value),
    lambda value: vary_names([value, value]),
    lambda value: selecting([b"accept-language"], ((b"Accept-Language", value),)),
    lambda value: selecting([b"foo", b"bar"], ((b"foo", value), (b"foo", value))),
    lambda value: hop_by_hop(((b"Connection", value), (value, b""))),
    lambda value: unsafe(((value, value),)),
    lambda value: lifetime(Control(), [value], None, NOW, shared=True),
]


@given(anything)
def test_no_bytes_raise(value: bytes) -> None:
    """Whatever a field holds, there is an answer."""
    for parse in PARSERS:
        parse(value)


@pytest.mark.parametrize(
    "piece", [*PIECES, b'",', b'"\\', b'\\"', b"a=(", b";a", b", "]
)
def test_long_values_take_linear_time(piece: bytes) -> None:
    """A hostile value is read in the time of its length, not of its square."""
    value = piece * (200_000 // len(piece))
    for parse in PARSERS:
        parse(value)
        parse(b'a="' + value)
        parse(b"a" + value + b"!")


@given(instants)
def test_dates_come_back(at: int) -> None:
    """A date that others write is read as the instant that it was."""
    when = EPOCH + timedelta(seconds=at)
    written = email.utils.format_datetime(when, usegmt=True)

    assert at == parse_date(written.encode(), NOW)


@given(instants)
def test_asctime_dates(at: int) -> None:
    """The form of C's asctime is the same instant."""
    when = EPOCH + timedelta(seconds=at)
    text = f"{when:%a %b} {when.day:2} {when:%H:%M:%S} {when.year:04}"

    assert at == parse_date(text.encode(), NOW)


@given(
    st.integers(0, 4_000_000_000),
    st.integers(-49 * 365 * 86_400, 49 * 365 * 86_400),
)
def test_rfc_850_dates(now: int, ahead: int) -> None:
    """Within 49 years of now, two digits of the year tell which one it is."""
    when = EPOCH + timedelta(seconds=now + ahead)

    assert now + ahead == parse_date(f"{when:%A, %d-%b-%y %H:%M:%S} GMT".encode(), now)


@given(st.lists(st.one_of(tokens, quoted.filter(lambda it: it.strip() == it))))
def test_lists_come_back(listed: list[bytes]) -> None:
    """Members joined with commas are split where they were joined."""
    assert tuple(listed) == members(b" , ".join(listed))


@given(anything)
def test_members_hold_no_more_than_the_value(value: bytes) -> None:
    """Nothing but commas and whitespace is lost."""
    kept = b"".join(members(value))

    assert len(value) - len(kept) == sum(value.count(it) for it in b", \t") - sum(
        kept.count(it) for it in b", \t"
    )


@given(anything, anything)
def test_a_restriction_is_never_hidden(before: bytes, after: bytes) -> None:
    """No line before or after it makes no-store go unseen."""
    assert parse_control([before, b"no-store", after]).no_store


@given(st.lists(anything, max_size=3))
def test_numbers_are_in_bounds(values: list[bytes]) -> None:
    """Every number of seconds lies between 0 and 2**31."""
    control, asked = parse_control(values), parse_asked(values)
    numbers = (
        *(control.max_age, control.s_maxage, control.stale_while_revalidate),
        *(control.stale_if_error, asked.max_age, asked.min_fresh, asked.stale_if_error),
        parse_age(values),
    )

    assert all(it is None or 0 <= it <= LONGEST for it in numbers)


@given(st.integers(0, 10**30), st.sampled_from([b"max-age=%d", b'max-age="%d"']))
def test_seconds_come_back(seconds: int, form: bytes) -> None:
    """A number of seconds is what it says, up to 2**31."""
    assert Control(max_age=min(seconds, LONGEST)) == parse_control([form % seconds])


@given(st.lists(st.integers(0, 9_999), min_size=1, max_size=4))
def test_the_smallest_lifetime_counts(each: list[int]) -> None:
    """Of several lifetimes in one line or in many, the smallest."""
    written = [b"max-age=%d" % one for one in each]

    assert Control(max_age=min(each)) == parse_control(written)
    assert Control(max_age=min(each)) == parse_control([b",".join(written)])


@given(st.text(max_size=12))
def test_what_is_written_for_cache_status_can_be_read(text: str) -> None:
    """Any text is written as an item that a Dictionary may hold, and breaks no line."""
    written = token_or_string(text)

    assert Control() == parse_targeted([b"a=" + written])
    assert not unsafe(((b"Cache-Status", written),))


@given(st.lists(etags, max_size=4), etags)
@example([b'"\\"', b'","'], b'","')
def test_if_none_match(listed: list[bytes], etag: bytes) -> None:
    """A list matches where one of its members does."""
    expected = any(weak_match(one, etag) for one in listed)

    assert expected == matches_any(b", ".join(listed), etag)


@given(anything, st.integers(0, 50))
def test_spans_lie_within(value: bytes, length: int) -> None:
    """A span has at least one byte, all of them in the representation."""
    for asked in (value, b"bytes=" + value):
        span = parse_range(asked, length)

        assert not isinstance(span, Span) or 0 <= span.first <= span.last < length


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 50))
def test_ranges_are_slices(first: int, last: int, length: int) -> None:
    """A span cuts what Python's own slices would."""
    body = bytes(range(length))

    def cut(value: bytes) -> bytes | None:
        span = parse_range(value, length)
        return body[span.first : span.last + 1] if isinstance(span, Span) else None

    assert (body[first:] or None) == cut(b"bytes=%d-" % first)
    assert (body[first : last + 1] or None) == cut(b"bytes=%d-%d" % (first, last))
    assert (body[-last:] if last else None) == cut(b"bytes=-%d" % last)


@given(st.integers(0, 99), st.integers(0, 99), st.one_of(st.none(), st.integers(0, 99)))
def test_content_ranges_come_back(first: int, last: int, length: int | None) -> None:
    """What agrees with itself comes back; the rest is None."""
    whole = b"*" if length is None else b"%d" % length
    right = first <= last and (length is None or last < length)

    found = parse_content_range(b"bytes %d-%d/%b" % (first, last, whole))
    assert (ContentRange(first, last, length) if right else None) == found


@given(
    st.lists(st.sampled_from([b"en", b"de", b"fr-CH", b"*"]), unique=True), st.data()
)
def test_order_of_languages_means_nothing(
    tags: list[bytes], data: st.DataObject
) -> None:
    """Any order of the same preferences is the same variant."""
    ranks = st.sampled_from([b"", b";q=1", b";q=0.8", b"; q=0.30", b";q=0"])
    ranked = [tag + data.draw(ranks) for tag in tags]
    mixed = data.draw(st.permutations(ranked))
    names = [b"accept-language"]

    assert selecting(names, ((b"accept-language", b",".join(ranked)),)) == selecting(
        names, ((b"accept-language", b", ".join(mixed)),)
    )


@given(anything)
def test_normalising_again_changes_nothing(value: bytes) -> None:
    """A normalised value is its own normal form."""
    for name in (b"foo", b"accept-encoding", b"accept-language"):
        once = selecting([name], ((name, value),))
        assert once[0] is not None
        assert once == selecting([name], ((name, once[0]),))


@given(st.lists(st.tuples(st.sampled_from([b"a", b"A", b"b"]), anything), max_size=5))
def test_lines_and_the_rest_are_all(headers: list[tuple[bytes, bytes]]) -> None:
    """What is asked for and what is left make up the whole."""
    rest = without(tuple(headers), {b"a"})

    assert len(headers) == len(lines(tuple(headers), b"a")) + len(rest)
    assert () == lines(rest, b"a")
    assert joined(rest, b"a") is None


@given(
    st.integers(0, LONGEST),
    st.one_of(st.none(), st.integers(0, 2 * 10**9)),
    st.floats(0, 2e9),
    st.floats(0, 2e9),
)
def test_age_is_no_less_than_said(
    age: int, date: int | None, requested_at: float, received_at: float
) -> None:
    """A response is at least as old as its Age says."""
    assert age <= corrected_initial_age(
        age=age, date=date, requested_at=requested_at, received_at=received_at
    )
