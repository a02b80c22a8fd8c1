"""What attrs, dataclasses and typed dicts say of a class."""

import dataclasses
import typing
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final, get_origin
from uuid import UUID

import attrs

from hybridcache.adapters.codec.kinds import Record

# Bases whose content is not among the fields of a class built on them.
_WITH_CONTENT: Final = (
    *(str, bytes, bytearray, int, float, complex, Decimal, UUID, PurePath),
    *(tuple, list, dict, set, frozenset, date, time, timedelta, tzinfo, BaseException),
)
_DATACLASS: Final = "__dataclass_fields__"
_ATTRS: Final = "__attrs_attrs__"


@attrs.frozen
class Declared:
    """A field as its class declares it."""

    name: str
    alias: str
    init: bool
    type: object


def refusal(cls: type) -> str | None:
    """Say why instances of *cls* cannot be stored, if so."""
    if issubclass(cls, _WITH_CONTENT):
        return "holds more than its fields"
    # In vars: an undecorated subclass inherits these, but may hold more.
    if _ATTRS in vars(cls) or _DATACLASS in vars(cls):
        return None
    if hasattr(cls, _ATTRS) or hasattr(cls, _DATACLASS):
        return "is a subclass without a decorator of its own"
    return "is neither an attrs class nor a dataclass, and no type that is known"


def record_of(cls: type, name: str) -> tuple[Record, list[Declared]]:
    """Describe an attrs class or a dataclass, its fields' types as they are."""
    return _attrs(cls, name) if _ATTRS in vars(cls) else _dataclass(cls, name)


def _attrs(cls: Any, name: str) -> tuple[Record, list[Declared]]:
    props = attrs.inspect(cls)
    fields = attrs.fields(cls)
    hazardous = (
        any(it.converter or it.validator or not it.init for it in fields)
        or not props.added_init
        or hasattr(cls, "__attrs_pre_init__")
        or hasattr(cls, "__attrs_post_init__")
        or _own_new(cls)
    )
    declared = [
        Declared(
            it.name, it.alias or it.name, it.init, Any if it.type is None else it.type
        )
        for it in fields
    ]
    return Record(name, cls, props.is_frozen, hazardous), declared


def _dataclass(cls: Any, name: str) -> tuple[Record, list[Declared]]:
    params = cls.__dataclass_params__
    fields = dataclasses.fields(cls)
    hazardous = (
        any(not it.init for it in fields)
        # An InitVar is asked for and not kept (and a ClassVar does no harm here).
        or len(fields) != len(getattr(cls, _DATACLASS))
        or not params.init
        or hasattr(cls, "__post_init__")
        or _own_new(cls)
    )
    declared = [Declared(it.name, it.name, it.init, it.type) for it in fields]
    return Record(name, cls, params.frozen, hazardous), declared


def _own_new(cls: Any) -> bool:
    return cls.__new__ is not object.__new__


def is_typed_dict(cls: object) -> bool:
    """Whether it is a ``TypedDict``, typing's or typing_extensions'."""
    return hasattr(cls, "__required_keys__") and hasattr(cls, "__total__")


def key_required(cls: Any, name: str, hint: object) -> bool:
    """Whether a typed dict must have the key.

    Where annotations are strings, the class itself takes all for required.
    """
    origin = get_origin(hint)
    if origin is typing.Required or origin is typing.NotRequired:
        return origin is typing.Required
    required: frozenset[str] = cls.__required_keys__
    return name in required
