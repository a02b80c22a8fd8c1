"""Hooks of values without parts. Exact types only, in both directions."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Final
from uuid import UUID

from hybridcache.adapters.codec.hook import Hook, Unfit, foreign, unfit
from hybridcache.adapters.codec.instants import (
    dump_span,
    dump_stamp,
    load_span,
    stamp_loader,
)


def _same(kind: type) -> Hook:
    """Make the hook of a type that is plain data itself."""
    name = "None" if kind is type(None) else kind.__name__

    def dump(value: Any) -> Any:
        if type(value) is kind:
            return value
        return unfit(value, name)

    def load(plain: Any, _: object) -> Any:
        if type(plain) is kind:
            return plain
        return foreign(plain, name)

    return Hook(dump, load, same=kind)


def _dump_float(value: Any) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        # PEP 484 lets an int stand for a float, and code relies on it.
        try:
            near = float(value)
        except OverflowError:
            near = None
        if near == value and near is not None:
            return near
        problem = "int that no float is equal to, where float is declared"
        raise Unfit(problem)
    return unfit(value, "float")


def _via(
    kind: type,
    wire: type,
    to_plain: Callable[[Any], Any],
    from_plain: Callable[[Any], Any],
) -> Hook:
    """Make the hook of a type that goes as another one."""
    name = kind.__name__

    def dump(value: Any) -> Any:
        if type(value) is kind:
            return to_plain(value)
        return unfit(value, name)

    def load(plain: Any, _: object) -> Any:
        if type(plain) is not wire:
            return foreign(plain, name)
        value = from_plain(plain)
        # ZoneInfo and Decimal are the user's to replace; what comes out is not.
        return value if type(value) is kind else foreign(value, name)

    return Hook(dump, load)


def _load_complex(plain: list[Any]) -> complex:
    real, imag = plain
    if type(real) is float and type(imag) is float:
        return complex(real, imag)
    return foreign(plain, "complex")


def _load_date(plain: str) -> date:
    return date.fromisoformat(plain)


_FLOAT: Final = _same(float)

#: The concrete class of ``Path`` differs by platform.
CONCRETE_PATH: Final = type(Path())

SCALARS: Final[dict[type, Hook]] = {
    **{kind: _same(kind) for kind in (type(None), bool, int, str, bytes)},
    float: Hook(_dump_float, _FLOAT.load, same=float),
    bytearray: _via(bytearray, bytes, bytes, bytearray),
    complex: _via(complex, list, lambda it: [it.real, it.imag], _load_complex),
    Decimal: _via(Decimal, str, str, Decimal),
    UUID: _via(UUID, bytes, lambda it: it.bytes, lambda it: UUID(bytes=it)),
    date: _via(date, str, date.isoformat, _load_date),
    timedelta: _via(timedelta, list, dump_span, load_span),
    datetime: _via(datetime, list, dump_stamp, stamp_loader(datetime)),
    time: _via(time, list, dump_stamp, stamp_loader(time)),
    **{
        kind: _via(kind, str, str, kind)
        for kind in (CONCRETE_PATH, PurePosixPath, PureWindowsPath)
    },
}

MUTABLE_SCALARS: Final = frozenset({bytearray})
