"""Every way in which a value could come back as another one."""

import inspect
import typing
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypedDict,
    TypeVar,
)
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import msgpack
import pytest

from hybridcache.adapters.codec import JSON, MSGPACK, Codec, Shape, shape_of
from hybridcache.core.errors import Undecodable, Unencodable

T = TypeVar("T")
S = TypeVar("S")

both = pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["msgpack", "json"])


def back(declared: object, value: object, codec: Codec = MSGPACK) -> Any:
    """Encode and decode."""
    shape = shape_of(declared, codec)
    return shape.decode(shape.encode(value))


def refused(declared: object, value: object) -> str:
    """Return why the value is not stored."""
    with pytest.raises(Unencodable) as caught:
        shape_of(declared).encode(value)
    return str(caught.value)


def unread(declared: object, plain: object) -> None:
    """See that plain data is refused."""
    with pytest.raises(Undecodable):
        shape_of(declared).decode(msgpack.packb(plain))


class Colour(Enum):
    """Values that look like others."""

    RED = 1
    BLUE = "RED"


class Fruit(Enum):
    """A name that is also a colour's."""

    RED = 1


class Level(IntEnum):
    """An enum that is an int."""

    LOW = 1


class Right(Flag):
    """Flags, which combine."""

    READ = 1
    WRITE = 2


@attrs.define
class Base:
    """A class that has a subclass."""

    x: int = 0


@attrs.define
class Child(Base):
    """A class that would come back as its base."""

    y: int = 0


@attrs.define
class Twin:
    """Fields as in Base."""

    x: int = 0


@attrs.define
class Node:
    """A class within itself."""

    value: int
    children: list["Node"] = attrs.field(factory=list)
    next: Optional["Node"] = None


@attrs.frozen
class Chain:
    """An immutable class within itself."""

    value: int
    next: "Chain | None" = None


@attrs.define
class Box(Generic[T]):
    """A generic class."""

    one: T
    many: list[T]


@dataclass
class Pair(Generic[T, S]):
    """A generic dataclass."""

    first: T
    second: S


@dataclass
class Named(Pair[str, T], Generic[T]):
    """A base's variable filled in, and the base's first one given another meaning."""

    third: T


@attrs.define
class Awkward:
    """Names that a generator of code may use itself."""

    cl: int
    converter: int
    attrs: int
    o: int
    _private: int
    typevar_map: str = "t"
    res: str = "r"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slotted:
    """Frozen, with slots, by keyword."""

    a: int
    b: float = 0.5


class Place(NamedTuple):
    """A named tuple."""

    x: int
    label: str = ""


class Options(TypedDict):
    """A typed dict."""

    size: int
    colour: NotRequired[str]


@attrs.define
class Price:
    """Something with a path to it."""

    price: Decimal


UserId = NewType("UserId", int)


class Odd(tzinfo):
    """A zone without a name."""

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """Give one."""
        return timedelta(hours=1)

    def dst(self, dt: datetime | None) -> timedelta:
        """Give none."""
        return timedelta(0)

    def tzname(self, dt: datetime | None) -> str:
        """Give one."""
        return "Odd"


AUTUMN = datetime(2024, 10, 27, 2, 30)  # noqa: DTZ001 (naive on purpose)


# Time


@both
def test_a_naive_datetime_stays_naive(codec: Codec) -> None:
    """A datetime without a zone comes back without one."""
    assert back(datetime, AUTUMN, codec).tzinfo is None


def test_a_zone_keeps_its_key() -> None:
    """A ZoneInfo comes back as that ZoneInfo, not as an offset."""
    value = AUTUMN.replace(tzinfo=ZoneInfo("Europe/Paris"))

    assert back(datetime, value).tzinfo is value.tzinfo


def test_the_second_of_two_equal_hours_stays_the_second() -> None:
    """Fold is kept, with a zone and without."""
    zoned = AUTUMN.replace(tzinfo=ZoneInfo("Europe/Paris"), fold=1)

    assert back(datetime, zoned).timestamp() == zoned.timestamp()
    assert back(datetime, AUTUMN.replace(fold=1)).fold == 1
    assert back(time, time(2, 30, fold=1)).fold == 1


