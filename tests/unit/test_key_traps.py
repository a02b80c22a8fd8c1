"""The ways in which two calls could share a key by accident, one test each."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Context, Decimal, localcontext
from enum import Enum, IntEnum, StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import pytest

from hybridcache.core.key_derived import function_name
from hybridcache.core.key_plan import ARGUMENT_TYPES, KeyPlan, plan_key
from hybridcache.core.key_values import NoStableText, value_text
from hybridcache.core.keys import check_key, check_prefix, redis_name, unescape


class Level(IntEnum):
    """An enum whose members equal ints."""

    ONE = 1


class Word(StrEnum):
    """An enum whose members equal strings."""

    ONE = "one"


class Id(int):
    """An int that may hold more than an int."""


class Markup(str):
    """A string that may hold more than a string."""

    __slots__ = ()


@attrs.frozen
class User:
    """A frozen attrs record."""

    id: object
    tenant: str = "t"


class Impostor(User):
    """Inherits what makes an attrs class, and may hold more."""


@attrs.define
class Draft:
    """An attrs record that can change."""

    id: int


@dataclasses.dataclass(frozen=True)
class Point:
    """A frozen dataclass."""

    x: object


@dataclasses.dataclass(frozen=True, init=False)
class Labelled(str):  # noqa: SLOT000 (a trap is being set)
    """A dataclass whose content is not among its fields."""

    x: int = 0


class Wobbly(tzinfo):
    """A zone that nothing is known of."""

    def utcoffset(self, _when: datetime | None) -> timedelta:
        """No offset."""
        return timedelta(0)

    def dst(self, _when: datetime | None) -> None:
        """No summer time."""

    def tzname(self, _when: datetime | None) -> None:
        """No name."""


def one(a: object) -> None:
    """One parameter."""


def two(a: object, b: object = 2) -> None:
    """Two parameters, one with a default."""


def all_kinds(
    a: object, /, b: object, *args: object, c: object = 3, **kwargs: object
) -> None:
    """Every kind of parameter."""


def nothing() -> None:
    """No parameter."""


class Service:
    """Has a method."""

    def load(self, id: object) -> None:  # noqa: A002 (as users write it)
        """Do nothing."""


def key_of(plan: KeyPlan, *args: object, **kwargs: object) -> str:
    """Render as a call is written."""
    return plan.render(args, kwargs)


ALIKE: dict[str, tuple[object, ...]] = {
    "one": (1, 1.0, True, "1", Decimal(1), Decimal("1.0"), Decimal("1.00"), b"1", 1j),
    "zero": (0, 0.0, -0.0, False, None, "", "0", "-0", b"", Decimal(0), timedelta(0)),
    "none": (None, "None", "'None'", "none"),
    "uuid": (UUID(int=7), str(UUID(int=7)), f"UUID({UUID(int=7)})", UUID(int=7).bytes),
    "member": (Level.ONE, 1, "ONE", Word.ONE, "one"),
    "instant": (
        datetime(2024, 7, 1, 12, tzinfo=UTC),
        datetime(2024, 7, 1, 12),  # noqa: DTZ001 (naive on purpose)
        datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("UTC")),
        datetime(2024, 7, 1, 14, tzinfo=ZoneInfo("Europe/Paris")),
        datetime(2024, 7, 1, 14, tzinfo=ZoneInfo("Europe/Berlin")),
        "2024-07-01T12:00:00+00:00",
    ),
    "midnight": (date(2024, 7, 1), datetime(2024, 7, 1), "2024-07-01"),  # noqa: DTZ001 (naive)
    "fold": tuple(
        datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Paris"), fold=fold)
        for fold in (0, 1)
    ),
    "naive fold": tuple(
        datetime(2024, 10, 27, 2, 30, fold=fold)  # noqa: DTZ001 (naive on purpose)
        for fold in (0, 1)
    ),
    "container": ((1, 2), [1, 2], {1, 2}, frozenset({1, 2}), {1: 2}, "1,2", "(1,2)"),
    "nested": (((1,), 2), (1, (2,)), ((1, 2),), (1, 2), ("1,2",), ("1", "2")),
    "empty": ((), [], {}, set(), frozenset(), "", "()", ((),)),
    "record": (User(1), User("1"), Point(1), {"x": 1}, User(1, "u"), User((1, "t"))),
    "escape": (":", "%3A", "%253A", "%", "%25"),
    "surrogate": ("\ud800", "%ED%A0%80", "\udc80"),
    "normal form": ("\u00e9", "e\u0301"),
    "big": (10**400, 10**400 + 1, -(10**400), hex(10**400), str(10**400)),
}


@pytest.mark.parametrize("name", ALIKE)
@pytest.mark.parametrize("template", [None, "items:{a}", "{a}{a}", "{a}-{a}"])
def test_values_that_look_alike_have_keys_of_their_own(
    name: str, template: str | None
) -> None:
    """Values that are equal, or read alike, but are not the same differ in the key."""
    plan = plan_key(one, template)

    keys = {key_of(plan, value) for value in ALIKE[name]}

    assert len(ALIKE[name]) == len(keys)


def test_the_common_case_reads_naturally() -> None:
    """Ints and ordinary strings stand in the key as they are."""
    plan = plan_key(one, "items:{a}")

    assert "items:7" == key_of(plan, 7)
    assert "items:-7" == key_of(plan, -7)
    assert "items:abc d/e.f" == key_of(plan, "abc d/e.f")
    assert "items:None" == key_of(plan, None)
    assert "items:'7'" == key_of(plan, "7")
    assert f"{__name__}.two(a=7,b=x)" == key_of(plan_key(two), 7, "x")


def test_separators_in_values_are_escaped() -> None:
    """A separator inside a value does not move the border between two values."""
    plan = plan_key(two, "x:{a}:{b}")

    assert key_of(plan, "1:2", "3") != key_of(plan, "1", "2:3")


def test_adjacent_fields_do_not_run_together() -> None:
    """Fields with nothing between them keep their border."""
    plan = plan_key(two, "{a}{b}")

    assert "(1)23" == key_of(plan, 1, 23)
    assert "(12)3" == key_of(plan, 12, 3)


def test_a_minus_can_separate_negative_numbers() -> None:
    """A minus between fields is not taken for a sign."""
    plan = plan_key(two, "x-{a}-{b}")

    assert "x-%2D1-2" == key_of(plan, -1, 2)
    assert key_of(plan, "1-2", 3) != key_of(plan, 1, "2-3")


def test_literal_braces_and_attributes() -> None:
    """Doubled braces are plain ones, and a dot reads an attribute."""
    plan = plan_key(one, "{{u}}:{a.tenant}:{a.id}")

    assert "{u}:t:7" == key_of(plan, User(7))
    assert ("a",) == plan.parameters


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("x:{a[0]}", "index"),
        ("x:{a!r}", "conversion"),
        ("x:{a:>3}", "format spec"),
        ("x:{}", "positional"),
        ("x:{0}", "positional"),
        ("x:{a.}", "attributes"),
        ("x:{a b}", "attributes"),
        ("x:{a", "brace"),
        ("x:}{a}", "brace"),
        ("x:{c}", "'c', but the parameters are 'a'"),
        ("x", "leaves out 'a'"),
        ("", "empty"),
        ("\ud800{a}", "surrogate"),
    ],
)
def test_a_template_that_cannot_work_is_refused_when_decorating(
    template: str, told: str
) -> None:
    """What is wrong with a template is a ValueError before any call, and says what."""
    with pytest.raises(ValueError, match=told):
        plan_key(one, template)


def test_a_parameter_left_out_must_be_ignored_by_name() -> None:
    """A template may leave a parameter out only where ignore= says so."""
    with pytest.raises(ValueError, match=r"leaves out 'b'.*ignore=\('b',\)"):
        plan_key(two, "x:{a}")

    plan = plan_key(two, "x:{a}", ignore=("b",))

    assert key_of(plan, 1, 5) == key_of(plan, 1, b=6) == "x:1"
    assert ("a",) == plan.parameters


@pytest.mark.parametrize("key", [None, "x:{a}:{b}"])
def test_ignore_names_must_exist(key: str | None) -> None:
    """A misspelt name in ignore= is a ValueError that lists the known ones."""
    with pytest.raises(ValueError, match=r"ignore= names 'c'.*'a', 'b'"):
        plan_key(two, key, ignore=("c",))


def test_ignore_is_not_one_string() -> None:
    """A string given as ignore= is not taken for its letters."""
    with pytest.raises(TypeError, match=r"write \('ab',\)"):
        plan_key(two, ignore="ab")


def test_a_name_is_not_both_used_and_ignored() -> None:
    """A parameter in the template and in ignore= is a contradiction."""
    with pytest.raises(ValueError, match="both"):
        plan_key(two, "x:{a}:{b}", ignore=["b"])


def test_calls_are_normalised() -> None:
    """However a call is written, defaults and keywords lead to one key."""
    plan = plan_key(two)

    assert (
        len(
            {
                key_of(plan, 1),
                key_of(plan, a=1),
                key_of(plan, 1, 2),
                key_of(plan, b=2, a=1),
            }
        )
        == 1
    )


def test_every_kind_of_parameter_counts() -> None:
    """Star arguments count in order, keyword arguments whatever their order."""
    plan = plan_key(all_kinds)

    assert key_of(plan, 1, 2, x=1, y=2) == key_of(plan, 1, 2, y=2, x=1)
    assert key_of(plan, 1, 2, 3, 4) != key_of(plan, 1, 2, 4, 3)
    assert key_of(plan, 1, 2, (3, 4)) != key_of(plan, 1, 2, 3, 4)
    assert key_of(plan, 1, 2, [3]) != key_of(plan, 1, 2, (3,))
    assert key_of(plan, 1, 2, c=3) == key_of(plan, 1, 2)
    assert key_of(plan, 1, b=2, a=3) != key_of(plan, 3, b=2, a=1)


def test_star_parameters_can_be_named_or_ignored() -> None:
    """A template renders *args and **kwargs as a tuple and a dict."""
    plan = plan_key(all_kinds, "{a}:{b}:{args}:{c}", ignore=("kwargs",))

    assert "1:2:(3,4):5" == key_of(plan, 1, 2, 3, 4, c=5, z=9)
    assert "1:2:(3,4):5" == plan.render_bound((1, 2, (3, 4), 5, {"z": 9}))


@pytest.mark.parametrize("key", [None, "x:{a}:{b}", lambda a, b: f"{a}{b}"])
def test_a_wrong_call_is_pythons_type_error(key: object) -> None:
    """A call that the function would refuse is a TypeError, and makes no key."""
    plan = plan_key(two, key)

    with pytest.raises(TypeError, match="'a'"):
        key_of(plan)
    with pytest.raises(TypeError, match="'c'"):
        key_of(plan, 1, c=3)
    with pytest.raises(TypeError, match="too many"):
        key_of(plan, 1, 2, 3)


def test_methods_need_a_key() -> None:
    """Nothing is derived from self: two objects must not share a key by accident."""
    with pytest.raises(ValueError, match="needs key="):
        plan_key(Service.load)
    with pytest.raises(ValueError, match="needs key="):
        plan_key(one, method=True)


def test_self_counts_only_where_named() -> None:
    """A template may leave self out, or read an attribute of it."""
    without = plan_key(Service.load, "x:{id}")
    within = plan_key(Service.load, "x:{self.tenant}:{id}")

    assert "x:7" == key_of(without, Service(), 7)
    assert ("id",) == without.parameters
    assert "x:t:7" == key_of(within, User(1), 7)


NO_STABLE_TEXT: dict[str, object] = {
    "object": object(),
    "service": Service(),
    "changeable": Draft(1),
    "undecorated subclass": Impostor(1),
    "record with more content": Labelled("a"),
    "int subclass": Id(1),
    "str subclass": Markup("a"),
    "bytearray": bytearray(b"a"),
    "range": range(3),
    "iterator": iter([1]),
    "class": int,
    "function": one,
    "in a list": [Draft(1)],
    "in a dict": {"a": Draft(1)},
    "in a tuple": (Id(1),),
    "in a record": User(Draft(1)),
    "zone": datetime(2024, 1, 1, tzinfo=Wobbly()),
}


@pytest.mark.parametrize("name", NO_STABLE_TEXT)
@pytest.mark.parametrize("key", [None, "x:{a}:{b}"])
def test_an_argument_without_stable_text_is_a_type_error(
    name: str, key: str | None
) -> None:
    """What cannot be told apart for sure is refused, naming the argument."""
    with pytest.raises(TypeError, match=r"argument 'b' .*key= function"):
        key_of(plan_key(two, key), 1, NO_STABLE_TEXT[name])


def test_a_container_in_itself_is_a_type_error() -> None:
    """A cyclic argument ends in an error, not in endless recursion."""
    cycle: list[object] = [1]
    cycle += [cycle, cycle]

    with pytest.raises(TypeError, match="contains itself"):
        key_of(plan_key(one), cycle)


def test_sets_and_dicts_have_no_order() -> None:
    """Equal sets and dicts give equal keys, however they were filled."""
    plan = plan_key(one)

    assert key_of(plan, {"a": 1, "b": 2}) == key_of(plan, {"b": 2, "a": 1})
    assert key_of(plan, {8, 0, "x"}) == key_of(plan, {"x", 0, 8})


def test_decimals_do_not_depend_on_the_context() -> None:
    """A thread's decimal context does not change a key."""
    plan = plan_key(one)
    expected = key_of(plan, Decimal("1E+9"))

    with localcontext(Context(capitals=0, prec=1)):
        assert expected == key_of(plan, Decimal("1E+9"))


