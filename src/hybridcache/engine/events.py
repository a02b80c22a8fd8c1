"""What happened, as frozen facts: one for every lookup, load, wait and upstream call.

An observer is one callable that takes one event. It is called on the path of a
lookup, so it must be quick, must not block and must not raise.
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeAlias

import attrs

from hybridcache.core.outcome import Scope, Tier


class Reason(Enum):
    """Why a lookup raised."""

    LOADER = "loader"
    ELSEWHERE = "elsewhere"
    TIMEOUT = "timeout"
    REENTRANT = "reentrant"
    CLOSED = "closed"
    CANCELLED = "cancelled"


@attrs.frozen
class LookedUp:
    """A lookup with a loader ended in an outcome.

    Attributes:

        cache: The cache's name.

        function: The decorated function's, or empty.

        outcome: The tag.

        tier: What served.

        age: Seconds since the entry was stored, for hits.

        seconds: How long the lookup took.
    """

    cache: str
    function: str
    outcome: str
    tier: Tier
    age: float | None
    seconds: float


@attrs.frozen
class LookupFailed:
    """A lookup with a loader raised."""

    cache: str
    function: str
    reason: Reason


@attrs.frozen
class LoadEnded:
    """A loader returned or raised; *result* is stored, unstored or error.

    *error* is the type of what it raised, or empty.
    """

    cache: str
    function: str
    result: str
    seconds: float
    error: str = ""


@attrs.frozen
class WaitEnded:
    """A caller waited for another's load."""

    cache: str
    scope: Scope
    seconds: float


@attrs.frozen
class RefreshEnded:
    """A background refresh ended: loaded, adopted, failed, or elsewhere.

    *error* is the type of what the loader raised, or empty.
    """

    cache: str
    result: str
    function: str = ""
    error: str = ""


@attrs.frozen
class UpstreamAsked:
    """Redis was asked; *result* is ok, down, refused or cancelled, *cause* says why."""

    cache: str
    operation: str
    result: str
    seconds: float
    cause: str = ""


@attrs.frozen
class StoreEnded:
    """A tier was given a value; *result* is stored, lost, spoiled or a refusal."""

    cache: str
    tier: Tier
    result: str


@attrs.frozen
class UndecodableFound:
    """Redis held bytes that are no entry of ours for this key and type."""

    cache: str
    reason: str


@attrs.frozen
class InvalidationDone:
    """A key, or all of them, was invalidated: *origin* is local or remote."""

    cache: str
    origin: str


@attrs.frozen
class BreakerMoved:
    """The breaker opened, or closed again after a probe was answered."""

    cache: str
    open: bool
    cause: str = ""


@attrs.frozen
class BlindnessChanged:
    """The subscription can be trusted no longer, or again.

    While *blind*, what memory holds is checked with Redis before it is served.
    """

    cache: str
    blind: bool


@attrs.frozen
class LoadAbandoned:
    """A load ran past ``abandon_after``: its key is free, it may run on."""

    cache: str


Event: TypeAlias = (
    LookedUp
    | LookupFailed
    | LoadEnded
    | WaitEnded
    | RefreshEnded
    | UpstreamAsked
    | StoreEnded
    | UndecodableFound
    | InvalidationDone
    | BreakerMoved
    | BlindnessChanged
    | LoadAbandoned
)
Observer: TypeAlias = Callable[[Event], None]