def test_an_offset_stays_that_offset() -> None:
    """A fixed offset comes back as it was, to the microsecond."""
    zone = timezone(timedelta(hours=-3, microseconds=7))

    assert back(datetime, AUTUMN.replace(tzinfo=zone)).tzinfo == zone
    assert back(datetime, AUTUMN.replace(tzinfo=UTC)).tzinfo is UTC


def test_a_named_offset_keeps_its_name() -> None:
    """A timezone's own name comes back."""
    value = AUTUMN.replace(tzinfo=timezone(timedelta(hours=1), "CET"))

    assert back(datetime, value).tzname() == "CET"


def test_a_time_of_day_keeps_its_zone() -> None:
    """A time with a ZoneInfo, which has no offset by itself, comes back with it."""
    value = time(12, tzinfo=ZoneInfo("Europe/Paris"))

    assert back(time, value).tzinfo is value.tzinfo


def test_a_zone_without_a_name_is_not_stored() -> None:
    """A tzinfo of the user's has no stable name."""
    assert "Odd" in refused(datetime, AUTUMN.replace(tzinfo=Odd()))


def test_a_zone_that_this_machine_does_not_know_is_undecodable() -> None:
    """A key that ZoneInfo refuses, or one that is a path, is no crash."""
    for key in ("Mars/Olympus", "../../etc/passwd", "/etc/passwd", "", "Europe"):
        unread(datetime, ["2024-01-01T00:00:00", 0, key])


def test_a_datetime_is_no_date() -> None:
    """A datetime, though a subclass, is not stored where a date is declared."""
    assert "datetime where date" in refused(date, AUTUMN)


def test_extreme_spans_come_back() -> None:
    """A timedelta beyond 64 bits of microseconds comes back."""
    assert back(timedelta, timedelta.max) == timedelta.max
    assert back(timedelta, timedelta.min) == timedelta.min


# Scalars


@both
def test_decimals_are_exact(codec: Codec) -> None:
    """A Decimal keeps exponent, sign of zero, and what kind of NaN it is."""
    for text in ("1.50", "1E+3", "-0", "0E-20", "NaN", "sNaN12", "-Infinity"):
        assert str(back(Decimal, Decimal(text), codec)) == text


@both
def test_big_ints_come_back(codec: Codec) -> None:
    """An int beyond 64 bits comes back, at its edges too."""
    for value in (2**63, 2**64, -(2**63) - 1, 2**64 - 1, 10**400, -(10**400), 2**71):
        assert value == back(int, value, codec)
        assert value == back(Any, value, codec)


@both
def test_lone_surrogates_come_back(codec: Codec) -> None:
    """Half characters come back, and two halves are not joined."""
    for value in ("\ud800", "\ud83d\ude00", "a\udcffb"):
        assert value == back(str, value, codec)


@both
def test_bytes_are_no_text(codec: Codec) -> None:
    """Bytes, bytearrays and UUIDs come back as what they were."""
    assert back(bytes, b"\xff\x00", codec) == b"\xff\x00"
    assert type(back(bytearray, bytearray(b"a"), codec)) is bytearray
    assert back(UUID, UUID(int=7), codec) == UUID(int=7)


@both
def test_floats_come_back_as_they_are(codec: Codec) -> None:
    """NaN, infinities and negative zero come back; so do complex numbers."""
    for value in (float("nan"), float("inf"), -0.0, 5e-324, 1.0):
        assert repr(value) == repr(back(float, value, codec))
    assert repr(back(complex, complex(-0.0, 1), codec)) == repr(complex(-0.0, 1))


def test_an_int_may_stand_for_a_float() -> None:
    """An int where float is declared comes back as the float that equals it."""
    assert repr(back(float, 1)) == "1.0"


def test_an_int_that_no_float_equals_is_not_stored_as_one() -> None:
    """Precision is not lost without a word."""
    assert "no float" in refused(float, 2**53 + 1)
    assert "no float" in refused(float, 10**400)


def test_a_bool_is_no_number() -> None:
    """A bool is not stored where an int or a float is declared."""
    assert "bool where int" in refused(int, True)
    assert "bool where float" in refused(float, True)
    assert "int where bool" in refused(bool, 1)


def test_a_float_is_no_int() -> None:
    """A float is not stored where an int is declared, whole or not."""
    refused(int, 1.0)


