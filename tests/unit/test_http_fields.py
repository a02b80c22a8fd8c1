"""Field lines and lists: what is found, what is split, and what is never stored."""

import pytest

from hybridcache.core.http.digits import number
from hybridcache.core.http.fields import (
    HOP_BY_HOP,
    hop_by_hop,
    joined,
    lines,
    members,
    parts,
    unsafe,
    without,
)
from hybridcache.core.http.message import Headers

HEADERS: Headers = ((b"Vary", b"a"), (b"X-Vary", b"b"), (b"vARY", b""), (b"var", b"c"))


def test_lines_are_found_in_any_case_and_kept_in_order() -> None:
    """A name is matched whole, in any case; each line gives its value."""
    assert (b"a", b"") == lines(HEADERS, b"vary")
    assert () == lines(HEADERS, b"age")


def test_an_empty_field_is_not_an_absent_one() -> None:
    """Joined lines are empty bytes where the field is empty, None where it is absent."""
    assert b"a, " == joined(HEADERS, b"vary")
    assert b"" == joined(((b"Vary", b""),), b"vary")
    assert joined(HEADERS, b"age") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", ()),
        (b" ,\t, ", ()),
        (b"a", (b"a",)),
        (b" a ,,\tb b ", (b"a", b"b b")),
        (b'a="x, y", b', (b'a="x, y"', b"b")),
        (b'a="x\\", y", b', (b'a="x\\", y"', b"b")),
        (b'a="x\\\\", b', (b'a="x\\\\"', b"b")),
        (b'"a", "b,"', (b'"a"', b'"b,"')),
        # Nothing closes the quotes: they hide nothing.
        (b'a="x, no-store', (b'a="x', b"no-store")),
        (b'a="x, b\\', (b'a="x', b"b\\")),
        (b'a="x\\", b', (b'a="x\\"', b"b")),
        (b'a="x,y", b="z, c', (b'a="x,y"', b'b="z', b"c")),
    ],
)
def test_lists_split_outside_quoted_strings(
    value: bytes, expected: tuple[bytes, ...]
) -> None:
    """Commas inside a closed quoted string do not split, and empty members go."""
    assert expected == members(value)


def test_parts_keep_the_empty_members() -> None:
    """All that stands between the commas is there, trimmed."""
    assert [b"", b"a", b"", b'"b, c"', b""] == parts(b', a ,, "b, c" ,')


def test_without_leaves_the_other_lines_as_they_were() -> None:
    """Lines are left out in any case of their names; the others keep their order."""
    assert ((b"X-Vary", b"b"), (b"var", b"c")) == without(HEADERS, {b"vary"})


def test_what_connection_lists_is_hop_by_hop() -> None:
    """Names in any line of Connection count, in any case, and all of Proxy-*."""
    headers: Headers = (
        (b"Connection", b"close, X-Hop"),
        (b"connection", b"Keep-Alive,,\tX-Other"),
        (b"Proxy-Thing", b"1"),
        (b"ETag", b'"x"'),
    )

    listed = {b"close", b"x-hop", b"x-other", b"proxy-thing"}
    assert HOP_BY_HOP | listed == hop_by_hop(headers)
    assert HOP_BY_HOP == hop_by_hop(())


@pytest.mark.parametrize(
    "name",
    [
        *(b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding"),
        *(b"upgrade", b"proxy-authenticate", b"proxy-authorization"),
        *(b"proxy-authentication-info", b"proxy-connection"),
    ],
)
def test_hop_by_hop_names(name: bytes) -> None:
    """What RFC 9111, section 3.1, and RFC 9110, section 7.6.1, name is not stored."""
    assert name in HOP_BY_HOP


@pytest.mark.parametrize(
    "line",
    [
        (b"", b"x"),
        (b"X Y", b"x"),
        (b"X:", b"x"),
        (b"X\n", b"x"),
        (b"X\r\nSet-Cookie", b"x"),
        (b"\xe9", b"x"),
        (b"X", b"a\r\nSet-Cookie: b"),
        (b"X", b"a\nb"),
        (b"X", b"a\rb"),
        (b"X", b"a\x00"),
    ],
)
def test_response_splitting(line: tuple[bytes, bytes]) -> None:
    """A name that is no token, or a value with CR, LF or NUL, is unsafe."""
    assert unsafe(((b"ETag", b'"x"'), line))


def test_odd_lines_are_safe() -> None:
    """Empty values, tabs and octets above ASCII are no danger."""
    assert not unsafe(((b"X-!#$%&'*+.^_`|~", b""), (b"Y", b"\ta \xc3\xa9\x7f")))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"0", 0),
        (b"003600", 3600),
        (b"2147483647", 2**31 - 1),
        (b"2147483648", 2**31),
        (b"2147483649", 2**31),
        (b"99999999999", 2**31),
        (b"9" * 10_000, 2**31),
        (b"0" * 10_000 + b"7", 7),
        (b"", None),
        (b"-1", None),
        (b"+1", None),
        (b"1.0", None),
        (b"1_000", None),
        (b" 1", None),
        (b"1e3", None),
        ("\u0661".encode(), None),
        (b"\xb2", None),
    ],
)
def test_numbers(value: bytes, expected: int | None) -> None:
    """Digits alone are a number, one without an upper end but with a greatest value."""
    assert expected == number(value)