def test_ints_may_have_more_digits_than_python_prints() -> None:
    """The interpreter's limit on decimal digits does not limit arguments."""
    plan = plan_key(one)

    assert key_of(plan, 10**5000) != key_of(plan, 10**5000 + 1)


def test_long_derived_keys_are_hashed() -> None:
    """Long arguments leave a readable head and a hash of everything."""
    plan = plan_key(two)
    key = key_of(plan, "é" * 5000, 1)

    assert key.startswith(f"{__name__}.two(a=é")
    assert len(key.encode()) <= 200
    assert key != key_of(plan, "é" * 5000, 2)
    assert key == key_of(plan, b=1, a="é" * 5000)


def test_a_rendered_key_over_1_kib_is_refused_at_the_call() -> None:
    """A template never cuts or hashes: too long is a ValueError that says so."""
    with pytest.raises(ValueError, match=r"at most 1024 bytes.*5002.*hash"):
        key_of(plan_key(one, "x:{a}"), "y" * 5000)


def test_a_key_function_is_asked_on_every_call() -> None:
    """A key function may read more than its arguments, so they never stand for it."""
    tenant = ["t1"]
    plan = plan_key(two, lambda a, b: f"{tenant[0]}:{a}:{b}")
    first = key_of(plan, 1)
    tenant[0] = "t2"

    assert "t1:1:2" == first
    assert "t2:1:2" == key_of(plan, a=1)
    assert not plan.by_arguments
    assert plan.template_id is None