def test_scalars_are_strict_on_the_way_back() -> None:
    """No plain data is converted to the declared type."""
    unread(int, 1.9)
    unread(int, True)
    unread(float, 1)
    unread(list[str], "123")
    unread(str, b"a")
    unread(Decimal, 1)
    unread(bool, 1)
    unread(UUID, "00000000-0000-0000-0000-000000000007")
    unread(complex, [1, 2])


def test_a_subclass_of_a_builtin_is_not_stored_as_it() -> None:
    """What a subclass adds would be lost."""

    class Text(str):
        __slots__ = ()

    assert "Text where str" in refused(str, Text("a"))
    assert "Level where int" in refused(int, Level.LOW)


def test_paths_come_back() -> None:
    """A Path comes back as the platform's path."""
    assert back(Path, Path("/a/b")) == Path("/a/b")


# Enums and literals


@both
def test_enums_go_by_name(codec: Codec) -> None:
    """A member whose value is another's name comes back as itself."""
    assert back(Colour, Colour.BLUE, codec) is Colour.BLUE
    assert back(Level, Level.LOW, codec) is Level.LOW


def test_an_enum_may_hide_its_name() -> None:
    """A property called name does not get in the way, nor do values without a repr."""

    class Hidden(Enum):
        ONE = object()

        @property
        def name(self) -> str:
            return "hidden"

    assert back(Hidden, Hidden.ONE) is Hidden.ONE


def test_flags_combine() -> None:
    """A combination of flags, which has no name, comes back."""
    assert back(Right, Right.READ | Right.WRITE) is Right.READ | Right.WRITE
    assert back(Right, Right(0)) is Right(0)


def test_unknown_members_are_undecodable() -> None:
    """Names and bits that the enum does not have are refused."""
    unread(Colour, "GREEN")
    unread(Colour, 1)
    unread(Right, 8)
    unread(Right, -1)


def test_literals_tell_one_from_true() -> None:
    """A literal comes back as the very one of several equal ones."""
    declared = Literal[1, True, "1", b"1", None, Colour.RED]  # noqa: PYI061 (one place)
    for value in (1, True, "1", b"1", None, Colour.RED):
        found = back(declared, value)

        assert (type(value), value) == (type(found), found)
    refused(declared, 1.0)
    refused(declared, [])
    unread(declared, 6)
    unread(declared, -1)


# Exactly the declared type, at every node


def test_a_child_in_a_list_of_its_base_is_not_stored() -> None:
    """A Child would come back as a Base, so it is refused."""
    assert refused(list[Base], [Base(), Child()]) == (
        "value[1]: Child where Base is declared"
    )


def test_a_tuple_is_no_list() -> None:
    """Containers are of exactly the declared type."""
    refused(list[int], (1,))
    refused(tuple[int, ...], [1])
    refused(set[int], frozenset({1}))
    refused(frozenset[int], {1})
    refused(list[str], "abc")


def test_a_kind_of_dict_is_no_dict() -> None:
    """A defaultdict or an OrderedDict is not stored where dict is declared."""
    refused(dict[str, int], defaultdict(int, a=1))
    refused(dict[str, int], OrderedDict(a=1))


def test_a_named_tuple_is_no_tuple() -> None:
    """A named tuple is not stored where a plain tuple is declared, or another one."""
    Other = namedtuple("Other", ["x", "label"])  # noqa: PYI024 (the untyped kind)

    refused(tuple[int, str], Place(1))
    refused(Place, (1, ""))
    assert back(Other, Other(1, "a")) == Other(1, "a")


def test_the_message_names_the_node() -> None:
    """A refusal gives the path to the node and both types."""
    one, two = Price(Decimal(1)), Price(1.5)  # type: ignore[arg-type]

    assert refused(list[Price], [one, two]) == (
        "value[1].price: float where Decimal is declared"
    )
    assert refused(dict[str, tuple[int, Place]], {"a": (1, Place("x"))}) == (  # type: ignore[arg-type]
        "value[str][1].x: str where int is declared"
    )
    assert refused(Node, Node(1, next=Node("x"))) == (  # type: ignore[arg-type]
        "value.next.value: str where int is declared"
    )


