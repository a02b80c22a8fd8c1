"""A value with its instants: what a tier holds and what freshness is judged by.

Instants are seconds on one clock, whichever the caller uses throughout: the
engine uses its node's monotonic clock, a unit test any numbers it likes.
"""

from typing import Generic, Protocol, TypeVar

import attrs

V_co = TypeVar("V_co", covariant=True)


class Dated(Protocol):
    """Whatever has an age: an :class:`Entry`, or a record of the memory tier."""

    @property
    def written_at(self) -> float:
        """The instant at which it was stored."""

    @property
    def fresh_for(self) -> float:
        """Seconds after *written_at* during which it is fresh."""

    @property
    def ttl(self) -> float:
        """Seconds after *written_at* at which it expires."""


@attrs.frozen
class Entry(Generic[V_co]):
    """A cached value, when it was stored and how long it lives.

    Attributes:

        value: The loader's value.

        written_at: The instant at which it was stored.

        fresh_for: Seconds it is fresh, jitter taken off.

        ttl: Seconds it lives.

        version: Grows with every write of the key.
    """

    value: V_co
    written_at: float = attrs.field(kw_only=True)
    fresh_for: float = attrs.field(kw_only=True)
    ttl: float = attrs.field(kw_only=True)
    version: int = attrs.field(default=0, kw_only=True)
