"""A codec bound to a declared type, made once for each decorated function."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

import attrs

from hybridcache.adapters.codec.compiling import Compiler
from hybridcache.adapters.codec.fingerprint import fingerprint_of
from hybridcache.adapters.codec.hook import REASON, Hook, Unfit
from hybridcache.adapters.codec.kinds import Kind, Record, Unsupported, walk
from hybridcache.adapters.codec.mutability import immutable
from hybridcache.adapters.codec.reading import read
from hybridcache.adapters.codec.wire import MSGPACK, Codec
from hybridcache.core.errors import Undecodable, Unencodable

V = TypeVar("V")

#: Levels of plain data. Loading takes some two frames a level, and callers may have
#: used up half of Python's thousand: what is stored must be sure to load.
MAX_DEPTH: Final = 128
_TOO_DEEP: Final = "contains itself, or is nested too deep"


@attrs.frozen(eq=False, slots=False)
class Shape(Generic[V]):
    """Turns values of one declared type into bytes and back.

    An ``int`` where ``float`` is declared is taken, if some float equals it, and
    comes back as that float. Any other node must have exactly the declared type.

    Attributes:

        fingerprint: Digest of the declared type's shape, 8 bytes.

        immutable: Whether no value of the type can be changed.
    """

    fingerprint: bytes
    immutable: bool
    _kind: Kind
    _codec: Codec
    _hook: Hook
    # Whether values may be nested without a bound that the type sets.
    _bottomless: bool
    # Whether a class may make something else of what it is given.
    _doubtful: bool

    def encode(self, value: V) -> bytes:
        """Encode a value that is sure to come back equal and of the same types.

        Raises:

            Unencodable: It would not; the message names the node.
        """
        try:
            # Most values without parts are plain data themselves.
            if type(value) is self._hook.same:
                return self._codec.dumps(value)
            plain = self._hook.dump(value)
            if self._bottomless and _too_deep(plain):
                raise Unfit(_TOO_DEEP)  # noqa: TRY301 (one place tells it)
            data = self._codec.dumps(plain)
            if self._doubtful:
                self._prove(data)
        except Unfit:
            raise Unencodable(self._problem(value)) from None
        except RecursionError:
            msg = f"value: {_TOO_DEEP}"
            raise Unencodable(msg) from None
        except Unencodable:
            raise
        except Exception as error:
            # A field that was never set, a container changed meanwhile, a lone
            # surrogate in a codec that has no room for it. By its type alone: the log
            # that tells of it never shows a value, and the message may.
            msg = f"value: {type(error).__qualname__}"
            raise Unencodable(msg) from error
        return data

    def decode(self, data: bytes) -> V:
        """Decode what :meth:`encode` made.

        Raises:

            Undecodable: It did not, or a class refuses what it once was made of.
        """
        try:
            value: V = self._hook.load(self._codec.loads(data), None)
        except Undecodable:
            raise
        # Whatever a codec or a user's class raises on bytes that it never made.
        except Exception as error:
            detail = f"{type(error).__qualname__}: {error}"
            raise Undecodable(REASON, detail) from error
        return value

    def _prove(self, data: bytes) -> None:
        """Refuse bytes whose value would be encoded otherwise: it is another one."""
        try:
            again = self._codec.dumps(self._hook.dump(self.decode(data)))
        except (Undecodable, Unfit) as error:
            msg = "value: a class refuses its own fields"
            raise Unencodable(msg) from error
        if again != data:
            msg = (
                "value: would come back different: a converter, __post_init__ or "
                "field(init=False) makes something else of its own fields"
            )
            raise Unencodable(msg)

    def _problem(self, value: V) -> str:
        """Go through a refused value once more, taking notes of the way."""
        try:
            plain = self._located.dump(value)
        except Unfit as refusal:
            return str(refusal)
        return f"value: {_TOO_DEEP if _too_deep(plain) else 'changed meanwhile'}"

    @cached_property
    def _located(self) -> Hook:
        return Compiler(located=True).hook(self._kind)


def shape_of(declared: object, codec: Codec = MSGPACK) -> Shape[Any]:
    """Bind *codec* to a declared type; never fails.

    A type that cannot be supported has a shape that encodes nothing and says why.
    """
    kind = read(declared)
    try:
        return _shape(kind, codec)
    # Generated code and hashing meet whatever users name their classes and fields.
    except Exception as error:  # noqa: BLE001
        return _shape(Unsupported(kind.name, f"{kind.name}: {error}"), codec)


def _shape(kind: Kind, codec: Codec) -> Shape[Any]:
    compiler = Compiler(located=False)
    hook = compiler.hook(kind)
    return Shape(
        fingerprint=fingerprint_of(kind, codec.name),
        immutable=immutable(kind),
        kind=kind,
        codec=codec,
        hook=hook,
        bottomless=compiler.bottomless,
        doubtful=any(isinstance(it, Record) and it.hazardous for it in walk(kind)),
    )


def _too_deep(plain: object) -> bool:
    level = [plain]
    for _ in range(MAX_DEPTH):
        level = [part for node in level for part in _parts(node)]
        if not level:
            return False
    return True


def _parts(plain: object) -> Iterable[object]:
    if type(plain) is list:
        return plain
    return plain.values() if type(plain) is dict else ()