def test_a_key_function_gets_every_kind_of_argument() -> None:
    """A key function is called as the signature has it."""
    plan = plan_key(all_kinds, lambda a, b, *rest, c, **more: f"{a}{b}{rest}{c}{more}")

    assert "12(4,)5{'z': 6}" == key_of(plan, 1, 2, 4, c=5, z=6)


@pytest.mark.parametrize("result", [None, 7, b"k", Word.ONE, Markup("m")])
def test_a_key_function_must_give_a_plain_string(result: object) -> None:
    """The result of a key function is checked as any key."""
    with pytest.raises(TypeError, match="must be a"):
        key_of(plan_key(one, lambda a: result), 1)


async def async_key(a: object) -> str:
    """Give a key too late."""
    return str(a)


@pytest.mark.parametrize(
    ("key", "error"),
    [(async_key, TypeError), (7, TypeError), (lambda: "k", ValueError)],
)
def test_an_unusable_key_function_is_refused_when_decorating(
    key: object, error: type[Exception]
) -> None:
    """A key function that could never be called is an error before any call."""
    with pytest.raises(error, match="key="):
        plan_key(one, key)


def test_ignore_beside_a_key_function_is_refused() -> None:
    """A key function already chooses what counts."""
    with pytest.raises(ValueError, match="ignore="):
        plan_key(one, lambda a: "k", ignore=("a",))


