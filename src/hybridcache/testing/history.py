"""What happened in a simulated run: frozen records, in one order.

The number of a record is its place in that order; instants are virtual seconds.
Nothing here judges: see `checker`.
"""

from collections.abc import Callable
from typing import TypeAlias

import attrs

from hybridcache.core.policy import Policy


@attrs.frozen
class LookupBegan:
    """A call with a loader, or a peek, began."""

    number: int
    at: float
    process: int
    lookup: int
    key: str
    kind: str
    nested: bool = False


@attrs.frozen
class LookupEnded:
    """It returned *value* in *outcome*, or raised *error*.

    *value* is the number of the load that made it; *altered* is what the caller got
    if that is no longer what the load made. *paused* is how long its process stood
    still meanwhile.
    """

    number: int
    at: float
    process: int
    lookup: int
    key: str
    outcome: str
    tier: str
    value: int | None
    error: str
    paused: float
    altered: str = ""


@attrs.frozen
class LoadBegan:
    """A loader was called; the load's *value* is its own number.

    *token* is that of its lease, if it has one; *until* when it is abandoned; *work*
    how long it takes, seconds: infinite where it hangs.
    """

    number: int
    at: float
    process: int
    value: int
    key: str
    token: str | None
    until: float
    work: float
    nested: bool


@attrs.frozen
class LoadEnded:
    """A loader returned: a *value* to keep, not to keep, an older one; or raised.

    Or it was cancelled: it ran in a caller that was.
    """

    number: int
    at: float
    process: int
    load: int
    key: str
    result: str
    value: int | None


@attrs.frozen
class Invalidating:
    """`invalidate()`, or `clear()` where there is no key, was called."""

    number: int
    at: float
    process: int
    call: int
    key: str | None


@attrs.frozen
class Invalidated:
    """It returned."""

    number: int
    at: float
    process: int
    call: int
    key: str | None
    reached: bool


@attrs.frozen
class CarriedOut:
    """A process carried out an invalidation, its own or another's."""

    number: int
    at: float
    process: int
    key: str | None


@attrs.frozen
class LeaseLost:
    """A process learned that Redis holds its lease no more."""

    number: int
    at: float
    process: int
    token: str


@attrs.frozen
class Granted:
    """Redis granted a lease; *spared* is the value of a fresh entry that stood."""

    number: int
    at: float
    process: int
    key: str
    token: str
    spared: int | None


@attrs.frozen
class Stored:
    """Redis stored an entry."""

    number: int
    at: float
    process: int
    key: str
    token: str
    value: int


@attrs.frozen
class Told:
    """Redis sent a process an entry, of a key with a ``memory_ttl``."""

    number: int
    at: float
    process: int
    key: str
    value: int


@attrs.frozen
class Deleted:
    """Redis carried out an invalidation."""

    number: int
    at: float
    process: int
    key: str | None


@attrs.frozen
class Trouble:
    """A fault was injected: to a process, or (-1) to Redis."""

    number: int
    at: float
    process: int
    what: str


Happening: TypeAlias = (
    LookupBegan
    | LookupEnded
    | LoadBegan
    | LoadEnded
    | Invalidating
    | Invalidated
    | CarriedOut
    | LeaseLost
    | Granted
    | Stored
    | Told
    | Deleted
    | Trouble
)


@attrs.define(repr=False)
class History:
    """All that happened in one run.

    Attributes:

        happenings: In order.

        policies: The policy of each key.

        timeout: Of one request to Redis, seconds.

        left_behind: What was still there when all was healed and closed.

        breaches: What was wrong at once: a bound of memory, say.

        told: Shown each record when it is taken down.
    """

    policies: dict[str, Policy]
    timeout: float
    happenings: list[Happening] = attrs.field(factory=list)
    left_behind: list[str] = attrs.field(factory=list)
    breaches: list[str] = attrs.field(factory=list)
    told: Callable[[Happening], object] = attrs.field(
        default=lambda _: None, kw_only=True, eq=False, repr=False
    )

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({len(self.happenings)} happenings,"
            f" {self.lookups} lookups)"
        )

    def add(self, happening: Happening) -> None:
        """Take down what happened."""
        self.happenings.append(happening)
        self.told(happening)

    @property
    def next(self) -> int:
        """The number of the next record."""
        return len(self.happenings)

    @property
    def lookups(self) -> int:
        """How many lookups ended."""
        return sum(isinstance(one, LookupEnded) for one in self.happenings)


class Violation(AssertionError):  # noqa: N818 (the word for it in the docs)
    """A rule of the library was broken in a run; its last line replays it."""
