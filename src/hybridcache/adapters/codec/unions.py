"""Hooks of unions: every member but None carries a tag, optional ones too.

The member is found by the exact type of the value. Where several members share one
runtime type (``list[int] | list[str]``), the first that fits is taken.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from hybridcache.adapters.codec.hook import Hook, Unfit, foreign, unfit
from hybridcache.adapters.codec.kinds import (
    Anything,
    Choice,
    Keyed,
    Kind,
    OneOf,
    Record,
    Row,
    Scalar,
    Series,
    Table,
    Union,
    Unsupported,
    walk,
)

_NONE = type(None)
_Member: TypeAlias = tuple[str, Callable[[Any], Any]]


def union_hook(kind: Union, hooks: dict[str, Hook]) -> Hook:
    """Make the hook of a union from those of its members, by tag."""
    name = kind.name
    holds_none = any(member == Scalar("None", _NONE) for _, member in kind.members)
    table, others = _by_type(kind, hooks)
    # A value that no member fits may be of one that cannot be stored at all.
    reasons = [it.reason for _, it in kind.members if isinstance(it, Unsupported)]
    because = "".join(f" ({reason})" for reason in reasons)

    def dump(value: Any) -> Any:
        if value is None and holds_none:
            return None
        members = table.get(type(value), others)
        if len(members) == 1:
            tag, dump_member = members[0]
            return [tag, dump_member(value)]
        for tag, dump_member in members:
            try:
                return [tag, dump_member(value)]
            except Unfit:
                continue
        return unfit(value, name + because)

    def load(plain: Any, _: object) -> Any:
        if plain is None and holds_none:
            return None
        if type(plain) is not list:
            return foreign(plain, name)
        tag, held = plain
        if type(tag) is not str or tag not in hooks:
            return foreign(tag, f"a tag of {name}")
        return hooks[tag].load(held, None)

    return Hook(dump, load)


def _by_type(
    kind: Union, hooks: dict[str, Hook]
) -> tuple[dict[type, list[_Member]], list[_Member]]:
    """Return the members for every runtime type, and those for all other types."""
    others = [
        (tag, hooks[tag].dump)
        for tag, member in kind.members
        if isinstance(member, Anything)
    ]
    table: dict[type, list[_Member]] = {}
    # An int fits a float, so whatever has a float in it comes last.
    for tag, member in sorted(kind.members, key=lambda it: _has_float(it[1])):
        for cls in _runtime_types(member):
            table.setdefault(cls, []).append((tag, hooks[tag].dump))
    for found in table.values():
        found.extend(others)
    return table, others


def _runtime_types(kind: Kind) -> set[type]:
    """Return the exact types that values of *kind* may have."""
    match kind:
        case Scalar(cls=cls):
            return {float, int} if cls is float else {cls}
        case Choice(cls=cls) | Series(cls=cls) | Row(cls=cls) | Record(cls=cls):
            return {cls}
        case OneOf(values=values):
            return {type(value) for value in values}
        case Table() | Keyed():
            return {dict}
        case Union() | Anything() | Unsupported():
            # Unions within unions were made flat.
            return set()


def _has_float(kind: Kind) -> bool:
    return any(isinstance(it, Scalar) and it.cls is float for it in walk(kind))