def test_the_message_has_the_same_path_every_time() -> None:
    """A shape that refused once refuses the same again."""
    shape = shape_of(Node)
    for _ in range(2):
        with pytest.raises(Unencodable, match=r"value\.value: str where int"):
            shape.encode(Node("x"))  # type: ignore[arg-type]


# Containers


@both
def test_dict_keys_keep_their_type(codec: Codec) -> None:
    """Keys may be ints, tuples, enums, bytes or frozen records."""
    for declared, value in (
        (dict[int, str], {1: "a", -(2**70): "b"}),
        (dict[tuple[int, str], int], {(1, "a"): 1}),
        (dict[Colour, int], {Colour.RED: 1}),
        (dict[bytes, int], {b"$": 1}),
        (dict[Chain, int], {Chain(1): 1}),
        (dict[int | str, int], {1: 1, "1": 2}),
    ):
        assert value == back(declared, value, codec)


@both
def test_dicts_keep_their_order(codec: Codec) -> None:
    """A dict comes back in the order it was filled in."""
    value = {"b": 1, "a": 2, "c": 3}

    assert list(value) == list(back(dict[str, int], value, codec))
    assert list(value) == list(back(dict, value, codec))


def test_json_tags_do_not_collide_with_user_data() -> None:
    """A dict that looks like tagged bytes stays a dict."""
    for value in ({"$": "AA=="}, {"$": b"\x00"}, [["$", "AA=="]]):
        assert value == back(Any, value, JSON)


def test_equal_sets_have_equal_bytes() -> None:
    """The order in which a set was filled does not show."""
    shape = shape_of(set[int | str])

    assert shape.encode({8, 0, "a"}) == shape.encode({0, "a", 8})


def test_doubles_in_a_set_or_dict_are_undecodable() -> None:
    """A key that stands there twice was not encoded by us."""
    unread(set[int], [1, 1])
    unread(dict[int, int], [1, 1, 1, 1])
    unread(dict[int, int], [1])


def test_tuples_have_their_length() -> None:
    """A tuple of known length is stored with that length alone, the empty one too."""
    assert back(tuple[()], ()) == ()
    assert back(tuple[int, str], (1, "a")) == (1, "a")
    refused(tuple[int, str], (1,))
    refused(tuple[()], (1,))
    unread(tuple[int, int], [1])


def test_typed_dicts_have_their_keys() -> None:
    """A typed dict is stored with required keys, and without unknown ones."""
    assert back(Options, {"colour": "red", "size": 1}) == {"colour": "red", "size": 1}
    refused(Options, {"colour": "red"})
    refused(Options, {"size": 1, "other": 1})
    refused(Options, {"size": "1"})
    unread(Options, ["colour", "red"])
    unread(Options, ["size", 1, "other", 1])


def test_a_refusal_shows_no_key_of_a_dict() -> None:
    """A key that is data is told by its type, one that is declared by its name."""
    person = "alice@example.com"
    for declared in (dict[str, int], dict[str, Any], Any):
        path, _, _ = refused(declared, {person: object()}).partition(":")
        assert "value[str]" == path
    assert refused(Options, {"size": "1"}) == (
        "value['size']: str where int is declared"
    )
    problem, _, _ = refused(Options, {person: 1, 7: 1}).partition(" where")
    assert "value: dict without 'size' and with unknown keys (int, str)" == problem


def test_abstract_containers_come_back_as_what_they_were() -> None:
    """A Sequence stays a list or a tuple, a Set a set or a frozenset."""
    for declared, value in (
        (Sequence[int], [1]),
        (Sequence[int], (1,)),
        (AbstractSet[int], {1}),
        (AbstractSet[int], frozenset({1})),
        (Mapping[str, int], {"a": 1}),
        (Iterable[int], {1}),
    ):
        found = back(declared, value)

        assert (type(value), value) == (type(found), found)
    refused(Sequence[str], "abc")
    refused(Iterable[int], (it for it in (1,)))
    refused(Mapping[str, int], OrderedDict(a=1))


def test_bare_containers_hold_anything() -> None:
    """A list without arguments is a list of undeclared values."""
    assert back(list, [1, "a", (2,)]) == [1, "a", (2,)]
    assert back(tuple, (1, [2])) == (1, [2])


