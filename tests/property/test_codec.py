"""What is encoded comes back, and what was not encoded never comes back wrong."""

import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from functools import reduce
from operator import or_
from typing import (
    Any,
    Generic,
    Literal,
    NamedTuple,
    TypeAlias,
    TypedDict,
    TypeVar,
    Union,
)
from uuid import UUID

import attrs
from hypothesis import given
from hypothesis import strategies as st

from hybridcache.adapters.codec import JSON, MSGPACK, Codec, Shape, shape_of
from hybridcache.core.errors import Undecodable

T = TypeVar("T")
Typed: TypeAlias = tuple[Any, st.SearchStrategy[Any]]


class Colour(Enum):
    """A value that is another's name."""

    RED = 1
    BLUE = "RED"


class Right(Flag):
    """Flags, which combine."""

    READ = 1
    WRITE = 2


@attrs.frozen
class Point:
    """A record that can be a key."""

    x: int
    label: str | None = None


@dataclass
class Line:
    """A mutable record of records."""

    start: Point
    end: Point | Colour
    width: float = 1.0


@attrs.define
class Tree:
    """A record within itself."""

    value: int | str
    children: "list[Tree]" = attrs.field(factory=list)


@attrs.define
class Box(Generic[T]):
    """A generic record."""

    content: T
    spares: dict[str, T] = attrs.field(factory=dict)


class Place(NamedTuple):
    """A named tuple."""

    at: datetime
    point: Point


class Options(TypedDict, total=False):
    """A typed dict."""

    size: int
    colour: Colour


offsets = st.timedeltas(timedelta(hours=-23), timedelta(hours=23))
zones = st.one_of(
    st.none(),
    st.timezones(),
    offsets.map(timezone),
    st.builds(timezone, offsets, st.text(max_size=5)),
)
texts = st.text(st.characters(), max_size=8)
datetimes = st.datetimes(timezones=zones)
points = st.builds(Point, st.integers(), st.none() | texts)
flags = st.lists(st.sampled_from(Right)).map(lambda some: reduce(or_, some, Right(0)))

HASHABLE: list[Typed] = [
    (type(None), st.none()),
    (bool, st.booleans()),
    (int, st.integers()),
    (int, st.integers(-(2**200), 2**200)),
    (str, texts),
    (bytes, st.binary(max_size=8)),
    (float, st.floats(allow_nan=False)),
    (Decimal, st.decimals(allow_nan=False)),
    (UUID, st.uuids()),
    (date, st.dates()),
    (time, st.times(timezones=zones)),
    (timedelta, st.timedeltas()),
    (datetime, datetimes),
    (Colour, st.sampled_from(Colour)),
    (Right, flags),
    (Literal[1, True, "a"], st.sampled_from([1, True, "a"])),
    (Point, points),
]
OTHERS: list[Typed] = [
    (float, st.floats()),
    (complex, st.complex_numbers()),
    (Decimal, st.decimals()),
    (bytearray, st.binary(max_size=8).map(bytearray)),
    (Line, st.builds(Line, points, points | st.sampled_from(Colour), st.floats())),
    (
        Tree,
        st.recursive(
            st.builds(Tree, st.integers() | texts),
            lambda inner: st.builds(Tree, st.integers(), st.lists(inner, max_size=3)),
            max_leaves=8,
        ),
    ),
    (Place, st.builds(Place, datetimes, points)),
    (
        Options,
        st.fixed_dictionaries(
            {}, optional={"size": st.integers(), "colour": st.sampled_from(Colour)}
        ),
    ),
]
undeclared = st.recursive(
    st.one_of(
        *(values for cls, values in HASHABLE if cls not in (Colour, Right, Point)),
        st.floats(),
        st.complex_numbers(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.integers() | texts, inner, max_size=3),
        st.frozensets(st.integers() | texts, max_size=3),
        st.sets(st.tuples(st.integers(), texts), max_size=3),
    ),
    max_leaves=6,
)
ANYTHING: Typed = (Any, undeclared)


def of(origin: Any, *args: Any) -> Any:
    """Subscribe a generic type at run time."""
    return origin[args]


