"""Records come back as they were left, and nothing else passes for one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hybridcache.core.errors import Undecodable
from hybridcache.engine.records import (
    LARGEST_RESULT,
    LONGEST_TEXT,
    Failure,
    Value,
    of_failure,
    of_value,
    parse,
)

STAMP = b"s" * 8
eights = st.binary(min_size=8, max_size=8)


class Mute(Exception):  # noqa: N818 (a name that a test can read)
    """An error without a text."""

    def __str__(self) -> str:
        msg = "no text"
        raise ValueError(msg)


@given(eights, st.binary(max_size=100), eights)
def test_value(stamp: bytes, body: bytes, fingerprint: bytes) -> None:
    """A value that was left is read back with its stamp, under its fingerprint."""
    record = of_value(stamp, body, fingerprint)

    assert Value(stamp, body) == parse(record, fingerprint)


@given(st.binary(max_size=20), eights, eights)
def test_other_shape(body: bytes, fingerprint: bytes, other: bytes) -> None:
    """A value of another shape is undecodable."""
    assume(fingerprint != other)

    with pytest.raises(Undecodable) as caught:
        parse(of_value(STAMP, body, fingerprint), other)
    assert "shape" == caught.value.reason


@pytest.mark.parametrize(
    ("size", "kept"), [(LARGEST_RESULT, True), (LARGEST_RESULT + 1, False)]
)
def test_too_large(size: int, kept: bool) -> None:
    """A value past 256 KiB leaves no record."""
    assert kept == bool(of_value(STAMP, bytes(size), bytes(8)))


@given(st.text(max_size=200))
def test_failure(text: str) -> None:
    """A failure that was left is read back by its type's name and its text."""
    expected = text.encode(errors="replace").decode()

    quoted = parse(of_failure(STAMP, KeyError(text)), b"")
    plain = parse(of_failure(STAMP, ValueError(text)), b"")

    assert Failure(STAMP, "KeyError", repr(text)) == quoted or not text.isprintable()
    assert Failure(STAMP, "ValueError", expected) == plain


@given(st.text(min_size=300, max_size=2000))
def test_long_failure(text: str) -> None:
    """A failure's text is cut to 1 KiB, between two characters."""
    match parse(of_failure(STAMP, ValueError(text)), b""):
        case Failure(message=message):
            whole = text.encode(errors="replace").decode()
            size = len(message.encode())
            assert whole.startswith(message)
            assert whole == message or LONGEST_TEXT - 3 <= size <= LONGEST_TEXT
        case Value():
            pytest.fail("a failure became a value")


def test_failure_without_text() -> None:
    """An error whose text cannot be made leaves a record all the same."""
    expected = Failure(STAMP, "Mute", "(its text could not be made)")

    assert expected == parse(of_failure(STAMP, Mute()), b"")


@given(st.binary(max_size=60), eights)
def test_any_bytes(data: bytes, fingerprint: bytes) -> None:
    """Any bytes are a record or undecodable, never another exception."""
    try:
        record = parse(data, fingerprint)
    except Undecodable:
        return

    of_this_type = data.startswith(b"V") and data[9:17] == fingerprint
    assert isinstance(record, Value) == of_this_type
    assert isinstance(record, Failure) == data.startswith(b"F")
    assert data[1:9] == record.stamp


@given(st.binary(max_size=20), eights, st.integers(0, 16))
def test_truncated(body: bytes, fingerprint: bytes, size: int) -> None:
    """A value's record without its whole fingerprint is undecodable."""
    with pytest.raises(Undecodable):
        parse(of_value(STAMP, body, fingerprint)[:size], fingerprint)
