"""Whether all values of a kind are immutable, so that callers may share one."""

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
from hybridcache.adapters.codec.scalars import MUTABLE_SCALARS


def immutable(kind: Kind) -> bool:
    """Whether no value of *kind*, and nothing inside one, can be changed."""
    return all(_itself(part) for part in walk(kind))


def _itself(kind: Kind) -> bool:
    match kind:
        case Scalar(cls=cls):
            return cls not in MUTABLE_SCALARS
        case Series(cls=cls):
            return cls is tuple or cls is frozenset
        case Row(cls=cls):
            # Named tuples have no dict, unless they are subclassed without slots.
            return cls.__dictoffset__ == 0
        case Record(frozen=frozen):
            return frozen
        case Choice() | OneOf() | Union():
            return True
        case Table() | Keyed() | Anything() | Unsupported():
            return False