def containers(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    """Build larger types of smaller ones, with strategies for their values."""
    keys = st.sampled_from(HASHABLE)

    def few(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
        return st.lists(values, max_size=3)

    def union(members: list[Typed]) -> Typed:
        return (
            Union[tuple(it for it, _ in members)],  # noqa: UP007 (made at run time)
            st.one_of(*(values for _, values in members)),
        )

    return st.one_of(
        inner.map(lambda it: (of(list, it[0]), few(it[1]))),
        inner.map(lambda it: (of(tuple, it[0], ...), few(it[1]).map(tuple))),
        st.tuples(inner, inner).map(
            lambda two: (
                of(tuple, two[0][0], two[1][0]),
                st.tuples(two[0][1], two[1][1]),
            )
        ),
        st.tuples(keys, inner).map(
            lambda two: (
                of(dict, two[0][0], two[1][0]),
                st.dictionaries(two[0][1], two[1][1], max_size=3),
            )
        ),
        keys.map(lambda it: (of(frozenset, it[0]), st.frozensets(it[1], max_size=3))),
        keys.map(lambda it: (of(set, it[0]), st.sets(it[1], max_size=3))),
        inner.map(
            lambda it: (
                of(Box, it[0]),
                st.builds(Box, it[1], st.dictionaries(texts, it[1], max_size=2)),
            )
        ),
        st.lists(inner, min_size=1, max_size=3).map(union),
    )


types = st.recursive(
    st.sampled_from([*HASHABLE, *OTHERS, ANYTHING]), containers, max_leaves=4
)
codecs = st.sampled_from([MSGPACK, JSON])


def same(one: Any, two: Any) -> bool:  # noqa: C901 (one case a type)
    """Whether both are equal and of the same type at every node; NaN equals NaN."""
    if type(one) is not type(two):
        return False
    if isinstance(one, float):
        return repr(one) == repr(two)
    if isinstance(one, complex):
        return same(one.real, two.real) and same(one.imag, two.imag)
    if isinstance(one, Decimal):
        return bool(one.as_tuple() == two.as_tuple())
    if isinstance(one, datetime | time):
        return (
            one.replace(tzinfo=None) == two.replace(tzinfo=None)
            and one.fold == two.fold
            and type(one.tzinfo) is type(two.tzinfo)
            and str(one.tzinfo) == str(two.tzinfo)
            and one.utcoffset() == two.utcoffset()
        )
    if isinstance(one, dict):
        return same(list(one.items()), list(two.items()))
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, set | frozenset):
        # Equal and of the same type, in whatever order.
        left = list(two)
        for item in one:
            found = next((at for at, it in enumerate(left) if same(item, it)), None)
            if found is None:
                return False
            del left[found]
        return not left
    if isinstance(one, Point | Line | Tree | Box):
        names = type(one).__annotations__
        return all(same(getattr(one, it), getattr(two, it)) for it in names)
    return bool(one == two)


@given(st.data(), types, codecs)
def test_what_is_encoded_comes_back(
    data: st.DataObject, typed: Typed, codec: Codec
) -> None:
    """A value of the declared type comes back equal, and of the same type throughout."""
    declared, values = typed
    value = data.draw(values)
    shape = shape_of(declared, codec)

    assert same(value, shape.decode(shape.encode(value)))


@given(undeclared, codecs)
def test_what_is_not_declared_comes_back_too(value: object, codec: Codec) -> None:
    """Builtin values need no declaration."""
    shape = shape_of(Any, codec)

    assert same(value, shape.decode(shape.encode(value)))


@given(st.data(), types)
def test_encoding_is_a_function_of_the_value(data: st.DataObject, typed: Typed) -> None:
    """What came back is encoded into the same bytes."""
    declared, values = typed
    shape = shape_of(declared)
    encoded = shape.encode(data.draw(values))

    assert encoded == shape.encode(shape.decode(encoded))


def harmless(shape: Shape[Any], data: bytes) -> None:
    """See that bytes are refused, or are a value of the type."""
    try:
        value = shape.decode(data)
    except Undecodable:
        return
    # Encoding checks the type of every node.
    assert same(value, shape.decode(shape.encode(value)))


@given(types, codecs, st.binary(max_size=64))
def test_arbitrary_bytes_are_harmless(typed: Typed, codec: Codec, data: bytes) -> None:
    """Bytes from anywhere raise Undecodable, or are a value of the declared type."""
    harmless(shape_of(typed[0], codec), data)


@given(st.data(), types, codecs)
def test_damaged_encodings_are_harmless(
    data: st.DataObject, typed: Typed, codec: Codec
) -> None:
    """Bytes changed, left out, repeated or put in make no wrong value and no crash."""
    declared, values = typed
    shape = shape_of(declared, codec)
    encoded = bytearray(shape.encode(data.draw(values)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(encoded) - 1, 0)))
        end = data.draw(st.integers(at, min(len(encoded), at + 8)))
        encoded[at:end] = data.draw(
            st.binary(max_size=8) | st.just(bytes(encoded[at:end]) * 2)
        )

    harmless(shape, bytes(encoded))


@given(st.data(), types, types)
def test_encodings_of_another_type_are_harmless(
    data: st.DataObject, written: Typed, read: Typed
) -> None:
    """Bytes of one declared type are never a wrong value of another."""
    encoded = shape_of(written[0]).encode(data.draw(written[1]))

    harmless(shape_of(read[0]), encoded)


@given(types)
def test_a_changed_field_changes_the_fingerprint(typed: Typed) -> None:
    """A field's type, name and presence all count."""
    declared = typed[0]

    def made(**fields: Any) -> bytes:
        cls = attrs.make_class(
            "Item", {name: attrs.field(type=it) for name, it in fields.items()}
        )
        return shape_of(cls).fingerprint

    found = made(x=declared)

    assert found == made(x=declared)
    assert len({found, made(y=declared), made(x=declared, y=int), made(x=Never)}) == 4


class Never(Enum):
    """An enum that no strategy draws."""

    EVER = math.pi
