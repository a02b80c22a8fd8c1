"""Different arguments never share a key, and equal ones always do."""

import itertools
import os
import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hybridcache.core.key_plan import plan_key
from hybridcache.core.keys import (
    MAX_KEY_BYTES,
    check_key,
    check_prefix,
    redis_name,
    unescape,
)


class Colour(Enum):
    """An enum whose values look like other arguments."""

    RED = 1
    BLUE = "1"


class Right(Flag):
    """Flags, which combine."""

    READ = 1
    WRITE = 2


@attrs.frozen
class Point:
    """A frozen record."""

    x: object
    y: object = None


# Everything that the encoding uses as a mark, and what it must not confuse it with.
TRICKY = "17-:,()'=%{}._/ #éN\x00\n"

texts = st.one_of(
    st.text(TRICKY, max_size=4),
    st.text(max_size=8),
    st.sampled_from(["None", "True", "1.0", "-7", "'7'", "%31", "float(1.0)", "(1)"]),
)
# Clocks go back that night in Paris and Berlin.
AUTUMN = datetime(2024, 10, 27)  # noqa: DTZ001 (naive, as datetimes() wants)
zones = st.sampled_from(
    [
        *(UTC, timezone(timedelta(0), "Z"), timezone(timedelta(hours=1))),
        *(ZoneInfo("UTC"), ZoneInfo("Europe/Paris"), ZoneInfo("Europe/Berlin")),
    ]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-12, 120),
    st.integers(),
    texts,
    st.binary(max_size=3),
    st.sampled_from([0.0, -0.0, 1.0, 7.0, float("nan"), float("inf")]),
    st.floats(),
    st.sampled_from([Decimal("1.0"), Decimal("1.00"), Decimal(1), Decimal("NaN")]),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.complex_numbers(),
    st.sampled_from([*Colour, Right.READ, Right.WRITE, Right.READ | Right.WRITE]),
    st.dates(date(2024, 1, 1), date(2024, 1, 2)),
    st.datetimes(AUTUMN, AUTUMN + timedelta(days=1)),
    st.datetimes(AUTUMN, AUTUMN + timedelta(days=1), timezones=zones),
    st.times(),
    st.times(timezones=zones),
    st.timedeltas(),
)


