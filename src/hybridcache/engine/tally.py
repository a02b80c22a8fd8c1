"""Lookups counted by what happened; a memory hit through a function counts here."""

from collections.abc import Sequence
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
from hybridcache.engine.metrics import LOOKUP_FAILURES, LOOKUPS
from hybridcache.engine.rows import Row, Sample

SERVED: Final = (
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
"""What the first slots count: outcome and the tier that served."""

HIT_FRESH_IN_MEMORY: Final = 0
_SLOT_OF: Final = {what: slot for slot, what in enumerate(SERVED)}
_REASONS: Final = tuple(Reason)
_FAILED: Final = {reason: len(SERVED) + at for at, reason in enumerate(_REASONS)}


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
class Tally(Row):
    """The lookups of one function of one cache: those served, then those that raised.

    Each sample is there from the start, so that the first of its kind is an increase.
    """

    cache: str = ""
    function: str = ""

    @property
    def samples(self) -> Sequence[Sample]:
        """What each slot counts."""
        whose = (self.cache, self.function)
        served = [Sample(LOOKUPS, (*whose, tag, tier.value)) for tag, tier in SERVED]
        raised = [Sample(LOOKUP_FAILURES, (*whose, why.value)) for why in _REASONS]
        return (*served, *raised)

    def add(self, tag: str, tier: Tier) -> None:
        """Count an outcome and the tier that served."""
        self.slots[_SLOT_OF[tag, tier]] += 1

    def fail(self, reason: Reason) -> None:
        """Count a lookup that raised."""
        self.slots[_FAILED[reason]] += 1
