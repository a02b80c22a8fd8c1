"""Byte ranges: one of them, cut to the representation, or none at all."""

import pytest

from hybridcache.core.http.ranges import (
    ContentRange,
    Span,
    Unsatisfiable,
    parse_content_range,
    parse_range,
    wanted,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"bytes=0-1", (0, 1)),
        (b"bytes=5-5", (5, 5)),
        (b"bytes=6-", (6, None)),
        (b"bytes=-5", (None, 5)),
        (b"bytes=-0", (None, 0)),
        (b"BYTES=0-1", (0, 1)),
        (b" bytes= 0-1\t", (0, 1)),
        (b"bytes=,0-1,", (0, 1)),
        (b"bytes=00-01", (0, 1)),
        (b"bytes=0-" + b"9" * 5_000, (0, 2**63)),
        (b"", None),
        (b"bytes", None),
        (b"bytes=", None),
        (b"bytes=-", None),
        (b"bytes=5-4", None),
        (b"bytes=0-1,3-4", None),
        (b"bytes=0-1,x", None),
        (b"bytes=a-b", None),
        (b"bytes=1", None),
        (b"bytes=--1", None),
        (b"bytes=0 - 1", None),
        (b"bytes=0-1-2", None),
        (b"bytes =0-1", None),
        (b"bytes 0-1", None),
        (b"items=0-1", None),
        (b"bytes=+0-1", None),
        (b"bytes=0-1\n", None),
    ],
)
def test_one_range_of_bytes(
    value: bytes, expected: tuple[int | None, int | None] | None
) -> None:
    """One well-formed range is read; other units, several ones and rubbish are not."""
    assert expected == wanted(value)


@pytest.mark.parametrize(
    ("value", "length", "expected"),
    [
        (b"bytes=0-1", 11, Span(0, 1)),
        (b"bytes=1-", 11, Span(1, 10)),
        (b"bytes=-1", 11, Span(10, 10)),
        (b"bytes=-5", 10, Span(5, 9)),
        (b"bytes=-50", 10, Span(0, 9)),
        (b"bytes=0-99", 10, Span(0, 9)),
        (b"bytes=9-99", 10, Span(9, 9)),
        (b"bytes=10-", 10, Unsatisfiable()),
        (b"bytes=10-11", 10, Unsatisfiable()),
        (b"bytes=" + b"9" * 5_000 + b"-", 10, Unsatisfiable()),
        (b"bytes=-0", 10, Unsatisfiable()),
        (b"bytes=0-", 0, Unsatisfiable()),
        (b"bytes=-0", 0, Unsatisfiable()),
        (b"bytes=-5", 0, None),
        (b"bytes=0-1,3-4", 10, None),
        (b"bytes=99-98", 10, None),
    ],
)
def test_a_range_of_a_representation(
    value: bytes, length: int, expected: Span | Unsatisfiable | None
) -> None:
    """A range is cut at the end, unsatisfiable after it, and ignored if malformed."""
    assert expected == parse_range(value, length)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"bytes 4-9/10", ContentRange(4, 9, 10)),
        (b"bytes 0-4/10", ContentRange(0, 4, 10)),
        (b" Bytes 0-0/1 ", ContentRange(0, 0, 1)),
        (b"bytes 4-9/*", ContentRange(4, 9, None)),
        (b"bytes */10", None),
        (b"bytes 9-4/10", None),
        (b"bytes 4-10/10", None),
        (b"bytes 4-9/9", None),
        (b"bytes 4-9", None),
        (b"bytes=4-9/10", None),
        (b"bytes  4-9/10", None),
        (b"items 4-9/10", None),
        (b"bytes 4-/10", None),
        (b"bytes 4-9/-10", None),
        (b"bytes 4-%b/*" % (b"9" * 5_000), None),
        (b"bytes 4-9/" + b"9" * 5_000, None),
        (b"", None),
    ],
)
def test_content_range(value: bytes, expected: ContentRange | None) -> None:
    """What brings bytes is read where its numbers agree."""
    assert expected == parse_content_range(value)
