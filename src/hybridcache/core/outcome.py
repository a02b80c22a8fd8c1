"""What a lookup says happened: exactly one of five frozen records.

Only ``value`` is positional in patterns, so that ``case HitFresh(value)`` reads
well and a new field breaks nobody. Subclassing is not supported: a ``match``
over the union is exhaustive.
"""

from enum import Enum
from typing import ClassVar, Generic, Literal, TypeAlias, TypeVar

import attrs

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Tier(Enum):
    """Where a value came from, or was put."""

    MEMORY = "memory"
    REDIS = "redis"
    LOADER = "loader"


class Scope(Enum):
    """Whose load made the value that a suppressed caller waited for."""

    PROCESS = "process"
    CLUSTER = "cluster"


class Refresh(Enum):
    """What is being done about a stale entry."""

    STARTED = "started"
    UNDER_WAY = "under-way"
    HELD_OFF = "held-off"


@attrs.frozen
class HitFresh(Generic[V_co]):
    """A fresh entry served it.

    Attributes:

        value: The value.

        tier: The tier that held it: memory or redis.

        age: Seconds since it was stored.
    """

    tag: ClassVar[Literal["hit-fresh"]] = "hit-fresh"

    value: V_co
    tier: Tier = attrs.field(kw_only=True)
    age: float = attrs.field(kw_only=True)


@attrs.frozen
class HitStale(Generic[V_co]):
    """A stale entry served it.

    Attributes:

        value: The value.

        tier: The tier that held it: memory or redis.

        age: Seconds since it was stored.

        refresh: What is being done about it.
    """

    tag: ClassVar[Literal["hit-stale"]] = "hit-stale"

    value: V_co
    tier: Tier = attrs.field(kw_only=True)
    age: float = attrs.field(kw_only=True)
    refresh: Refresh = attrs.field(kw_only=True)


@attrs.frozen
class Miss(Generic[V_co]):
    """This caller's own load made the value.

    Attributes:

        value: The value.

        load_seconds: How long the loader took.

        stored: The tiers that took it.
    """

    tag: ClassVar[Literal["miss"]] = "miss"

    value: V_co
    load_seconds: float = attrs.field(kw_only=True)
    stored: frozenset[Tier] = attrs.field(kw_only=True)


@attrs.frozen
class Suppressed(Generic[V_co]):
    """Another caller's load made the value and this one waited for it.

    Attributes:

        value: The value.

        waited: Seconds waited.

        scope: Whether the load ran in this process or in another.
    """

    tag: ClassVar[Literal["suppressed"]] = "suppressed"

    value: V_co
    waited: float = attrs.field(kw_only=True)
    scope: Scope = attrs.field(kw_only=True)


@attrs.frozen
class UpstreamDown(Generic[V_co]):
    """Redis was needed and could not answer; the value came from elsewhere, if any did.

    Attributes:

        value: The value.

        cause: Why Redis could not answer, for people to read.

        tier: What stood in for Redis: the loader. From ``peek()``, which has no value
            then, Redis: the tier that could not answer.
    """

    tag: ClassVar[Literal["upstream-down"]] = "upstream-down"

    value: V_co
    cause: str = attrs.field(kw_only=True)
    tier: Tier = attrs.field(kw_only=True)


Outcome: TypeAlias = (
    HitFresh[V] | HitStale[V] | Miss[V] | Suppressed[V] | UpstreamDown[V]
)
"""What ``outcome()`` and ``refresh()`` return."""

Peeked: TypeAlias = HitFresh[V] | HitStale[V] | Miss[None] | UpstreamDown[None]
"""What ``peek()`` returns; a cached None is ``HitFresh(None)``."""


@attrs.frozen
class Invalidated:
    """What ``invalidate()`` and ``clear()`` return.

    Attributes:

        reached_redis: Whether Redis did its part. If False, other nodes and Redis
            still hold the entry, at most until its ``ttl``.
    """

    reached_redis: bool
