"""What a loader may return instead of a bare value."""

from typing import Final, Generic, TypeAlias, TypeVar

import attrs

from hybridcache.core.policy import Duration, seconds

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


def _optional_seconds(value: Duration | None) -> float | None:
    return None if value is None else seconds(value)


def _not_negative(
    _: object, field: "attrs.Attribute[float]", value: float | None
) -> None:
    if value is not None and not value >= 0.0:
        msg = f"{field.name} must be seconds from 0, not {value!r}"
        raise ValueError(msg)


@attrs.frozen
class Store(Generic[V_co]):
    """Store this value, with lifetimes of its own.

    Attributes:

        value: The value.

        fresh_for: Seconds it is fresh; the policy's if None.

        ttl: Seconds it lives; the policy's if None, but at least *fresh_for*.
    """

    value: V_co
    fresh_for: float | None = attrs.field(
        default=None,
        kw_only=True,
        converter=_optional_seconds,
        validator=_not_negative,
    )
    ttl: float | None = attrs.field(
        default=None,
        kw_only=True,
        converter=_optional_seconds,
        validator=_not_negative,
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a value that would be fresh longer than it lives."""
        if self.fresh_for is None or self.ttl is None or self.fresh_for <= self.ttl:
            return
        msg = f"fresh_for={self.fresh_for!r} must not exceed ttl={self.ttl!r}"
        raise ValueError(msg)


@attrs.frozen
class NoStore(Generic[V_co]):
    """Hand this value to the callers who wait for it, and keep it nowhere."""

    value: V_co


@attrs.frozen
class NotModified:
    """A refresh found nothing new: the old value becomes fresh."""


NOT_MODIFIED: Final = NotModified()

Reply: TypeAlias = Store[V] | NoStore[V] | NotModified
"""The return type of a loader that decides about storing throughout."""
