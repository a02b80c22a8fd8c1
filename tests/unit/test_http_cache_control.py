"""Cache-Control: what counts, what is clipped, and what malformed directives do."""

import math

import pytest

from hybridcache.core.http.cache_control import (
    Asked,
    Control,
    parse_asked,
    parse_control,
)

A_B = frozenset({b"a", b"b"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", Control()),
        (b"foobar", Control()),
        (b"max-age=3600", Control(max_age=3600)),
        (b"MaX-aGe=3600", Control(max_age=3600)),
        (b"max-age=003600", Control(max_age=3600)),
        (b'max-age="3600"', Control(max_age=3600)),
        (b'max-age="36\\00"', Control(max_age=3600)),
        (b"max-age=2147483648", Control(max_age=2**31)),
        (b"max-age=99999999999", Control(max_age=2**31)),
        (b"foobar, max-age=3600", Control(max_age=3600)),
        (b"foo=bar, max-age=3600", Control(max_age=3600)),
        (b"max-age=1, s-maxage=2", Control(max_age=1, s_maxage=2)),
        (
            b"stale-while-revalidate=4, stale-if-error=5",
            Control(stale_while_revalidate=4, stale_if_error=5),
        ),
        (b"nO-StOrE", Control(no_store=True)),
        (
            b"must-revalidate,no-transform",
            Control(must_revalidate=True, no_transform=True),
        ),
        (b"proxy-revalidate", Control(proxy_revalidate=True)),
        (
            b"must-understand,\tno-store",
            Control(must_understand=True, no_store=True),
        ),
        (b"public ,, immutable", Control(public=True, immutable=True)),
    ],
)
def test_directives(value: bytes, expected: Control) -> None:
    """Directives are read in any case, numbers quoted or not, unknown ones ignored."""
    assert expected == parse_control([value])


@pytest.mark.parametrize(
    "argument",
    [
        *(b"=", b"=abc", b"=a3600", b"=3600a", b"=-3600", b"=+1", b"=3600.0", b"=.5"),
        *(b"='3600'", b'=""', b'="-1"', b'=" 1"', b'="3600', b"", b"=3600;x", b"=1 2"),
        *(b" =3600", b"= 3600", b" = 3600", b"\t=3600", b"==1", b"=\xb2", b":3600"),
    ],
)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"max-age", Control(max_age=0)),
        (b"s-maxage", Control(s_maxage=0)),
        (b"stale-while-revalidate", Control(stale_while_revalidate=0)),
        (b"stale-if-error", Control(stale_if_error=0)),
    ],
)
def test_an_invalid_number_is_zero(
    name: bytes, argument: bytes, expected: Control
) -> None:
    """A lifetime that cannot be read is over, rather than absent."""
    assert expected == parse_control([name + argument])


@pytest.mark.parametrize(
    "values",
    [
        [b"max-age=1, max-age=1800"],
        [b"max-age=1800, max-age=1"],
        [b"max-age=1", b"max-age=1800"],
        [b"max-age=1800", b"max-age=1"],
        [b"max-age=1, max-age=1"],
    ],
)
def test_of_conflicting_numbers_the_smallest_counts(values: list[bytes]) -> None:
    """Whichever of them comes first, and on whichever line."""
    assert Control(max_age=1) == parse_control(values)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'extension="max-age=3600", max-age=1', Control(max_age=1)),
        (b'max-age=1, extension="max-age=3600"', Control(max_age=1)),
        (b'extension="a, max-age=3600, public"', Control()),
        (b'extension="a\\", public", max-age=1', Control(max_age=1)),
        (b'"no-store"', Control()),
        (b'="public"', Control()),
    ],
)
def test_nothing_counts_inside_a_quoted_string(value: bytes, expected: Control) -> None:
    """What another directive quotes is its own business."""
    assert expected == parse_control([value])


