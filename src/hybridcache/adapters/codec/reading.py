"""From an annotation to its kind. What cannot be stored becomes ``Unsupported``."""

import collections.abc as abcs
import inspect
import typing
from enum import Enum
from pathlib import Path, PurePath
from types import NoneType, UnionType
from typing import Any, Final, NewType, TypeVar, get_args, get_origin

from hybridcache.adapters.codec.classes import (
    is_typed_dict,
    key_required,
    record_of,
    refusal,
)
from hybridcache.adapters.codec.generics import field_types, substitute
from hybridcache.adapters.codec.kinds import (
    Anything,
    Choice,
    Keyed,
    Kind,
    OneOf,
    Record,
    RecordField,
    Row,
    Scalar,
    Series,
    Table,
    Union,
    Unsupported,
)
from hybridcache.adapters.codec.scalars import CONCRETE_PATH, SCALARS

_UNDECLARED: Final = (inspect.Parameter.empty, Any, object)
_WRAPPERS: Final = (
    *(typing.Annotated, typing.Final, typing.ClassVar),
    *(typing.Required, typing.NotRequired),
)
_SETS: Final = (set, frozenset)
_ROWS: Final = (list, tuple)
# An abstract type stands for the builtins that a reader of it would expect.
_ABSTRACT: Final[dict[object, tuple[type, ...]]] = {
    abcs.Sequence: _ROWS,
    abcs.Reversible: _ROWS,
    abcs.MutableSequence: (list,),
    abcs.Collection: (*_ROWS, *_SETS),
    abcs.Iterable: (*_ROWS, *_SETS),
    abcs.Container: (*_ROWS, *_SETS),
    abcs.Set: _SETS,
    abcs.MutableSet: (set,),
    abcs.Mapping: (dict,),
    abcs.MutableMapping: (dict,),
}


def read(declared: object) -> Kind:
    """Read an annotation; never fails."""
    try:
        return _Reader().read(declared)
    # Annotations are the user's: they may be of any class, and without an end.
    except Exception as error:  # noqa: BLE001
        return _unreadable(declared, error)


def _unreadable(declared: object, error: Exception) -> Unsupported:
    name = _show(declared)
    why = "nested without end" if isinstance(error, RecursionError) else f"{error}"
    return Unsupported(name, f"the type {name} cannot be read: {why}")


def _show(declared: object) -> str:
    if isinstance(declared, type) and get_origin(declared) is None:
        return declared.__qualname__
    return str(declared)


