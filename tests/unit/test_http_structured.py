"""Targeted fields: a Dictionary or nothing, and the items that Cache-Status needs."""

from time import process_time

import pytest

from hybridcache.core.http.cache_control import Control
from hybridcache.core.http.structured import parse_targeted, token_or_string


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"max-age=3600"], Control(max_age=3600)),
        ([b"max-age=2147483648"], Control(max_age=2**31)),
        ([b"max-age=99999999999"], Control(max_age=2**31)),
        ([b"max-age=007"], Control(max_age=7)),
        ([b"max-age=-1"], Control(max_age=0)),
        ([b"foobar, max-age=3600"], Control(max_age=3600)),
        ([b"max-age=1;x=2;y, no-store;z=?0"], Control(max_age=1, no_store=True)),
        ([b"max-age=1, max-age=2"], Control(max_age=2)),
        ([b"max-age=1", b"private"], Control(max_age=1, private=True)),
        ([b" max-age=1\t,\t public "], Control(max_age=1, public=True)),
        (
            [b"s-maxage=1, stale-while-revalidate=2"],
            Control(s_maxage=1, stale_while_revalidate=2),
        ),
        ([b"stale-if-error=3, immutable"], Control(stale_if_error=3, immutable=True)),
        ([b"no-cache, must-revalidate"], Control(no_cache=True, must_revalidate=True)),
        ([b"no-cache=?1"], Control(no_cache=True)),
        ([b'no-cache="A, b"'], Control(no_cache_fields=frozenset({b"a", b"b"}))),
        ([b"private=Set-Cookie"], Control(private_fields=frozenset({b"set-cookie"}))),
        ([b'private=""'], Control(private=True)),
        ([b'private="a b"'], Control(private=True)),
        # A word of nobody's is a valid field that says nothing.
        ([b"none"], Control()),
        ([b'a=(1 2.5;q=x "s" :Zg==: ?0);p, b=tok/en:x, c=-1.125'], Control()),
        ([b'a=@1659578233, b=%"f%c3%bc", c=()'], Control()),
    ],
)
def test_valid_fields(values: list[bytes], expected: Control) -> None:
    """Directives are read by type; parameters and unknown directives say nothing."""
    assert expected == parse_targeted(values)


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b" ", b",", b"max-age=1,", b",max-age=1", b"max-age=1,,no-store"),
        *(b"max-age=10000, &&&&&", b"&&&", b"max-age =100", b"max-age= 100"),
        *(b"MaX-aGe=3600", b"max-age=", b"max-age=1 no-store", b"max-age=1;"),
        *(b"max-age=1;X", b"a=1234567890123456", b"a=1.", b"a=1.2345", b"a=--1"),
        *(b"a=1234567890123.1", b"a=1.2.3", b"a='1'", b'a="x', b'a="\\x"'),
        *(b'a="\xc3\xa9"', b"a=\xc3", b"a=:Z*:", b"a=?2", b"a=?", b"a=@1.5"),
        *(b"a=(1", b"a=(1,2)", b"a=(1)(2)", b'a=("x""y")', b"a=(1;)", b'a=%"%C3"'),
        *(b"no-store\x00", b"no-store\n", b'"a"', b"1"),
    ],
)
def test_no_dictionary(value: bytes) -> None:
    """What is empty, or no Dictionary to the last octet, is ignored as a whole."""
    assert parse_targeted([value]) is None


@pytest.mark.parametrize(
    "value",
    [
        *(
            b'max-age="10000"',
            b"max-age=1.0",
            b"max-age=abc",
            b"max-age",
            b"max-age=?1",
        ),
        *(b"max-age=(1)", b"s-maxage=:MQ==:", b"stale-if-error=@1", b"no-store=?0"),
        *(b"no-store=1", b"public=x", b"private=?0", b"private=1", b"no-cache=(a)"),
        b'max-age=1, stale-while-revalidate="1"',
    ],
)
def test_wrong_type(value: bytes) -> None:
    """A known directive with a value of the wrong type invalidates the field."""
    assert parse_targeted([value]) is None


def test_unclosed_list_takes_no_time() -> None:
    """A list of spaces that nothing closes is read once, not once for each of them."""
    hostile = b"a=(" + b" " * 60_000 + b"x"
    begun = process_time()
    parse_targeted([hostile])
    took = process_time() - begun

    assert took < 1.0


def test_no_lines_are_no_field() -> None:
    """A field that is not there is ignored like an empty one."""
    assert parse_targeted([]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("miss", b"miss"),
        ("*/x:y", b"*/x:y"),
        ("", b'""'),
        ("two words", b'"two words"'),
        ("1st", b'"1st"'),
        ('a"b\\c', b'"a\\"b\\\\c"'),
        ("caf\u00e9\r\n", b'"caf???"'),
    ],
)
def test_token_or_string(text: str, expected: bytes) -> None:
    """A Token where it may be one, else a String of printable ASCII."""
    assert expected == token_or_string(text)