@pytest.mark.parametrize(
    ("key", "expected"),
    [(None, True), ("x:{a}:{b}", True), ("x:{a.id}:{b}", False)],
)
def test_arguments_stand_for_the_key_only_without_attributes(
    key: str | None, expected: bool
) -> None:
    """An attribute can change while the argument stays equal."""
    assert expected is plan_key(two, key).by_arguments


def test_argument_types_have_one_text_per_value() -> None:
    """Only types whose equal values are the same value may stand for a key."""
    assert {str, int, bool, bytes, type(None), UUID} == ARGUMENT_TYPES


def test_templates_that_differ_in_names_alone_are_one() -> None:
    """Two functions would share keys where only the names in their templates differ."""
    assert (
        plan_key(one, "x:{{{a}}}").template_id
        == plan_key(Service.load, "x:{{{id}}}").template_id
        == "x:{{{}}}"
    )
    assert plan_key(nothing, "x:{{}}").template_id != plan_key(one, "x:{a}").template_id


def closure(factor: int) -> Callable[[int], int]:
    """Make functions that share a qualified name."""

    def scaled(a: int) -> int:
        return a * factor

    return scaled


def test_derived_keys_of_two_closures_can_be_told() -> None:
    """Functions that share a qualified name share a template_id, so a cache can see."""
    assert plan_key(closure(1)).template_id == plan_key(closure(2)).template_id