# Unions


@both
def test_unions_are_tagged(codec: Codec) -> None:
    """Every member comes back as itself, though another would read the same."""
    for declared, value in (
        (int | str, "1"),
        (int | float, 1),
        (int | float, 1.0),
        (bool | int, True),
        (bool | int, 1),
        (Base | Twin, Base(1)),
        (Base | Twin, Twin(1)),
        (Base | Child, Child(1, 2)),
        (Colour | Fruit, Fruit.RED),
        (str | Colour, "RED"),
        (bytes | str, b"a"),
        (datetime | date, date(2024, 1, 1)),
        (Options | Base, {"size": 1}),
        (list[int] | dict[str, int], []),
        (Decimal | str, "1"),
    ):
        found = back(declared, value, codec)

        assert (type(value), value) == (type(found), found)


@both
def test_optional_ones_too(codec: Codec) -> None:
    """None and a class come back from an Optional; a foreign class does not go in."""
    for value in (None, Base(1)):
        assert value == back(Optional[Base], value, codec)  # noqa: UP045 (the old form)
        assert value == back(Base | None, value, codec)
    assert "Child" in refused(Base | None, Child())


def test_lists_of_two_kinds_keep_their_items() -> None:
    """Where members share a runtime type, the items tell; ints are not made floats."""
    for value in (["a"], [1], [1.5]):
        found = back(list[float] | list[int] | list[str], value)

        assert (value, type(value[0])) == (found, type(found[0]))
    refused(list[int] | list[str], [1, "a"])


def test_a_member_refused_within_a_union_names_its_node() -> None:
    """The path goes through unions."""
    assert refused(list[Price | None], [None, Price(1)]) == (  # type: ignore[arg-type]
        "value[1].price: int where Decimal is declared"
    )


def test_two_classes_of_one_name_are_told_apart() -> None:
    """Members of one name carry their module in the tag."""
    here, there = (
        attrs.make_class("Same", {"x": attrs.field(type=int)}) for _ in range(2)
    )
    here.__module__, there.__module__ = "here", "there"

    for cls in (here, there):
        assert type(back(typing.Union[here, there], cls(1))) is cls  # noqa: UP007 (for mypy)


def test_two_classes_that_nothing_tells_apart_are_not_stored() -> None:
    """Members of one name and module cannot have a tag that another process knows."""
    one, two = (
        attrs.make_class("Same", {"x": attrs.field(type=int)}) for _ in range(2)
    )

    assert "both named" in refused(typing.Union[one, two], one(1))  # noqa: UP007 (for mypy)


def test_the_order_of_a_union_does_not_count() -> None:
    """Python hands out equal unions in either order, so both are one shape."""
    one, two = shape_of(int | str), shape_of(str | int)

    assert one.fingerprint == two.fingerprint
    assert two.decode(one.encode("a")) == "a"


def test_an_unknown_tag_is_undecodable() -> None:
    """Only tags of the union's members are read."""
    unread(int | str, ["bytes", b"a"])
    unread(int | str, 1)
    unread(int | str, None)
    unread(int | str, [[], 1])
    unread(int | None, ["None", 1])


# Classes


def test_classes_within_themselves_come_back() -> None:
    """Recursive classes neither loop when read nor when encoded."""
    value = Node(1, [Node(2, [Node(3)])], Node(4))

    assert value == back(Node, value)
    assert back(Chain, Chain(1, Chain(2))) == Chain(1, Chain(2))


def test_generic_classes_know_their_arguments() -> None:
    """A generic class's variables are filled in, in inherited fields too."""
    assert back(Box[int], Box(1, [2])) == Box(1, [2])
    assert "str where int" in refused(Box[int], Box("a", []))
    assert back(Named[int], Named("a", 1, 2)) == Named("a", 1, 2)
    assert "value.first: int where str" in refused(Named[int], Named(1, 1, 2))  # type: ignore[arg-type]
    assert "value.second" in refused(Named[int], Named("a", "b", 2))
    assert back(Box, Box[object](1, ["a"])) == Box[object](1, ["a"])


def test_field_names_do_not_matter() -> None:
    """Private names, keywords only, and names that generated code uses, come back."""
    value = Awkward(1, 2, 3, 4, 5, res="x")

    assert value == back(Awkward, value)
    assert back(Slotted, Slotted(a=1)) == Slotted(a=1)


