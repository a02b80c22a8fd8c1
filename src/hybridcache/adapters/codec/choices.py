"""Hooks of enum members and literals: one out of a closed set.

An enum member goes by name (values may be anything), a flag by its number, because
combinations have no name, and a literal by its place in an order that the
fingerprint fixes.
"""

from enum import Flag
from typing import Any

from hybridcache.adapters.codec.hook import Hook, foreign, unfit
from hybridcache.adapters.codec.kinds import Choice, OneOf


def choice_hook(kind: Choice) -> Hook:
    """Make the hook of an enum."""
    return _flag_hook(kind) if issubclass(kind.cls, Flag) else _enum_hook(kind)


def _enum_hook(kind: Choice) -> Hook:
    cls: Any = kind.cls
    name = kind.name
    # A property of the user's may hide `name`.
    members = {member._name_: member for member in cls}

    def dump(value: Any) -> str:
        if type(value) is not cls:
            return unfit(value, name)
        found: str = value._name_
        return found

    def load(plain: Any, _: object) -> Any:
        if type(plain) is not str or plain not in members:
            return foreign(plain, name)
        return members[plain]

    return Hook(dump, load)


def _flag_hook(kind: Choice) -> Hook:
    cls: Any = kind.cls
    name = kind.name

    def dump(value: Any) -> int:
        if type(value) is not cls:
            return unfit(value, name)
        return int(value._value_)

    def load(plain: Any, _: object) -> Any:
        if type(plain) is not int:
            return foreign(plain, name)
        value = cls(plain)
        # Flags may drop bits, wrap negative numbers, or give a plain int.
        if type(value) is not cls or value._value_ != plain:
            return foreign(plain, name)
        return value

    return Hook(dump, load)


def literal_hook(kind: OneOf) -> Hook:
    """Make the hook of a ``Literal``."""
    name, values = kind.name, kind.values
    types = {type(value) for value in values}
    places = {(type(value), value): place for place, value in enumerate(values)}

    def dump(value: Any) -> int:
        # Literals can be hashed; what is not of their types need not be.
        if type(value) in types:
            place = places.get((type(value), value))
            if place is not None:
                return place
        return unfit(value, name)

    def load(plain: Any, _: object) -> Any:
        if type(plain) is int and 0 <= plain < len(values):
            return values[plain]
        return foreign(plain, name)

    return Hook(dump, load)