def test_open_quotes_hide_no_directive() -> None:
    """A quotation mark that nothing closes hides neither the rest nor the next line."""
    control = parse_control([b'x="y, no-store', b"private"])

    assert Control(no_store=True, private=True) == control


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'no-cache="a, B"', Control(no_cache_fields=A_B)),
        (b'no-cache="a,,\tb,"', Control(no_cache_fields=A_B)),
        (b'no-cache="a", no-cache="b"', Control(no_cache_fields=A_B)),
        (b"no-cache=a", Control(no_cache_fields=frozenset({b"a"}))),
        (b'private="a, b"', Control(private_fields=A_B)),
        (b"no-cache", Control(no_cache=True)),
        (b"private", Control(private=True)),
        (b'private, private="a, b"', Control(private=True, private_fields=A_B)),
        (b'no-cache="a, b", no-cache', Control(no_cache=True, no_cache_fields=A_B)),
        # What names no fields holds for all of the response.
        (b'private=""', Control(private=True)),
        (b'private=","', Control(private=True)),
        (b"private=", Control(private=True)),
        (b'private="a b"', Control(private=True)),
        (b'private ="a"', Control(private=True)),
        (b'private= "a"', Control(private=True)),
        (b'no-cache="a', Control(no_cache=True)),
        (b'no-cache="a"b', Control(no_cache=True)),
    ],
)
def test_fields_named_by_no_cache_and_private(value: bytes, expected: Control) -> None:
    """The fields are listed in lower case; the unqualified form is not lost."""
    assert expected == parse_control([value])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"no-store=0", Control(no_store=True)),
        (b"no-store;", Control(no_store=True)),
        (b"no-store foo", Control(no_store=True)),
        (b"must-revalidate =x", Control(must_revalidate=True)),
        (b"public=x", Control()),
        (b"public foo", Control()),
        (b"must-understand=1", Control()),
        (b"immutable;", Control()),
    ],
)
def test_malformed_directives_restrict_but_do_not_permit(
    value: bytes, expected: Control
) -> None:
    """A forbidding word is heeded whatever follows it; a permitting one only alone."""
    assert expected == parse_control([value])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Asked()),
        ([b""], Asked()),
        ([b"max-age=0"], Asked(max_age=0)),
        ([b"max-age=x"], Asked(max_age=0)),
        ([b"max-age=5", b"max-age=3"], Asked(max_age=3)),
        ([b"max-stale"], Asked(max_stale=math.inf)),
        ([b"max-stale=10"], Asked(max_stale=10)),
        ([b"max-stale=99999999999"], Asked(max_stale=2**31)),
        ([b"max-stale=x"], Asked(max_stale=0)),
        ([b"max-stale="], Asked(max_stale=0)),
        ([b"max-stale, max-stale=10"], Asked(max_stale=10)),
        ([b"min-fresh=10"], Asked(min_fresh=10)),
        ([b"min-fresh=10, min-fresh=20"], Asked(min_fresh=20)),
        ([b"max-age=0", b"no-cache"], Asked(max_age=0, no_cache=True)),
        ([b"No-Cache, no-store"], Asked(no_cache=True, no_store=True)),
        ([b"only-if-cached"], Asked(only_if_cached=True)),
        ([b"stale-if-error=60"], Asked(stale_if_error=60)),
        ([b'x="no-cache"'], Asked()),
    ],
)
def test_requests(values: list[bytes], expected: Asked) -> None:
    """Directives of requests; of conflicting or invalid numbers the strictest counts."""
    assert expected == parse_asked(values)


@pytest.mark.parametrize(
    ("values", "pragma", "expected"),
    [
        ([], [b"no-cache"], Asked(no_cache=True)),
        ([], [b"foo, No-Cache"], Asked(no_cache=True)),
        ([], [b"foo", b"no-cache"], Asked(no_cache=True)),
        ([], [b"unrecognised-extension"], Asked()),
        ([b"max-age=1"], [b"no-cache"], Asked(max_age=1)),
        ([b""], [b"no-cache"], Asked()),
    ],
)
def test_pragma(values: list[bytes], pragma: list[bytes], expected: Asked) -> None:
    """Pragma counts only where there is no Cache-Control at all."""
    assert expected == parse_asked(values, pragma)
