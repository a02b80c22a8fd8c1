"""From a kind to its hook, each class once; a class within itself is bound late."""

from typing import Any

from hybridcache.adapters.codec.anything import ANYTHING
from hybridcache.adapters.codec.choices import choice_hook, literal_hook
from hybridcache.adapters.codec.containers import (
    keyed_hook,
    row_hook,
    series_hook,
    table_hook,
)
from hybridcache.adapters.codec.hook import Hook, Unfit, foreign
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
)
from hybridcache.adapters.codec.records import record_hook
from hybridcache.adapters.codec.scalars import SCALARS
from hybridcache.adapters.codec.unions import union_hook


class Compiler:
    """Makes hooks.

    Attributes:

        bottomless: Whether values may be nested without a bound that the type sets.
    """

    def __init__(self, *, located: bool) -> None:
        self.bottomless = False
        self._located = located
        # None while a record's hook is being made.
        self._records: dict[Record, Hook | None] = {}

    def hook(self, kind: Kind) -> Hook:  # noqa: C901 (one case a kind)
        """Make the hook of *kind*."""
        match kind:
            case Scalar(cls=cls):
                return SCALARS[cls]
            case Choice():
                return choice_hook(kind)
            case OneOf():
                return literal_hook(kind)
            case Series(item=item):
                return series_hook(kind, self.hook(item))
            case Row(items=items):
                return row_hook(kind, tuple(self.hook(item) for item in items))
            case Table(key=key, value=value):
                return table_hook(kind, self.hook(key), self.hook(value))
            case Keyed(fields=fields):
                return keyed_hook(kind, {name: self.hook(it) for name, it in fields})
            case Record():
                return self._record(kind)
            case Union(members=members):
                return union_hook(kind, {tag: self.hook(it) for tag, it in members})
            case Anything():
                self.bottomless = True
                return ANYTHING
            case Unsupported():
                return _refusing(kind)

    def _record(self, kind: Record) -> Hook:
        if kind in self._records:
            return self._records[kind] or self._late(kind)
        self._records[kind] = None
        hooks = tuple(self.hook(field.kind) for field in kind.fields)
        made = record_hook(kind, hooks, located=self._located)
        self._records[kind] = made
        return made

    def _late(self, kind: Record) -> Hook:
        self.bottomless = True

        def bound() -> Hook:
            made = self._records[kind]
            assert made is not None  # noqa: S101 (nothing runs before all is made)
            return made

        def dump(value: Any) -> Any:
            return bound().dump(value)

        def load(plain: Any, declared: object) -> Any:
            return bound().load(plain, declared)

        return Hook(dump, load)


def _refusing(kind: Unsupported) -> Hook:
    def dump(_: Any) -> Any:
        raise Unfit(kind.reason)

    def load(plain: Any, _: object) -> Any:
        return foreign(plain, kind.name)

    return Hook(dump, load)
