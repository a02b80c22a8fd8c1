"""What a declared type is made of: a closed union of kinds.

Everything that depends on the type (fingerprint, immutability, hooks) is a function
of its kind, so they cannot disagree about what the type means. Kinds of recursive
classes are circular: only records can close a circle, and they compare by identity.
"""

from collections.abc import Iterator
from typing import TypeAlias

import attrs


@attrs.frozen
class Scalar:
    """A value without parts; *cls* is its one exact type."""

    name: str
    cls: type


@attrs.frozen
class Choice:
    """A member of an enum."""

    name: str
    cls: type


@attrs.frozen
class OneOf:
    """One of a few literal values, in an order that every process agrees on."""

    name: str
    # As text: attrs compares values, and 1 == True.
    texts: tuple[str, ...]
    values: tuple[object, ...] = attrs.field(eq=False)


@attrs.frozen
class Series:
    """Any number of items of one kind: list, tuple, set or frozenset."""

    name: str
    cls: type
    item: "Kind"


@attrs.frozen
class Row:
    """A fixed number of items, each of its own kind: a tuple or a named tuple."""

    name: str
    cls: type
    items: tuple["Kind", ...]
    labels: tuple[str, ...]


@attrs.frozen
class Table:
    """A dict from any kind to any kind."""

    name: str
    key: "Kind"
    value: "Kind"


@attrs.frozen
class Keyed:
    """A typed dict."""

    name: str
    cls: object
    fields: tuple[tuple[str, "Kind"], ...]
    required: frozenset[str]


@attrs.frozen
class RecordField:
    """A field of a record.

    Attributes:

        alias: What ``__init__`` calls it.

        init: Whether ``__init__`` takes it.
    """

    name: str
    alias: str
    init: bool
    kind: "Kind"


@attrs.define(eq=False)
class Record:
    """An instance of an attrs class or dataclass; fields come after construction.

    Attributes:

        frozen: Whether its fields cannot be assigned.

        hazardous: Whether ``__init__`` may make something else of its arguments.
    """

    name: str
    cls: type
    frozen: bool
    hazardous: bool
    fields: tuple[RecordField, ...] = ()


@attrs.frozen
class Union:
    """One of several kinds, each with a tag of its own, sorted by tag."""

    name: str
    members: tuple[tuple[str, "Kind"], ...]


@attrs.frozen
class Anything:
    """Undeclared: encoded with its types beside it."""

    name: str = "Any"


@attrs.frozen
class Unsupported:
    """A type whose values are never stored, and why."""

    name: str
    reason: str


Kind: TypeAlias = (
    Scalar
    | Choice
    | OneOf
    | Series
    | Row
    | Table
    | Keyed
    | Record
    | Union
    | Anything
    | Unsupported
)


def parts(kind: Kind) -> tuple[Kind, ...]:
    """Return the kinds that *kind* is directly made of."""
    match kind:
        case Series(item=item):
            return (item,)
        case Row(items=items):
            return items
        case Table(key=key, value=value):
            return (key, value)
        case Keyed(fields=fields):
            return tuple(part for _, part in fields)
        case Record(fields=record_fields):
            return tuple(field.kind for field in record_fields)
        case Union(members=members):
            return tuple(member for _, member in members)
        case Scalar() | Choice() | OneOf() | Anything() | Unsupported():
            return ()


def walk(kind: Kind) -> Iterator[Kind]:
    """Go through *kind* and all that it is made of, each class once."""
    seen: set[int] = set()
    ahead = [kind]
    while ahead:
        here = ahead.pop()
        if id(here) not in seen:
            seen.add(id(here))
            yield here
            ahead.extend(parts(here))