def hashable(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Containers and records that may be in sets."""
    return st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.frozensets(inner, max_size=3),
        st.builds(Point, inner, inner),
    )


def containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """All of the containers."""
    return st.one_of(
        hashable(st.recursive(scalars, hashable, max_leaves=3)),
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(scalars, inner, max_size=3),
        st.sets(scalars, max_size=3),
    )


values: st.SearchStrategy[object] = st.recursive(scalars, containers, max_leaves=6)


def strict(value: object) -> object:
    """Make what compares equal only for the same type and content all the way down.

    Written apart from the encoding, on other principles, to be compared with it.
    """
    kind = type(value)
    if isinstance(value, Enum):
        return (kind, id(value))
    match value:
        case tuple() | list():
            return (kind, tuple(strict(item) for item in value))
        case set() | frozenset():
            return (kind, tuple(sorted(repr(strict(item)) for item in value)))
        case dict():
            items = [(strict(key), strict(item)) for key, item in value.items()]
            return (kind, tuple(sorted(map(repr, items))))
        case Point():
            return (kind, strict(value.x), strict(value.y))
        case float() | complex():
            return (kind, repr(value))
        case Decimal():
            return (kind, value.as_tuple())
        case datetime() | time():
            zone = value.tzinfo
            return (
                *(kind, value.isoformat(), value.fold, type(zone)),
                *(str(zone), repr(zone)),
            )
        case _:
            return (kind, value)


def two(a: object, b: object) -> None:
    """Do nothing, with two parameters."""


@given(st.tuples(values, values), st.tuples(values, values))
@example((1, 1), (1.0, True))
@example(("1,b=2", 3), (1, "2"))
@example(((1,), ()), ([1], ()))
@example(({1: "a"}, ()), ({"1": "a"}, ()))
def test_derived_keys_differ_exactly_where_arguments_do(
    one: tuple[object, object], other: tuple[object, object]
) -> None:
    """Derived keys are equal if and only if all arguments and their types are."""
    plan = plan_key(two)

    same = plan.render(one, {}) == plan.render(other, {})

    assert (strict(one) == strict(other)) == same


def escaped(text: str) -> str:
    """Write literal text of a template."""
    return text.replace("{", "{{").replace("}", "}}")


literals = st.one_of(
    st.text(TRICKY + "xF0", max_size=3), st.text(max_size=2), st.just("")
)


@given(
    st.tuples(literals, literals, literals),
    st.tuples(values, values),
    st.tuples(values, values),
)
@example(("", "", ""), (1, 23), (12, 3))
@example(("", "-", ""), (-1, 2), ("", "1-2"))
@example(("", "'", ""), (7, 1), ("7", 1))
@example(("", "(", ")"), (7, 1), ("7(", 1))
@example(("", "%", ""), ("%", "25"), ("%25", ""))
def test_template_keys_differ_exactly_where_arguments_do(
    around: tuple[str, str, str],
    one: tuple[object, object],
    other: tuple[object, object],
) -> None:
    """Whatever a template's text, its keys are equal only for equal arguments."""
    first, middle, last = map(escaped, around)
    try:
        plan = plan_key(two, f"{first}{{a}}{middle}{{b}}{last}")
    except ValueError:
        assert any("\ud800" <= sign <= "\udfff" for sign in "".join(around))
        return
    try:
        same = plan.render(one, {}) == plan.render(other, {})
    except ValueError as error:
        assert "at most 1024 bytes" in str(error)  # noqa: PT017 (only long ones)
        return

    assert (strict(one) == strict(other)) == same


SMALL: list[object] = [
    *("".join(each) for n in range(4) for each in itertools.product("1-:,(", repeat=n)),
    *("".join(each) for n in range(3) for each in itertools.product(")'=%2", repeat=n)),
    *("D", "2D", "%2D", "None", "True", None, True, False, 0, 1, -1, 11, -11, 111),
    *(1.0, b"1", (), (1,), ("1",), [1], {1: 1}, frozenset({1}), Colour.RED),
]


@pytest.mark.parametrize("middle", ["", *"-:,()'=%1|D.2", "::", "-1-", "{{", "}}"])
def test_no_two_small_tuples_share_a_template_key(middle: str) -> None:
    """Over all pairs of small tricky values, a template gives as many keys as pairs."""
    plan = plan_key(two, f"{{a}}{middle}{{b}}")
    distinct = list({repr(strict(each)): each for each in SMALL}.values())

    keys = {plan.render_bound((a, b)) for a in distinct for b in distinct}

    assert len(distinct) ** 2 == len(keys)


@given(st.tuples(values, values))
def test_derived_keys_are_keys(arguments: tuple[object, object]) -> None:
    """A derived key passes the check of keys and is short, whatever the arguments."""
    key = plan_key(two).render(arguments, {})

    assert key == check_key(key)
    assert len(key.encode()) <= 200


keys = st.text(min_size=1, max_size=12) | st.text("{}%7BD25:a", min_size=1, max_size=6)
valid_keys = keys.filter(lambda key: not any("\ud800" <= c <= "\udfff" for c in key))
prefixes = st.text("ab:%7BD", max_size=4)


@given(st.tuples(prefixes, valid_keys), st.tuples(prefixes, valid_keys))
@example(("a:", "b:1"), ("a:b:", "1"))
@example(("", "{"), ("", "%7B"))
def test_no_two_caches_or_keys_share_a_redis_name(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    """Redis names are equal only for the same prefix and the same key."""
    prefix, _ = one
    check_prefix(prefix)

    assert (one == other) == (redis_name(*one) == redis_name(*other))


@given(prefixes, valid_keys)
def test_the_hash_tag_is_the_whole_key(prefix: str, key: str) -> None:
    """Redis Cluster hashes the escaped key, which can be turned back into the key."""
    name = redis_name(prefix, key)
    # As the Cluster specification has it: first "{" to the first "}" after it.
    start = name.index("{") + 1
    tag = name[start : name.index("}", start)]

    assert name == f"{prefix}{{{tag}}}"
    assert tag
    assert key == unescape(name)
    assert key == unescape(f"{name}:lease")


@given(st.text(max_size=MAX_KEY_BYTES + 8) | st.text("é", min_size=500, max_size=520))
def test_a_key_is_any_text_of_1_to_1024_bytes(text: str) -> None:
    """A text is a key if and only if its UTF-8 form has 1 to 1024 bytes."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        size = 0
    try:
        accepted = check_key(text) == text
    except ValueError:
        accepted = False

    assert (0 < size <= MAX_KEY_BYTES) == accepted


STABLE = (
    {"b": 1, "a": {"x", "y", "z", 1, None}},
    frozenset(
        {"q", 7, UUID(int=7), Colour.RED, Point("x"), datetime(2024, 1, 1, tzinfo=UTC)}
    ),
)
PROGRAM = """
import runpy, sys
from hybridcache.core.key_plan import plan_key
there = __import__("types").SimpleNamespace(**runpy.run_path(sys.argv[1], run_name=sys.argv[2]))
print(plan_key(there.two).render(there.STABLE, {}))
print(plan_key(there.two, "k:{a}:{b}").render(there.STABLE, {}))
"""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_keys_are_the_same_in_every_process(seed: str) -> None:
    """Another process with another hash seed gives the same keys."""
    source = os.pathsep.join(each for each in sys.path if each)
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, __file__, __name__],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=True,
    )

    expected = [
        plan_key(two).render(STABLE, {}),
        plan_key(two, "k:{a}:{b}").render(STABLE, {}),
    ]

    assert expected == answer.stdout.splitlines()
