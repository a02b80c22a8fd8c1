"""Lookups counted in plain integer slots, read when somebody looks.

Adding one to a slot of a list is a few bytecodes between two checks for a switch of
threads, so that CPython's interpreter lock keeps it whole; a lock or a metric object
would cost more than the memory hit that it counts.
"""

from typing import Final

import attrs

from hybridcache.core.outcome import (
    HitFresh,
    HitStale,
    Miss,
    Outcome,
    Scope,
    Suppressed,
    Tier,
    UpstreamDown,
)
from hybridcache.engine.events import Reason

SLOTS: Final = (
    (HitFresh.tag, Tier.MEMORY),
    (HitFresh.tag, Tier.REDIS),
    (HitStale.tag, Tier.MEMORY),
    (HitStale.tag, Tier.REDIS),
    (Miss.tag, Tier.LOADER),
    (Suppressed.tag, Tier.LOADER),
    (Suppressed.tag, Tier.REDIS),
    (UpstreamDown.tag, Tier.LOADER),
    (UpstreamDown.tag, Tier.MEMORY),
)
"""What each slot counts: outcome and the tier that served."""

HIT_FRESH_IN_MEMORY: Final = 0
_SLOT_OF: Final = {what: slot for slot, what in enumerate(SLOTS)}
_REASONS: Final = tuple(Reason)


def served_by(outcome: Outcome[object]) -> Tier:
    """Return the tier that an outcome's value came from."""
    match outcome:
        case HitFresh() | HitStale() | UpstreamDown():
            return outcome.tier
        case Miss():
            return Tier.LOADER
        case Suppressed():
            return Tier.LOADER if outcome.scope is Scope.PROCESS else Tier.REDIS


@attrs.define(eq=False)
class Tally:
    """The lookups of one function of one cache."""

    slots: list[int] = attrs.field(factory=lambda: [0] * len(SLOTS), init=False)
    failures: list[int] = attrs.field(factory=lambda: [0] * len(_REASONS), init=False)

    def add(self, outcome: Outcome[object]) -> None:
        """Count an outcome."""
        self.slots[_SLOT_OF[outcome.tag, served_by(outcome)]] += 1

    def fail(self, reason: Reason) -> None:
        """Count a lookup that raised."""
        self.failures[_REASONS.index(reason)] += 1

    def outcomes(self) -> list[tuple[str, Tier, int]]:
        """Return outcome, tier and count, where there is one."""
        pairs = zip(SLOTS, self.slots, strict=True)
        return [(tag, tier, count) for (tag, tier), count in pairs if count]

    def failed(self) -> list[tuple[Reason, int]]:
        """Return reason and count, where there is one."""
        pairs = zip(_REASONS, self.failures, strict=True)
        return [(reason, count) for reason, count in pairs if count]
