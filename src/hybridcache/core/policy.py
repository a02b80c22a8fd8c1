"""How long values live and how long callers wait, as one frozen value.

Rules of this module: a policy is checked when it is made, so that nobody checks
it again; the bad value is in the message. Durations go in as float seconds or
``timedelta`` and are kept as float seconds.
"""

import math
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, TypedDict, TypeVar

import attrs

if TYPE_CHECKING:
    from typing import Unpack

Duration: TypeAlias = float | timedelta
"""Seconds as a number, or a ``timedelta``."""

SuppressWord: TypeAlias = Literal["cluster", "process", "none"]
RunInWord: TypeAlias = Literal["worker", "caller"]

E = TypeVar("E", bound=Enum)

# Deadlines of interactive services are seconds: the defaults of HTTP and gRPC
# clients lie between 5 and 30 s.
DEFAULT_WAIT_FOR = 10.0
# A hanging load keeps its key for three waits (design, section 2).
ABANDON_FACTOR = 3.0
# FusionCache's fail-safe throttle is 30 s; too long for a fresh_for of seconds.
DEFAULT_RETRY_AFTER = 5.0
# RFC 9111, section 1.2.2, counts seconds up to 2**31; Redis takes more.
LONGEST = float(2**31)


class Suppress(Enum):
    """How far a load keeps others from loading the same key beside it."""

    CLUSTER = "cluster"
    PROCESS = "process"
    NONE = "none"


class RunIn(Enum):
    """Where a sync loader runs: in a worker thread, or on the caller's own."""

    WORKER = "worker"
    CALLER = "caller"


def seconds(value: Duration) -> float:
    """Turn a duration into float seconds.

    Raises:

        TypeError: It is neither a real number nor a ``timedelta``.
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"a duration is float seconds or a timedelta, not {value!r}"
        raise TypeError(msg)
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _optional_seconds(value: Duration | None) -> float | None:
    return None if value is None else seconds(value)


def _suppress(value: Suppress | SuppressWord) -> Suppress:
    return _member(Suppress, "suppress", value)


def _run_in(value: RunIn | RunInWord) -> RunIn:
    return _member(RunIn, "run_in", value)


def _member(kind: type[E], name: str, value: E | str) -> E:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(repr(member.value) for member in kind)
        msg = f"{name} must be one of {known}, not {value!r}"
        raise ValueError(msg) from None


def _positive(_: object, field: "attrs.Attribute[float]", value: float | None) -> None:
    if value is not None and not 0.0 < value <= LONGEST:
        msg = f"{field.name} must be seconds above 0, up to 2**31, not {value!r}"
        raise ValueError(msg)


def _not_negative(
    _: object, field: "attrs.Attribute[float]", value: float | None
) -> None:
    if value is not None and not 0.0 <= value <= LONGEST:
        msg = f"{field.name} must be seconds from 0 up to 2**31, not {value!r}"
        raise ValueError(msg)


def _share(_: object, field: "attrs.Attribute[float]", value: float | None) -> None:
    if value is not None and not 0.0 <= value < 1.0:
        msg = f"{field.name} is a share: from 0 to less than 1, not {value!r}"
        raise ValueError(msg)


@attrs.frozen(kw_only=True)
class Policy:
    """How one function's values live, are refreshed and are waited for.

    Durations are float seconds or ``timedelta``. Derive another with
    :meth:`evolve`.

    Attributes:

        fresh_for: A value younger than this is served as it is.

        ttl: A value this old or older is never served. From *fresh_for* to here it
            is stale: served at once while it is refreshed (RFC 5861, section 3).

        wait_for: How long any caller waits for a load before
            :class:`~hybridcache.LoadTimeout`.

        abandon_after: How long a load may own its key; 3 x *wait_for* if None.

        jitter: Share of *fresh_for* that the writer takes off at random, once.

        refresh_ahead: Share of *fresh_for* after which a hit starts a refresh.

        stale_wait: How long a stale hit waits for its refresh first.

        max_stale: How long past *fresh_for* a value may be served (RFC 9111,
            section 5.2.1.2); until *ttl* if None.

        retry_after: After a failed refresh no new one starts for this long.

        error_ttl: How long a loader's failure holds the key for everyone.

        memory_ttl: Longest life in memory.

        suppress: Whether others may load beside a load: ``"cluster"`` (no),
            ``"process"`` (in other processes) or ``"none"`` (anyone).

        share: Hand the same object to all callers, mutable or not.

        run_in: Where a sync loader runs: ``"worker"`` or ``"caller"``.

    Raises:

        TypeError: A duration is not a number or ``timedelta``.

        ValueError: A value is out of its range; the message has it.
    """

    fresh_for: float = attrs.field(converter=seconds, validator=_not_negative)
    ttl: float = attrs.field(converter=seconds, validator=_positive)
    wait_for: float = attrs.field(
        default=DEFAULT_WAIT_FOR, converter=seconds, validator=_positive
    )
    abandon_after: float | None = attrs.field(
        default=None, converter=_optional_seconds, validator=_positive
    )
    jitter: float = attrs.field(default=0.0, converter=seconds, validator=_share)
    refresh_ahead: float | None = attrs.field(
        default=None, converter=_optional_seconds, validator=_share
    )
    stale_wait: float = attrs.field(
        default=0.0, converter=seconds, validator=_not_negative
    )
    max_stale: float | None = attrs.field(
        default=None, converter=_optional_seconds, validator=_not_negative
    )
    retry_after: float = attrs.field(
        default=DEFAULT_RETRY_AFTER, converter=seconds, validator=_not_negative
    )
    error_ttl: float = attrs.field(
        default=0.0, converter=seconds, validator=_not_negative
    )
    memory_ttl: float | None = attrs.field(
        default=None, converter=_optional_seconds, validator=_positive
    )
    suppress: Suppress = attrs.field(default=Suppress.CLUSTER, converter=_suppress)
    share: bool = attrs.field(
        default=False, validator=attrs.validators.instance_of(bool)
    )
    run_in: RunIn = attrs.field(default=RunIn.WORKER, converter=_run_in)

    def __attrs_post_init__(self) -> None:
        """Check what no single field can: that the durations fit together."""
        if self.fresh_for > self.ttl:
            msg = f"fresh_for={self.fresh_for!r} must not exceed ttl={self.ttl!r}"
            raise ValueError(msg)
        if self.abandon_after is not None and self.abandon_after < self.wait_for:
            msg = (
                f"abandon_after={self.abandon_after!r} must not be less than"
                f" wait_for={self.wait_for!r}"
            )
            raise ValueError(msg)

    @property
    def owned_for(self) -> float:
        """Seconds that a load may own its key: *abandon_after* or its default."""
        if self.abandon_after is None:
            return ABANDON_FACTOR * self.wait_for
        return self.abandon_after

    def evolve(self, **changes: "Unpack[PolicyChanges]") -> Self:
        """Return a copy with *changes*, checked like a new policy."""
        return attrs.evolve(self, **changes)


class PolicyChanges(TypedDict, total=False):
    """The keyword arguments of :meth:`Policy.evolve` and of ``using()``."""

    fresh_for: Duration
    ttl: Duration
    wait_for: Duration
    abandon_after: Duration | None
    jitter: float
    refresh_ahead: float | None
    stale_wait: Duration
    max_stale: Duration | None
    retry_after: Duration
    error_ttl: Duration
    memory_ttl: Duration | None
    suppress: Suppress | SuppressWord
    share: bool
    run_in: RunIn | RunInWord
