"""What the annotations of a class's fields are, with type variables filled in."""

import inspect
import typing
from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar, get_args, get_origin

_Bindings = Mapping[object, object]


def field_types(cls: type, args: tuple[object, ...]) -> dict[str, object]:
    """Return the annotations of *cls*, its bases' included, by name.

    Raises:

        NameError: One is a string that names nothing.
    """
    bound = _bindings(cls, args)
    found: dict[str, object] = {}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        owner = next(
            (it for it in cls.__mro__ if name in inspect.get_annotations(it)), cls
        )
        found[name] = substitute(hint, bound.get(owner, {}))
    return found


def substitute(declared: Any, bound: _Bindings) -> object:
    """Put types in the place of type variables; unknown ones mean what they may."""
    if isinstance(declared, TypeVar):
        return bound[declared] if declared in bound else _unbound(declared)
    if get_origin(declared) is None:
        # A bare generic class keeps its own variables.
        return declared
    variables = getattr(declared, "__parameters__", ())
    if not variables:
        return declared
    return declared[tuple(substitute(variable, bound) for variable in variables)]


def _unbound(variable: TypeVar) -> object:
    # 3.13 brought defaults.
    if getattr(variable, "has_default", bool)():
        default: object = getattr(variable, "__default__", Any)
        return default
    if variable.__constraints__:
        return typing.Union[variable.__constraints__]  # noqa: UP007 (made here)
    return variable.__bound__ or Any


def _bindings(cls: type, args: tuple[object, ...]) -> dict[type, _Bindings]:
    """For *cls* and each of its bases, say what its own variables stand for."""
    variables: tuple[object, ...] = getattr(cls, "__parameters__", ())
    own = dict(zip(variables, args, strict=False))
    found: dict[type, _Bindings] = {}
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        origin = get_origin(base) or base
        if origin in (Generic, Protocol) or not isinstance(origin, type):
            continue
        given = tuple(substitute(arg, own) for arg in get_args(base))
        found |= _bindings(origin, given)
    return found | {cls: own}
