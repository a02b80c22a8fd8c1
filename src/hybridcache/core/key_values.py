"""One value as text, so that different values never read alike.

Bare are ints (``7``), ``None``, ``True``, ``False`` and ordinary strings
(``abc``). A string that would read as one of the others is quoted (``'7'``,
``'None'``, ``''``); in any string ``% : ( ) , = '`` and lone surrogates are
percent-escaped. All else is ``name(...)``: ``float(1.0)``, ``bytes(31)``,
``list(1,2)``, ``shop.Point(x=1)``; a plain tuple has no name.

What the other modules build on: parentheses balance, and outside of them there is
never a comma, an equals sign or a colon. Types count exactly, because a subclass
may hold more than we would write down.
"""

import re
from collections.abc import Iterable
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum, Flag
from uuid import UUID

import attrs

# A string matching this stands for itself: it reads as nothing else.
_is_bare = re.compile(
    r"(?!-?[0-9]+\Z|None\Z|True\Z|False\Z)[^%:(),='\ud800-\udfff]+\Z"
).match
_ESCAPED = re.compile(r"[%:(),='\ud800-\udfff]")

# Decimal digits of larger ints are slow to make, and past 4,300 an interpreter
# setting decides whether they may be made at all.
_DECIMAL_BELOW = 1 << 512
# No argument is nested so deep, except one that contains itself.
_MAX_DEPTH = 100

# Bases whose content is not among the fields of a class built on them.
_WITH_CONTENT = (
    *(str, bytes, bytearray, int, float, complex, Decimal, UUID),
    *(tuple, list, dict, set, frozenset, date, time, timedelta, BaseException),
)


class NoStableText(TypeError):  # noqa: N818 (inside only; callers name the argument)
    """The value, or one inside it, has no text that is sure to stay the same.

    Attributes:

        problem: Half a sentence about the value: ``is of type Connection``.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def value_text(value: object, depth: int = 0) -> str:
    """Write *value* so that no value of another type or content reads the same.

    Raises:

        NoStableText: It is of a type that has no stable text, or contains such.
    """
    # The two common kinds first, without a further call.
    if type(value) is str:
        return value if _is_bare(value) else _marked(value)
    if type(value) is int:
        if -_DECIMAL_BELOW < value < _DECIMAL_BELOW:
            return str(value)
        return f"int({value:#x})"
    return (
        _scalar(value)
        or _instant(value)
        or _container(value, depth + 1)
        or _member(value)
        or _record(value, depth + 1)
    )


def percent(text: str) -> str:
    """Write every character of *text* as its percent-escaped UTF-8 bytes."""
    return "".join(f"%{byte:02X}" for byte in text.encode(errors="surrogatepass"))


def _marked(text: str) -> str:
    escaped = _escape(text)
    # An escape is mark enough: nothing but a string has one outside parentheses.
    return escaped if escaped != text else f"'{text}'"


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: percent(found[0]), text)


def _class_name(kind: type) -> str:
    # A spawned worker sees the classes of the main script under another name.
    module = kind.__module__.replace("__mp_main__", "__main__")
    return _escape(f"{module}.{kind.__qualname__}")


def _shown_name(kind: type) -> str:
    plain = kind.__module__ == "builtins"
    return kind.__qualname__ if plain else f"{kind.__module__}.{kind.__qualname__}"


def _scalar(value: object) -> str:
    """Write a value without parts, or give ``""`` back."""
    if value is None or value is True or value is False:
        return str(value)
    if type(value) is UUID:
        return f"UUID({value})"
    if type(value) is bytes:
        return f"bytes({value.hex()})"
    if type(value) is float:
        return f"float({value!r})"
    if type(value) is Decimal:
        # The thread's decimal context may ask for a small "e".
        return f"Decimal({str(value).replace('e', 'E')})"
    if type(value) is complex:
        return f"complex({value.real!r},{value.imag!r})"
    return ""


def _instant(value: object) -> str:
    """Write a date, a time or a span as it was given, or give ``""`` back."""
    if type(value) is datetime or type(value) is time:
        zone = _zone(value.tzinfo)
        # The same wall clock, an hour apart.
        fold = ",fold" if value.fold else ""
        return f"{type(value).__name__}({value.isoformat()}{zone}{fold})"
    if type(value) is date:
        return f"date({value.isoformat()})"
    if type(value) is timedelta:
        return f"timedelta({value.days},{value.seconds},{value.microseconds})"
    return ""


def _zone(zone: tzinfo | None) -> str:
    """Write what the offset does not tell of a zone."""
    if zone is None:
        return ""
    if type(zone) is timezone:
        # Fixed: the offset says it all, unless the zone was named.
        plain = timezone(zone.utcoffset(None)).tzname(None)
        name = zone.tzname(None)
        return "" if name == plain else f",name={_escape(name)}"
    kind = type(zone)
    key: object = getattr(zone, "key", None)
    # Known by name, because importing zoneinfo would bring its file reading along.
    if (kind.__module__, kind.__qualname__) == ("zoneinfo", "ZoneInfo") and (
        type(key) is str
    ):
        return f",zone={_escape(key)}"
    # Two zones of one class may agree on this instant and on no other.
    problem = (
        f"has the zone {kind.__qualname__} (only datetime.timezone and zoneinfo zones "
        "with a key have stable names)"
    )
    raise NoStableText(problem)


def _container(value: object, depth: int) -> str:
    """Write a plain container, or give ``""`` back."""
    if depth > _MAX_DEPTH:
        problem = f"contains itself, or is nested over {_MAX_DEPTH} deep"
        raise NoStableText(problem)
    if type(value) is tuple:
        return f"({_joined(value, depth)})"
    if type(value) is list:
        return f"list({_joined(value, depth)})"
    if type(value) is dict:
        # Equal dicts may differ in order; the texts are ordered, as keys may not be.
        items = sorted(
            f"{value_text(key, depth)}={value_text(item, depth)}"
            for key, item in value.items()
        )
        return f"dict({','.join(items)})"
    if type(value) is set or type(value) is frozenset:
        texts = sorted(value_text(item, depth) for item in value)
        return f"{type(value).__name__}({','.join(texts)})"
    return ""


def _joined(values: Iterable[object], depth: int) -> str:
    return ",".join([value_text(value, depth) for value in values])


def _member(value: object) -> str:
    """Write an enum member, or give ``""`` back."""
    if isinstance(value, Flag):
        # Combined flags need not have a name.
        return f"flag({_class_name(type(value))},{int(value.value)})"
    if isinstance(value, Enum):
        return f"enum({_class_name(type(value))},{_escape(value.name)})"
    return ""


def _record(value: object, depth: int) -> str:
    """Write a frozen attrs or dataclass instance by all its fields."""
    kind = type(value)
    # In vars: an undecorated subclass inherits these, but may hold more.
    own = vars(kind)
    names: list[str] | None = None
    if isinstance(value, _WITH_CONTENT):
        names = None
    elif attrs.has(kind) and "__attrs_attrs__" in own and attrs.inspect(kind).is_frozen:
        names = [field.name for field in attrs.fields(kind)]
    elif is_dataclass(kind) and getattr(
        own.get("__dataclass_params__"), "frozen", False
    ):
        names = [field.name for field in dataclass_fields(kind)]
    if names is None:
        where = "is" if depth == 1 else "holds a value"
        problem = f"{where} of type {_shown_name(kind)}"
        raise NoStableText(problem)
    parts = [f"{name}={value_text(getattr(value, name), depth)}" for name in names]
    return f"{_class_name(kind)}({','.join(parts)})"
