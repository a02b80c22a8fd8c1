"""Hooks of lists, tuples, sets, dicts, named tuples and typed dicts.

All are lists on the wire, dicts as alternating keys and values: keys may be of any
kind, order is kept, and a key that stands there twice is seen.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

from hybridcache.adapters.codec.hook import (
    Hook,
    Unfit,
    all_same,
    foreign,
    step_to,
    unfit,
)
from hybridcache.adapters.codec.kinds import Keyed, Row, Series, Table


def series_hook(kind: Series, item: Hook) -> Hook:
    """Make the hook of a list, tuple, set or frozenset."""
    cls: Any = kind.cls
    name = kind.name
    dump_item, load_item, same = item.dump, item.load, item.same
    unordered = cls is set or cls is frozenset

    def dump(value: Any) -> list[Any]:
        if type(value) is not cls:
            return unfit(value, name)
        if all_same(same, value):
            out = list(value)
        else:
            out = []
            try:
                for one in value:
                    out.append(dump_item(one))
            except Unfit as refusal:
                refusal.within(f"[{len(out)}]")
                raise
        return in_order(out) if unordered else out

    def load(plain: Any, _: object) -> Any:
        if type(plain) is not list:
            return foreign(plain, name)
        items = (
            plain if all_same(same, plain) else [load_item(one, None) for one in plain]
        )
        return items if cls is list else collected(cls, items)

    return Hook(dump, load)


def in_order(plains: list[Any]) -> list[Any]:
    """Sort what a set holds, so that equal sets have equal bytes."""
    try:
        return sorted(plains)
    except TypeError:
        return sorted(plains, key=repr)


def collected(cls: Callable[[Any], Any], items: list[Any]) -> Any:
    """Make the container; an item that a set already holds is not our encoding."""
    made = cls(items)
    return made if len(made) == len(items) else foreign(items, "distinct items")


def row_hook(kind: Row, items: tuple[Hook, ...]) -> Hook:
    """Make the hook of a tuple of known length, or of a named tuple."""
    cls: Any = kind.cls
    name, size = kind.name, len(items)
    dumps = tuple(item.dump for item in items)
    loads = tuple(item.load for item in items)
    # Past a __new__ of the user's: it may change or refuse what it is given.
    make: Callable[[Any], Any] = tuple if cls is tuple else cls._make

    def dump(value: Any) -> list[Any]:
        if type(value) is not cls:
            return unfit(value, name)
        if len(value) != size:
            problem = f"{len(value)} items where {name} is declared"
            raise Unfit(problem)
        out: list[Any] = []
        try:
            for dump_item, one in zip(dumps, value, strict=True):
                out.append(dump_item(one))
        except Unfit as refusal:
            label = kind.labels[len(out)] if kind.labels else ""
            refusal.within(f".{label}" if label else f"[{len(out)}]")
            raise
        return out

    def load(plain: Any, _: object) -> Any:
        if type(plain) is not list or len(plain) != size:
            return foreign(plain, name)
        return make(
            [load_item(one, None) for load_item, one in zip(loads, plain, strict=True)]
        )

    return Hook(dump, load)


def table_hook(kind: Table, key: Hook, value: Hook) -> Hook:
    """Make the hook of a dict."""
    name = kind.name
    dump_key, load_key = key.dump, key.load
    dump_value, load_value = value.dump, value.load

    def dump(table: Any) -> list[Any]:
        if type(table) is not dict:
            return unfit(table, name)
        out: list[Any] = []
        for one, held in table.items():
            try:
                out += (dump_key(one), dump_value(held))
            except Unfit as refusal:
                refusal.within(step_to(one))
                raise
        return out

    def load(plain: Any, _: object) -> dict[Any, Any]:
        keys, values = halves(plain, name)
        if not all_same(key.same, keys):
            keys = [load_key(one, None) for one in keys]
        if not all_same(value.same, values):
            values = [load_value(one, None) for one in values]
        return table_of(keys, values)

    return Hook(dump, load)


def halves(plain: Any, name: str) -> tuple[list[Any], list[Any]]:
    """Tell the keys of a flat list from its values."""
    if type(plain) is list:
        return plain[::2], plain[1::2]
    return foreign(plain, name)


def table_of(keys: list[Any], values: list[Any]) -> dict[Any, Any]:
    """Make a dict; a key that stands there twice is not our encoding."""
    made = dict(zip(keys, values, strict=True))
    return made if len(made) == len(keys) else foreign(keys, "distinct keys")


def keyed_hook(kind: Keyed, hooks: dict[str, Hook]) -> Hook:
    """Make the hook of a typed dict."""
    name, required = kind.name, kind.required

    def dump(value: Any) -> list[Any]:
        if type(value) is not dict:
            return unfit(value, name)
        if not (required <= value.keys() <= hooks.keys()):
            misfit = _misfit(required - value.keys(), value.keys() - hooks.keys())
            problem = f"{misfit} where {name} is declared"
            raise Unfit(problem)
        out: list[Any] = []
        for key, held in value.items():
            try:
                # A key may equal a field's name and be of another type.
                out += (key if type(key) is str else unfit(key, "str"),)
                out += (hooks[key].dump(held),)
            except Unfit as refusal:
                field = type(key) is str and key in hooks
                refusal.within(f"[{key!r}]" if field else step_to(key))
                raise
        return out

    def load(plain: Any, _: object) -> dict[str, Any]:
        keys, values = halves(plain, name)
        made = table_of(
            keys,
            [
                hooks[key].load(held, None)
                for key, held in zip(keys, values, strict=True)
            ],
        )
        return made if required <= made.keys() else foreign(plain, name)

    return Hook(dump, load)


def _misfit(missing: AbstractSet[str], unknown: AbstractSet[object]) -> str:
    """Say which fields are missing; what is unknown is shown by its type alone."""
    said = [f"without {', '.join(map(repr, sorted(missing)))}"] if missing else []
    if unknown:
        types = sorted({type(key).__qualname__ for key in unknown})
        said.append(f"with unknown keys ({', '.join(types)})")
    return f"dict {' and '.join(said)}"
