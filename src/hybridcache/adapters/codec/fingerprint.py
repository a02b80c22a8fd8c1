"""The digest of a declared type's shape: what must not change under stored bytes.

Names of classes, fields, enum members and their values, recursively, and the codec.
Modules and defaults are left out: neither changes what the bytes mean.
"""

from enum import Enum
from hashlib import blake2b
from typing import Any, Final, cast

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

# Change it whenever the plain data of any kind changes.
FORMAT: Final = "1"
SIZE: Final = 8

_SHOWN_WHOLE = (type(None), bool, int, float, str, bytes)


def fingerprint_of(kind: Kind, codec: str) -> bytes:
    """Digest *kind* under the codec of that name."""
    text = repr([FORMAT, codec, _described(kind, {})])
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=SIZE).digest()


def _described(  # noqa: C901 (one case a kind)
    kind: Kind, seen: dict[Record, int]
) -> list[Any]:
    match kind:
        case Scalar(name=name) | Anything(name=name):
            return [name]
        case Choice(name=name, cls=cls):
            return ["enum", name, *_members(cls)]
        case OneOf(texts=texts):
            return ["literal", *texts]
        case Series(cls=cls, item=item):
            return [cls.__name__, _described(item, seen)]
        case Row(cls=cls, items=items, labels=labels):
            inner = [_described(item, seen) for item in items]
            return ["row", cls.__qualname__, labels, inner]
        case Table(key=key, value=value):
            return ["dict", _described(key, seen), _described(value, seen)]
        case Keyed(name=name, fields=fields, required=required):
            keys = [(it, it in required, _described(part, seen)) for it, part in fields]
            return ["keyed", name, keys]
        case Record(name=name):
            if kind in seen:
                return ["again", seen[kind]]
            seen[kind] = len(seen)
            inner = [[it.name, _described(it.kind, seen)] for it in kind.fields]
            return ["record", name, inner]
        case Union(members=members):
            return ["union", [[tag, _described(it, seen)] for tag, it in members]]
        case Unsupported(name=name):
            return ["unsupported", name]


def _members(cls: type) -> list[tuple[str, str]]:
    members = cast("type[Enum]", cls).__members__
    return [(name, _value_text(member._value_)) for name, member in members.items()]


def _value_text(value: object) -> str:
    # The repr of anything else may hold an address, which no two processes share.
    whole = type(value) in _SHOWN_WHOLE
    return repr(value) if whole else f"a {type(value).__qualname__}"
