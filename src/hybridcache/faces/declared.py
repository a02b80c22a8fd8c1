"""The type that a loader promises, with what wraps a reply taken off."""

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin, get_type_hints

from hybridcache.core.reply import NoStore, NotModified, Store


def declared_value(function: Callable[..., object]) -> object:
    """Return the annotated type of the value that *function* makes.

    ``Reply[V]``, ``Store[V]``, ``NoStore[V]`` and unions with them give ``V``. `Any`
    where nothing is declared, or where a name in it cannot be resolved.
    """
    target: Callable[..., object] = function
    while isinstance(target, functools.partial):
        target = target.func
    if not inspect.isroutine(target):
        target = type(target).__call__
    try:
        hints = get_type_hints(inspect.unwrap(target), include_extras=True)
    except Exception:  # noqa: BLE001 (a name that exists for type checkers only)
        return Any
    return _unwrapped(hints.get("return", Any))


def _unwrapped(declared: object) -> object:
    members = (declared,)
    if get_origin(declared) in (Union, types.UnionType):
        members = get_args(declared)
    if not any(_wraps(member) for member in members):
        return declared
    values = []
    for member in members:
        if member is NotModified:
            continue
        value = (get_args(member) or (Any,))[0] if _wraps(member) else member
        if value not in values:
            values.append(value)
    return Union[tuple(values)] if values else Any  # noqa: UP007 (at run time)


def _wraps(member: object) -> bool:
    return (get_origin(member) or member) in (Store, NoStore, NotModified)