def test_named_tuples_come_back() -> None:
    """A named tuple comes back as one."""
    assert type(back(Place, Place(1, "a"))) is Place


def test_aliases_are_looked_through() -> None:
    """NewType, Annotated and type variables mean what they stand for."""
    assert back(UserId, 1) == 1
    assert back(Annotated[int, ["unhashable"]], 1) == 1
    assert back(TypeVar("B", bound=int), 1) == 1
    assert back(None, None) is None


def test_missing_and_unknown_fields_are_undecodable() -> None:
    """A field with a default must be there, and no other may."""
    unread(Base, {})
    unread(Base, {"x": 1, "z": 1})
    unread(Base, {"z": 1})
    unread(Base, {b"x": 1})
    unread(Base, [1])


def test_a_field_outside_init_comes_back_or_is_not_stored() -> None:
    """A field(init=False) is set where that works, and refused where it does not."""

    @attrs.define
    class Open:
        x: int
        y: int = attrs.field(init=False, default=0)

    @attrs.frozen
    class Shut:
        x: int
        y: int = attrs.field(init=False, default=0)

    value = Open(1)
    value.y = 7

    assert value == back(Open, value)
    refused(Shut, Shut(1))


def test_a_converter_that_changes_its_own_result_is_not_stored() -> None:
    """What would come back different is refused."""

    def grown(it: int) -> int:
        return it + 1

    @attrs.define
    class Growing:
        x: int = attrs.field(converter=grown)

    @attrs.define
    class Steady:
        x: int = attrs.field(converter=int)

    assert "different" in refused(Growing, Growing(1))
    assert back(Steady, Steady("1")) == Steady(1)


def test_a_post_init_that_changes_fields_is_not_stored() -> None:
    """Nor is what __post_init__ or a converter would change a second time."""

    @dataclass
    class Doubling:
        x: int

        def __post_init__(self) -> None:
            self.x *= 2

    @dataclass
    class Computed:
        x: int
        y: int = field(init=False)

        def __post_init__(self) -> None:
            self.y = self.x * 2

    @dataclass
    class Needy:
        x: int
        seed: InitVar[int]

    assert "different" in refused(Doubling, Doubling(1))
    assert back(Computed, Computed(1)) == Computed(1)
    assert Needy(1, 2).x == 1
    refused(Needy, Needy(1, 2))


def test_a_value_that_its_own_validator_refuses_is_not_stored() -> None:
    """A list emptied after construction would not pass a second time."""

    @attrs.define
    class Filled:
        items: list[int] = attrs.field(validator=attrs.validators.min_len(1))

    value = Filled([1])
    value.items.clear()

    assert "refuses" in refused(Filled, value)
    unread(Filled, {"items": []})


def test_what_init_raises_is_undecodable() -> None:
    """Whatever a class of the user's raises, the lookup ends in a miss."""

    @dataclass
    class Moody:
        x: int

        def __post_init__(self) -> None:
            if self.x:
                raise KeyError(self.x)

    unread(Moody, {"x": 1})


def test_a_field_that_was_never_set_is_not_stored() -> None:
    """A slot without a value is no crash."""

    @attrs.define
    class Hollow:
        x: int = attrs.field(init=False)

    refused(Hollow, Hollow())


def test_an_undecorated_subclass_is_not_stored() -> None:
    """It inherits its base's fields, and may hold more."""

    class Bare(Base):
        pass

    assert "decorator" in refused(Bare, Bare())


def test_a_record_on_a_builtin_is_not_stored() -> None:
    """What an attrs class that is a dict holds is not among its fields."""

    @attrs.define
    class Items(dict[str, int]):
        name: str = ""

    assert "more than its fields" in refused(Items, Items("a"))


# Undeclared


@both
@pytest.mark.parametrize("declared", [Any, object, inspect.Parameter.empty])
def test_undeclared_values_keep_their_types(declared: object, codec: Codec) -> None:
    """Without a declared type, builtin values come back as what they were."""
    value = {
        None: [True, 1, 1.0, "1", b"1", (1, [2]), {3}, frozenset({4})],
        (1, "a"): {"$": {"list": ["list", []]}},
        Decimal("1.0"): [UUID(int=1), timedelta(1), time(1), date(2024, 1, 1)],
        1.5: [AUTUMN.replace(tzinfo=ZoneInfo("Europe/Paris"), fold=1), 1j, 2**99],
    }

    assert repr(value) == repr(back(declared, value, codec))


