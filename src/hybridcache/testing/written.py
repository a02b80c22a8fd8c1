"""Write a frozen value as the expression that makes it again."""

from enum import Enum
from typing import Any

import attrs


def written(value: object) -> str:
    """Return *value* in Python, without what is as by default.

    It may be made of attrs classes, tuples, members of enumerations that the classes
    take by value, and what ``repr`` writes so that it can be read.
    """
    if isinstance(value, Enum):
        return repr(value.value)
    if isinstance(value, tuple):
        return f"({', '.join(map(written, value))}{',' if len(value) == 1 else ''})"
    cls = type(value)
    if not attrs.has(cls):
        return repr(value)
    changed = [
        f"{field.name}={written(own)}"
        for field in attrs.fields(cls)
        if (own := getattr(value, field.name)) != _default(field)
    ]
    return f"{cls.__name__}({', '.join(changed)})"


def _default(field: "attrs.Attribute[Any]") -> object:
    factory = getattr(field.default, "factory", None)
    return field.default if factory is None else factory()