def test_scripts_do_not_share_the_name_main() -> None:
    """A function of a script is named after its file, in its spawned workers too."""
    names = []
    for module in ("__main__", "__mp_main__"):
        there: dict[str, Callable[[], None]] = {}
        code = compile("def f(): ...", "/srv/job.py", "exec")
        exec(code, {"__name__": module}, there)  # a script in small
        names.append(function_name(there["f"]))

    assert ["__main__[job.py].f"] * 2 == names


def test_a_function_without_parameters_has_a_constant_key() -> None:
    """No parameter, one key."""
    assert f"{__name__}.nothing()" == key_of(plan_key(nothing))
    assert "config" == key_of(plan_key(nothing, "config"))


@pytest.mark.parametrize("key", [" ", "a b", "\x00\n", "{x}", "é" * 512, "k" * 1024])
def test_odd_characters_are_legal_in_keys(key: str) -> None:
    """Control characters, spaces and braces make a key like any other."""
    assert key == check_key(key)
    assert key == unescape(redis_name("p:", key))


@pytest.mark.parametrize(
    ("key", "error", "told"),
    [
        ("", ValueError, "empty"),
        ("k" * 1025, ValueError, "1025"),
        ("é" * 513, ValueError, "1026"),
        ("a\ud800", ValueError, "surrogate"),
        (b"k", TypeError, "bytes"),
        (None, TypeError, "NoneType"),
        (7, TypeError, "int"),
        (Word.ONE, TypeError, "subclass Word"),
        (Markup("k"), TypeError, "subclass Markup"),
    ],
)
def test_a_bad_key_is_refused(key: object, error: type[Exception], told: str) -> None:
    """What is no key is an error that says what was wrong, in few words."""
    with pytest.raises(error, match=told) as caught:
        check_key(key)

    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("prefix", "error"),
    [
        *(("a{", ValueError), ("}a", ValueError), ("é" * 129, ValueError)),
        *(("\ud800", ValueError), (b"a", TypeError), (None, TypeError)),
    ],
)
def test_a_bad_prefix_is_refused(prefix: object, error: type[Exception]) -> None:
    """A prefix has no braces and at most 256 bytes."""
    with pytest.raises(error, match="prefix"):
        check_prefix(prefix)


def test_prefixes_that_begin_alike_share_no_name() -> None:
    """One prefix may begin with another: their names still differ."""
    assert redis_name("a:", "b:1") != redis_name("a:b:", "1")
    assert "shop:{items:7}" == redis_name("shop:", "items:7")
    assert "p:{%7Bx%7D%25}" == redis_name("p:", "{x}%")


def test_a_foreign_name_holds_no_key() -> None:
    """A Redis name without braces is not one of ours."""
    with pytest.raises(ValueError, match="braces"):
        unescape("shop:items:7")


class Outer(Enum):
    """An enum with an alias."""

    A = 1
    B = A


def test_aliases_of_a_member_are_the_member() -> None:
    """An enum alias gives its member's key."""
    plan = plan_key(one)

    assert key_of(plan, Outer.A) == key_of(plan, Outer.B)


@pytest.mark.parametrize(
    ("value", "told"),
    [(object(), "is of type object"), ([object()], "holds a value of type object")],
)
def test_an_argument_without_stable_text_is_named_by_type(
    value: object, told: str
) -> None:
    """The message says of which type the refused value is."""
    with pytest.raises(NoStableText, match=told):
        value_text(value)
