"""Vary: which fields select, and which of their values are the same."""

import pytest

from hybridcache.core.http.message import Headers
from hybridcache.core.http.vary import selecting, vary_names


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], ()),
        ([b""], ()),
        ([b" , "], ()),
        ([b"Foo"], (b"foo",)),
        ([b"Foo, bar ,,BAR"], (b"bar", b"foo")),
        ([b"Foo", b"", b"Bar"], (b"bar", b"foo")),
    ],
)
def test_names(values: list[bytes], expected: tuple[bytes, ...]) -> None:
    """Names of all lines are in lower case, sorted, each once."""
    assert expected == vary_names(values)


@pytest.mark.parametrize(
    "values",
    [
        *([b"*"], [b"*, *"], [b"*", b"*"], [b", *"], [b"", b"*"], [b"*, Foo"]),
        *([b"Foo, *"], [b"Foo", b" * "], [b"Foo Bar"], [b'"foo"'], [b'"*'], [b"a:"]),
    ],
)
def test_nothing_matches(values: list[bytes]) -> None:
    """A ``*`` anywhere, or what is no name, leaves no request that matches."""
    # CVE-2026-6907: responses with Vary: * were cached.
    assert vary_names(values) is None


def _value(name: bytes, *values: bytes) -> bytes | None:
    headers: Headers = tuple((name, value) for value in values)
    return selecting((name,), headers)[0]


def test_absent_is_not_empty() -> None:
    """A field that is not there and an empty one select different variants."""
    # CVE-2026-113593: the two shared a response.
    assert (None, b"") == selecting((b"bar", b"foo"), ((b"Foo", b""),))


def test_order_of_names_is_kept() -> None:
    """Values come in the order of the names."""
    headers: Headers = ((b"b", b"2"), (b"a", b"1"))

    assert (b"1", None, b"2") == selecting((b"a", b"aa", b"b"), headers)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        (b"foo", [b"1, 2"], [b"1", b"2"]),
        (b"foo", [b"1,2"], [b" 1 ,\t2 "]),
        (b"foo", [b" 1 "], [b"1"]),
        (b"foo", [b'"a, b" , c'], [b'"a, b",c']),
        (b"accept-encoding", [b"GZIP, br"], [b"gzip,Br"]),
        (b"accept-language", [b"en, de"], [b"de, en"]),
        (b"accept-language", [b"en, de"], [b"eN, De"]),
        (b"accept-language", [b"en, de"], [b" en ,   de"]),
        (b"accept-language", [b"en", b"de"], [b"de,,en"]),
        (b"accept-language", [b"en;q=1, de;q=0.50"], [b"de ; Q=0.5, en"]),
        (b"accept-language", [b"x" * 300 + b", DE"], [b"de," + b"x" * 300]),
        (b"accept-language", [b"*;q=0, en"], [b"en;q=1.000,*;q=0.000"]),
    ],
)
def test_the_same_variant(name: bytes, one: list[bytes], other: list[bytes]) -> None:
    """Lines, whitespace around commas, case and order where they mean nothing."""
    assert _value(name, *one) == _value(name, *other)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        (b"foo", b"1", b"2"),
        (b"foo", b"a", b"A"),
        (b"foo", b"1,2", b"2,1"),
        (b"foo", b"1,,2", b"1,2"),
        (b"foo", b"1 2", b"12"),
        (b"foo", b'"a,b"', b'"a, b"'),
        (b"cookie", b"a=1,b", b"a=1, b"),
        (b"cookie", b"a=X", b"a=x"),
        (b"authorization", b"Basic QQ==", b"Basic qq=="),
        (b"accept-language", b"en;q=0.5,de", b"en,de;q=0.5"),
        (b"accept-language", b"en", b"en;q=0"),
        (b"accept-language", b"en;q=0.1,en;q=0.9", b"en;q=0.9,en;q=0.1"),
        (b"accept-language", b"en,de;x=1", b"de;x=1,en"),
        (b"accept-language", b"en;q=2,de", b"de,en;q=2"),
        (b"accept-language", b"en", b"en-gb"),
    ],
)
def test_another_variant(name: bytes, one: bytes, other: bytes) -> None:
    """What may mean something else is not taken for the same."""
    assert _value(name, one) != _value(name, other)


def test_languages_are_sorted_by_preference() -> None:
    """The normal form has the preferred language first, and needless q left out."""
    assert b"de,en,fr;q=0.5" == _value(b"accept-language", b"fr;q=0.500, en, de;q=1.0")
    assert b"" == _value(b"accept-language", b" , ")


def test_credentials_are_not_stored_with_what_they_select() -> None:
    """Their digest selects as well."""
    for name in (b"cookie", b"authorization"):
        value = _value(name, b"session=secret")
        assert value is not None
        assert b"secret" not in value
        assert b"" != _value(name, b"")
