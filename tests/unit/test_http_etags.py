"""Entity tags: what is one, and which of a list match."""

import pytest

from hybridcache.core.http.etags import (
    matches_any,
    parse_etag,
    strong,
    strong_match,
    weak_match,
)


@pytest.mark.parametrize(
    "value", [b'"abc"', b'""', b'W/"abc"', b'"a,b"', b'"\\"', b'"\xfc\x80"', b'"!~"']
)
def test_entity_tags(value: bytes) -> None:
    """A tag is quoted, may be weak and empty, and knows no escapes."""
    assert value == parse_etag(b" " + value + b"\t")


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"abc", b'"', b'"abc', b'abc"', b'w/"abc"', b'W\\"abc"', b'W"abc"'),
        *(b'W/ "abc"', b'"a b"', b'"a"b"', b'"a", "b"', b'"\x7f"', b"*", b"W/", b"'a'"),
    ],
)
def test_malformed_tags(value: bytes) -> None:
    """Anything else is no tag."""
    assert parse_etag(value) is None


@pytest.mark.parametrize(
    ("a", "b", "strongly", "weakly"),
    [
        (b'W/"1"', b'W/"1"', False, True),
        (b'W/"1"', b'W/"2"', False, False),
        (b'W/"1"', b'"1"', False, True),
        (b'"1"', b'"1"', True, True),
        (b'"1"', b'"2"', False, False),
    ],
)
def test_comparison(a: bytes, b: bytes, strongly: bool, weakly: bool) -> None:
    """The table of RFC 9110, section 8.8.3.2, both ways round."""
    assert strongly == strong_match(a, b) == strong_match(b, a)
    assert weakly == weak_match(a, b) == weak_match(b, a)


def test_strong() -> None:
    """A tag is strong unless it says that it is weak."""
    assert strong(b'""')
    assert not strong(b'W/""')


@pytest.mark.parametrize(
    ("value", "etag"),
    [
        (b'"abcdef"', b'"abcdef"'),
        (b'W/"abcdef"', b'"abcdef"'),
        (b'"abcdef"', b'W/"abcdef"'),
        (b'"abcdef", "1234", "5678"', b'"abcdef"'),
        (b'"1234", "abcdef", "5678"', b'"abcdef"'),
        (b'"1234","5678" ,, W/"abcdef" ,', b'"abcdef"'),
        (b'"abcdef\xc3\xbc"', b'"abcdef\xc3\xbc"'),
        (b'"a,b", "c"', b'"a,b"'),
        (b'"\\", "c"', b'"c"'),
        # Malformed members are skipped.
        (b'abc, "x", "c"', b'"c"'),
        (b'"x, "c"', b'"c"'),
        (b'w/"x", "c"', b'"c"'),
        (b'"x"y, "c"', b'"c"'),
        (b'*, "c"', b'"c"'),
        (b"*", b'"c"'),
        (b" * ", b""),
    ],
)
def test_a_list_that_matches(value: bytes, etag: bytes) -> None:
    """A weak match of any member will do; ``*`` matches without any tag."""
    assert matches_any(value, etag)


@pytest.mark.parametrize(
    ("value", "etag"),
    [
        (b"", b'"a"'),
        (b",", b'"a"'),
        (b'"b"', b'"a"'),
        (b'"A"', b'"a"'),
        (b'"a', b'"a"'),
        (b"a", b'"a"'),
        (b"a", b"a"),
        (b'"a,b"', b'"b"'),
        (b'x"a"', b'"a"'),
        (b'"a" "b"', b'"a"'),
        (b'*, "b"', b'"a"'),
        (b'""', b""),
    ],
)
def test_a_list_that_does_not_match(value: bytes, etag: bytes) -> None:
    """Malformed members match nothing, and nothing matches a malformed tag."""
    assert not matches_any(value, etag)