class _Reader:
    """One reading: the same class with the same arguments is the same record."""

    def __init__(self) -> None:
        self._records: dict[tuple[object, ...], Record] = {}

    def read(self, declared: Any) -> Kind:  # noqa: C901 (one case a form)
        """Read what is not a class, then try classes."""
        if any(declared is it for it in _UNDECLARED):
            return Anything()
        if declared is None:
            return Scalar("None", NoneType)
        if isinstance(declared, NewType):
            return self.read(declared.__supertype__)
        if isinstance(declared, TypeVar):
            return self.read(substitute(declared, {}))
        if isinstance(declared, str | typing.ForwardRef):
            name = str(getattr(declared, "__forward_arg__", declared))
            return Unsupported(name, f"the annotation {name!r} is not resolved")
        if declared is typing.LiteralString:
            return self.read(str)
        origin = get_origin(declared)
        args = get_args(declared)
        if origin in _WRAPPERS:
            return self.read(args[0])
        if origin is typing.Union or origin is UnionType:
            return _union([self.read(arg) for arg in args])
        if origin is typing.Literal:
            return _literal(args)
        alias = declared if origin is None else origin
        if hasattr(alias, "__value__") and not isinstance(alias, type):
            # A `type` statement (3.12).
            bound = dict(zip(alias.__type_params__, args, strict=False))
            return self.read(substitute(alias.__value__, bound))
        return self._of_class(declared, alias, args)

    def _of_class(  # noqa: C901 (one case a class)
        self, declared: Any, cls: Any, args: tuple[Any, ...]
    ) -> Kind:
        if cls is tuple:
            return self._tuple(declared, args)
        if cls is list or cls in _SETS:
            return self._series(cls, args[0] if args else Any)
        if cls is dict:
            return self._table(args or (Any, Any))
        if cls in _ABSTRACT:
            return self._abstract(cls, args)
        if cls is Path or cls is PurePath:
            concrete = CONCRETE_PATH if cls is Path else type(PurePath())
            return Scalar(cls.__name__, concrete)
        if cls in SCALARS:
            name = "None" if cls is NoneType else cls.__name__
            return Scalar(name, cls)
        if is_typed_dict(cls):
            return self._keyed(cls, args)
        if not isinstance(cls, type):
            name = _show(declared)
            return Unsupported(name, f"values of {name} cannot be stored")
        if issubclass(cls, Enum):
            return Choice(cls.__qualname__, cls)
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return self._named_tuple(cls, args)
        return self._record(cls, args)

    def _series(self, cls: type, arg: Any) -> Kind:
        item = self.read(arg)
        tail = ", ..." if cls is tuple else ""
        return Series(f"{cls.__name__}[{item.name}{tail}]", cls, item)

    def _table(self, args: tuple[Any, ...]) -> Kind:
        key, value = (self.read(arg) for arg in args)
        return Table(f"dict[{key.name}, {value.name}]", key, value)

    def _tuple(self, declared: Any, args: tuple[Any, ...]) -> Kind:
        if declared is tuple or declared is typing.Tuple:  # noqa: UP006 (users may)
            return self._series(tuple, Any)
        if len(args) == 2 and args[1] is ...:  # noqa: PLR2004 (item and dots)
            return self._series(tuple, args[0])
        if any(getattr(arg, "__unpacked__", False) for arg in args):
            name = _show(declared)
            return Unsupported(name, f"{name} has a part of unknown length")
        items = tuple(self.read(arg) for arg in args)
        names = ", ".join(item.name for item in items) or "()"
        return Row(f"tuple[{names}]", tuple, items, ())

    def _abstract(self, cls: Any, args: tuple[Any, ...]) -> Kind:
        concrete = _ABSTRACT[cls]
        if concrete == (dict,):
            return self._table(args or (Any, Any))
        arg = args[0] if args else Any
        kinds = [self._series(it, arg) for it in concrete]
        return kinds[0] if len(kinds) == 1 else _union(kinds)

    def _keyed(self, cls: Any, args: tuple[Any, ...]) -> Kind:
        hints = field_types(cls, args)
        required = frozenset(
            name for name, hint in hints.items() if key_required(cls, name, hint)
        )
        fields = tuple((name, self.read(hint)) for name, hint in hints.items())
        return Keyed(self._class_name(cls, args), cls, fields, required)

    def _named_tuple(self, cls: Any, args: tuple[Any, ...]) -> Kind:
        hints = field_types(cls, args)
        labels: tuple[str, ...] = cls._fields
        items = tuple(self.read(hints.get(label, Any)) for label in labels)
        return Row(self._class_name(cls, args), cls, items, labels)

    def _record(self, cls: type, args: tuple[Any, ...]) -> Kind:
        known = self._records.get((cls, *args))
        if known is not None:
            return known
        name = self._class_name(cls, args)
        problem = refusal(cls)
        if problem is not None:
            return Unsupported(name, f"{name} {problem}")
        try:
            hints = field_types(cls, args)
        except NameError as error:
            return _unreadable(cls, error)
        record, inits = record_of(cls, name)
        # Known before its fields are read: one of them may be of this class again.
        self._records[(cls, *args)] = record
        record.fields = tuple(
            RecordField(
                it.name, it.alias, it.init, self.read(hints.get(it.name, it.type))
            )
            for it in inits
        )
        return record

    def _class_name(self, cls: type, args: tuple[Any, ...]) -> str:
        names = ", ".join(self.read(arg).name for arg in args)
        return f"{cls.__qualname__}[{names}]" if names else cls.__qualname__


def _union(kinds: list[Kind]) -> Kind:
    """Make unions within flat, drop doubles, and give every member a tag."""
    flat: list[Kind] = []
    for kind in kinds:
        inner = [it for _, it in kind.members] if isinstance(kind, Union) else [kind]
        flat.extend(it for it in inner if it not in flat)
    if len(flat) == 1:
        return flat[0]
    name = " | ".join(sorted({it.name for it in flat}))
    names = [it.name for it in flat]
    tagged: dict[str, Kind] = {}
    for kind in flat:
        tag = kind.name
        if names.count(tag) > 1:
            # Two classes of one name: say where each comes from.
            tag = f"{getattr(getattr(kind, 'cls', None), '__module__', '')}.{tag}"
        if tag in tagged:
            return Unsupported(name, f"two members of a union are both named {tag}")
        tagged[tag] = kind
    # By tag: typing may hand out an equal union that was written in another order.
    return Union(name, tuple(sorted(tagged.items())))


def _literal(values: tuple[object, ...]) -> Kind:
    texts = {_literal_text(value): value for value in values}
    order = sorted(texts)
    name = f"Literal[{', '.join(order)}]"
    return OneOf(name, tuple(order), tuple(texts[text] for text in order))


def _literal_text(value: object) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__qualname__}.{value._name_}"
    return repr(value)
