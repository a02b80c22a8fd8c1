"""A codec bound to a declared type, made once for each decorated function."""

from functools import cached_property
from typing import Any, Final, Generic, NoReturn, TypeVar

from hybridcache.adapters.codec.compiling import Compiler
from hybridcache.adapters.codec.fingerprint import fingerprint_of
from hybridcache.adapters.codec.hook import Unfit
from hybridcache.adapters.codec.kinds import Kind, Record, walk
from hybridcache.adapters.codec.mutability import immutable
from hybridcache.adapters.codec.reading import read
from hybridcache.adapters.codec.wire import MSGPACK, Codec
from hybridcache.core.errors import Undecodable, Unencodable

V = TypeVar("V")

#: Levels of plain data. Loading takes some two frames a level, and callers may have
#: used up half of Python's thousand: what is stored must be sure to load.
MAX_DEPTH: Final = 128


class Shape(Generic[V]):
    """Turns values of one declared type into bytes and back.

    An ``int`` where ``float`` is declared is taken, if some float equals it, and
    comes back as that float. Any other node must have exactly the declared type.

    Attributes:

        fingerprint: Digest of the declared type's shape, 8 bytes.

        immutable: Whether no value of the type can be changed.
    """

    __slots__ = (
        "__dict__",
        "_bottomless",
        "_codec",
        "_doubtful",
        "_dump",
        "_kind",
        "_load",
        "_same",
        "fingerprint",
        "immutable",
    )

    def __init__(self, kind: Kind, codec: Codec) -> None:
        compiler = Compiler(located=False)
        hook = compiler.hook(kind)
        self.fingerprint: Final = fingerprint_of(kind, codec.name)
        self.immutable: Final = immutable(kind)
        self._kind = kind
        self._codec = codec
        self._dump = hook.dump
        self._load = hook.load
        self._same = hook.same
        self._bottomless = compiler.bottomless
        self._doubtful = any(
            isinstance(part, Record) and part.hazardous for part in walk(kind)
        )
