"""The one form in which a value is held, and what the engine asks of a codec.

Immutable or shared values are held as the object itself, all others as bytes that
every caller decodes anew, so that no caller can change what the next one sees.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeAlias, TypeVar

import attrs

from hybridcache.core.errors import Unencodable

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Shape(Protocol[V]):
    """A codec bound to a declared type."""

    @property
    def fingerprint(self) -> bytes:
        """Digest of the declared type's shape, 8 bytes."""

    @property
    def immutable(self) -> bool:
        """Whether no value of the type can be changed."""

    def encode(self, value: V) -> bytes:
        """Encode *value*, or raise :class:`Unencodable`."""

    def decode(self, data: bytes) -> V:
        """Decode what :meth:`encode` made, or raise :class:`Undecodable`."""


@attrs.frozen
class Whole(Generic[V_co]):
    """The object itself, handed to every caller."""

    value: V_co

    def open(self) -> V_co:
        """Return the object."""
        return self.value


@attrs.frozen
class Packed(Generic[V_co]):
    """Bytes, decoded for each caller."""

    body: bytes
    decode: Callable[[bytes], V_co]

    def open(self) -> V_co:
        """Return a new object."""
        return self.decode(self.body)


Form: TypeAlias = Whole[V_co] | Packed[V_co]


def held(value: V, body: bytes, shape: Shape[V], *, share: bool) -> Form[V]:
    """Choose the form for a value and its encoding."""
    if share or shape.immutable:
        return Whole(value)
    return Packed(body, shape.decode)


def normalised(value: V, shape: Shape[V]) -> tuple[V, bytes]:
    """Encode *value*; return it as any tier would give it back, and the bytes.

    Raises:

        Unencodable: It would not come back equal and of the declared type.
    """
    body = shape.encode(value)
    # Not int: where float is declared, 1 is taken and comes back as 1.0.
    if type(value) in (str, bool, bytes, type(None)):
        return value, body
    try:
        return shape.decode(body), body
    except Exception as error:
        msg = f"its encoding does not come back: {type(error).__qualname__}"
        raise Unencodable(msg) from error