def test_an_instance_is_not_stored_undeclared() -> None:
    """No class can be found again by a name in the bytes."""
    odd: tuple[object, ...] = (
        Base(),
        Colour.RED,
        Level.LOW,
        OrderedDict(),
        Place(1),
        deque(),
    )
    for value in odd:
        assert "no type is declared" in refused(Any, [value])


# Cycles and depth


def test_a_cycle_is_not_stored() -> None:
    """A value that contains itself is refused, not followed."""
    node = Node(1)
    node.next = node
    items: list[object] = []
    items.append(items)

    assert "contains itself" in refused(Node, node)
    assert "contains itself" in refused(Any, items)
    assert "contains itself" in refused(list, items)


def test_deep_nesting_is_not_stored() -> None:
    """What is stored can always be read, however deep the reader's own stack."""
    chain, items = Chain(0), list[object]()
    for depth in range(400):
        chain, items = Chain(depth, chain), [items]

    assert "too deep" in refused(Chain, chain)
    assert "too deep" in refused(Any, items)


def test_the_deepest_that_is_stored_can_be_read() -> None:
    """The bound leaves room for the frames of a caller."""
    shape = shape_of(Chain)
    chain, data = Chain(0), b""
    for depth in range(400):
        try:
            data = shape.encode(chain)
        except Unencodable:
            break
        chain = Chain(depth, chain)

    def far_down(frames: int) -> Chain:
        return shape.decode(data) if not frames else far_down(frames - 1)

    assert far_down(300) == chain.next


def test_a_value_shared_within_a_value_is_stored_twice() -> None:
    """Two places of one object come back equal."""
    shared = [1]

    assert back(list[list[int]], [shared, shared]) == [[1], [1]]


# Types that cannot be supported


def test_unsupported_types_are_refused_when_encoding_not_before() -> None:
    """Decorating never fails; storing says why."""

    class Connection:
        pass

    for declared, value in (
        (Connection, Connection()),
        (list[Connection], [Connection()]),
        (Callable[[], int], len),
        (Generator[int, None, None], (it for it in (1,))),
        ("Item", 1),
        (typing.ForwardRef("Item"), 1),
        (typing.Never, 1),
        (deque[int], deque([1])),
        (tuple[int, *tuple[str, ...]], (1, "a")),
        (1, 1),
        (type, int),
        (Exception, Exception()),
    ):
        shape = shape_of(declared)

        assert not shape.immutable
        assert len(shape.fingerprint) == 8
        refused(declared, value)
        with pytest.raises(Undecodable):
            shape.decode(b"\x01" if declared != list[Connection] else b"\x91\x01")


def test_annotations_that_name_nothing_are_refused() -> None:
    """A class with a forward reference that cannot be resolved is not stored."""

    @attrs.define
    class Lost:
        x: "Nowhere"  # type: ignore[name-defined]  # noqa: F821 (that is the point)

    assert "Nowhere" in refused(Lost, Lost(1))


def test_types_nested_without_end_are_refused() -> None:
    """A generic class that holds itself with ever larger arguments has no shape."""
    assert "without end" in refused(Endless[int], Endless(1))


@attrs.define
class Endless(Generic[T]):
    """A class that has infinitely many instances of itself."""

    x: T
    next: "Endless[list[T]] | None" = None


# Immutability


IMMUTABLE = (
    *(str, int, float, bool, bytes, None, Decimal, UUID, datetime, date, time),
    *(timedelta, complex, Colour, Literal[1], Path, Slotted, Chain, Place),
    *(int | None, tuple[int, ...], tuple[int, str], frozenset[str], tuple[Chain, ...]),
)
MUTABLE = (
    *(list[int], dict[str, int], set[int], bytearray, Any, object, Base, Options),
    *(int | list[int], tuple[list[int], ...], Chain | Base, Sequence[int], tuple),
)


