"""What the callers of a simulated cluster do: a frozen value, drawn from the seed."""

import math
from collections.abc import Iterable
from typing import Final, Unpack

import attrs

from hybridcache.core.policy import Policy, PolicyChanges
from hybridcache.testing.faults import MANY, check_amount
from hybridcache.testing.values import KINDS as VALUES


def _policies() -> tuple[Policy, ...]:
    one = Policy(fresh_for=1.5, ttl=5.0, wait_for=6.0, retry_after=1.0)
    return (
        one,
        one.evolve(refresh_ahead=0.5, jitter=0.2),
        one.evolve(stale_wait=0.5, memory_ttl=2.0),
        one.evolve(error_ttl=0.5, max_stale=1.0, abandon_after=7.0),
    )


def _in_order(policies: Iterable[Policy]) -> tuple[Policy, ...]:
    return tuple(policies)


@attrs.frozen(kw_only=True)
class Workload:
    """What is called, how often, and how the loaders behave.

    Attributes:

        calls: How many calls there are.

        keys: How many keys they are about.

        span: Virtual seconds in which they begin.

        burst: Share of calls that begin at the same moment as the one before.

        invalidate: Share of calls that invalidate their key.

        clear: Share of calls that clear everything.

        refresh: Share of calls that refresh.

        peek: Share of calls that only look.

        slow: Share of loads that take up to eight seconds; the others at most 0.3.

        hanging: Share of loads that never end.

        failing: Share of loads that raise.

        unstored: Share of loads that return ``NoStore``.

        unmodified: Share of loads that return ``NotModified`` if they may.

        nested: Share of loads that look up another key, which may lead back.

        max_items: Bound of each process's memory.

        max_bytes: Another, or None.

        values: What loads make: ``"numbers"``, or what every caller changes once it
            has it, ``"lists"`` or ``"baskets"``.

        policies: One is drawn for each key.

    Raises:

        ValueError: There are no keys or policies, no room in memory, a share is none,
            or *values* are of no kind.
    """

    calls: int = 40
    keys: int = 3
    span: float = 12.0
    burst: float = 0.5
    invalidate: float = 0.08
    clear: float = 0.01
    refresh: float = 0.03
    peek: float = 0.03
    slow: float = 0.03
    hanging: float = 0.0
    failing: float = 0.05
    unstored: float = 0.03
    unmodified: float = 0.03
    nested: float = 0.0
    max_items: int = 100
    max_bytes: int | None = None
    values: str = "numbers"
    policies: tuple[Policy, ...] = attrs.field(factory=_policies, converter=_in_order)

    def __attrs_post_init__(self) -> None:
        """Refuse what could not be run."""
        for name in SHARES:
            check_amount(name, getattr(self, name), "a share from 0 to 1", 1.0)
        for name in ("keys", "max_items", "max_bytes"):
            amount = getattr(self, name)
            if amount is not None:
                check_amount(name, amount, "1 or more", math.inf, least=1)
        check_amount("calls", self.calls, "a number from 0 on", MANY)
        check_amount("span", self.span, "seconds from 0 on", MANY)
        if not self.policies or not all(
            isinstance(one, Policy) for one in self.policies
        ):
            msg = (
                "policies must hold one Policy or more, of which each key is given one,"
                f" not {self.policies!r}"
            )
            raise ValueError(msg)
        if self.values not in VALUES:
            kinds = ", ".join(map(repr, VALUES))
            msg = f"values must be one of {kinds}, not {self.values!r}"
            raise ValueError(msg)


SHARES: Final = (
    "burst",
    "invalidate",
    "clear",
    "refresh",
    "peek",
    "slow",
    "hanging",
    "failing",
    "unstored",
    "unmodified",
    "nested",
)
"""The fields that are shares of calls or of loads."""


USUAL: Final = Workload()
STAMPEDE: Final = Workload(
    keys=1, burst=0.9, span=6.0, slow=0.3, failing=0.2, unstored=0.2
)
RENEWING: Final = Workload(keys=2, invalidate=0.3, clear=0.05, span=8.0, slow=0.1)
NESTED: Final = Workload(keys=4, nested=0.5, slow=0.0, unmodified=0.0, invalidate=0.02)
HANGING: Final = Workload(
    calls=25,
    hanging=0.1,
    slow=0.1,
    policies=(
        *USUAL.policies,
        # Given up within the span, so that others load again.
        Policy(fresh_for=1.5, ttl=5.0, wait_for=4.0, abandon_after=4.0),
    ),
)
SMALL: Final = Workload(keys=12, max_items=3, burst=0.2, slow=0.0)
REMEMBERING: Final = Workload(
    keys=2,
    span=15.0,
    invalidate=0.2,
    slow=0.0,
    policies=(Policy(fresh_for=20.0, ttl=30.0, wait_for=6.0),),
)
WAITING: Final = Workload(
    keys=1,
    slow=0.7,
    invalidate=0.0,
    clear=0.0,
    refresh=0.0,
    policies=(Policy(fresh_for=0.5, ttl=2.5, wait_for=9.0, stale_wait=2.0),),
)
CLEARING: Final = attrs.evolve(NESTED, keys=2, clear=0.15)
FORCING: Final = Workload(
    keys=1,
    burst=0.7,
    refresh=0.4,
    failing=0.2,
    unstored=0.3,
    policies=(
        Policy(fresh_for=1.5, ttl=5.0, wait_for=6.0, retry_after=1.0),
        Policy(fresh_for=0.5, ttl=5.0, wait_for=6.0, error_ttl=1.5),
    ),
)
CHANGING: Final = Workload(keys=2, burst=0.7, unmodified=0.2, values="lists")
HEAVY: Final = attrs.evolve(SMALL, max_items=100, max_bytes=2_000, values="lists")


def _with(policies: tuple[Policy, ...], **changes: Unpack[PolicyChanges]) -> Workload:
    changed = tuple(one.evolve(**changes) for one in policies)
    return Workload(keys=2, slow=0.1, policies=changed)


APART: Final = _with(USUAL.policies, suppress="process")
ALONE: Final = _with(USUAL.policies, suppress="none")
INLINE: Final = _with(USUAL.policies, run_in="caller")

KINDS: Final = {
    "usual": USUAL,
    "stampede": STAMPEDE,
    "renewing": RENEWING,
    "nested": NESTED,
    "hanging": HANGING,
    "small": SMALL,
    "remembering": REMEMBERING,
    "waiting": WAITING,
    "clearing": CLEARING,
    "forcing": FORCING,
    "changing": CHANGING,
    "heavy": HEAVY,
    "apart": APART,
    "alone": ALONE,
    "inline": INLINE,
}
"""Workloads by name."""
