"""The load that the running code is part of: what a loader may ask."""

from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

if TYPE_CHECKING:
    from hybridcache.engine.flights import Flight

Loader: TypeAlias = Callable[[], object]
"""The user's function with its arguments; sync, or returns an awaitable."""


@attrs.frozen
class CurrentLoad:
    """What a loader can learn about the load that it is.

    Attributes:

        key: The key that it loads.

        previous: The value that it will replace, or None where there is none.

        deadline: Monotonic instant until which the load owns its key, seconds.

        detached: Whether it outlives the call that caused it: a background refresh.
    """

    key: str
    previous: object
    deadline: float
    detached: bool
    flight: "Flight" = attrs.field(repr=False)


@attrs.frozen
class Raised:
    """What a loader raised, with the traceback from its own first frame on."""

    error: BaseException
    traceback: TracebackType | None


CURRENT: Final[ContextVar[CurrentLoad | None]] = ContextVar(
    "hybridcache_current_load", default=None
)


def current_load() -> CurrentLoad | None:
    """Return the load that the calling code runs in, or None outside of one."""
    return CURRENT.get()