@pytest.mark.parametrize("declared", IMMUTABLE, ids=str)
def test_immutable_types_are_known(declared: object) -> None:
    """Values that nobody can change may be shared."""
    assert shape_of(declared).immutable


@pytest.mark.parametrize("declared", MUTABLE, ids=str)
def test_mutable_types_are_known(declared: object) -> None:
    """Values that anybody can change, somewhere inside, may not."""
    assert not shape_of(declared).immutable


def test_a_frozen_class_with_a_mutable_field_is_mutable() -> None:
    """Freezing a class does not freeze what it holds."""

    @attrs.frozen
    class Shelf:
        items: list[int]

    @dataclass(frozen=True)
    class Case:
        chain: Chain
        items: dict[str, int]

    assert not shape_of(Shelf).immutable
    assert not shape_of(Case).immutable


# Hostile bytes


HOSTILE = {
    "nothing": b"",
    "a huge array": b"\xdd\xff\xff\xff\xff",
    "a huge map": b"\xdf\xff\xff\xff\xff",
    "a huge string": b"\xdb\xff\xff\xff\xff",
    "deep nesting": b"\x91" * 100_000,
    "deep nesting that ends": b"\x91" * 900 + b"\xc0",
    "nested huge arrays": b"\xdc\xff\xff" * 400,
    "a tail": b"\x01\x01",
    "a timestamp": b"\xd6\xff\x00\x00\x00\x00",
    "an extension": b"\xd4\x07\x00",
    "a reserved byte": b"\xc1",
    "broken text": b"\xa2\xff\xff",
    "a list as key": b"\x81\x90\x01",
    "deep JSON": b"[" * 100_000,
    "half a JSON": b'{"x":',
    "a JSON number too long": b"9" * 10_000,
    "malformed JSON bytes": b'{"$":"*"}',
}


@both
@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_are_undecodable(data: bytes, codec: Codec) -> None:
    """No bytes raise anything but Undecodable."""
    for declared in (Any, list[int], Node, int | None, dict[str, int], Base):
        with pytest.raises(Undecodable) as caught:
            shape_of(declared, codec).decode(data)

        assert caught.value.reason == "decode"


def test_a_codec_of_the_users_may_raise_anything() -> None:
    """Whatever a codec raises, it is no crash."""

    def broken(_: object) -> bytes:
        raise OSError

    shape: Shape[Any] = shape_of(int, Codec("broken", broken, broken))

    with pytest.raises(Unencodable):
        shape.encode(1)
    with pytest.raises(Undecodable):
        shape.decode(b"1")


# Fingerprints


def test_fingerprints_differ_where_shapes_do() -> None:
    """A changed type, element, union, literal or codec is another shape."""
    declared = (
        *(int, str, float, None, Any, list[int], list[str], tuple[int, ...]),
        *(tuple[int, int], set[int], dict[str, int], dict[int, str], int | str),
        *(int | None, Literal["a"], Literal["b"], Literal[1], Literal[True]),
        *(Base, Child, Twin, Node, Chain, Box[int], Box[str], Colour, Place, Options),
    )
    found = {
        shape_of(it, codec).fingerprint for it in declared for codec in (MSGPACK, JSON)
    }

    assert len(found) == 2 * len(declared)


def test_a_changed_field_or_member_is_another_shape() -> None:
    """What a class or enum of the same name holds counts, however deep inside."""

    def made(**fields: Any) -> object:
        cls = attrs.make_class(
            "Item", {n: attrs.field(type=t) for n, t in fields.items()}
        )
        return list[Pair[cls, int]]  # type: ignore[valid-type]

    shapes = [
        made(x=int),
        made(x=str),
        made(y=int),
        made(x=int, y=int),
        made(x=Enum("E", {"A": 1})),
        made(x=Enum("E", {"A": 2})),
        made(x=Enum("E", {"A": 1, "B": 2})),
    ]

    assert len({shape_of(it).fingerprint for it in shapes}) == len(shapes)


def test_the_same_shape_has_the_same_fingerprint() -> None:
    """A fingerprint depends on nothing but the shape: it is the same in any process."""
    assert shape_of(list[Node]).fingerprint == shape_of(list[Node]).fingerprint
    assert shape_of(Base).fingerprint.hex() == "c600267309f587de"
