"""What was measured: calls by outcome, loads, requests to Redis, failures."""

from collections import Counter

import attrs

TAGS = ("hit-fresh", "hit-stale", "miss", "suppressed", "upstream-down")
ERRORS = "errors"


@attrs.define
class Count:
    """Some calls: how many, how long in all, and the slowest."""

    calls: int = 0
    seconds: float = 0.0
    slowest: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one call."""
        self.calls += 1
        self.seconds += seconds
        self.slowest = max(self.slowest, seconds)

    def merge(self, other: "Count") -> None:
        """Add what another counted."""
        self.calls += other.calls
        self.seconds += other.seconds
        self.slowest = max(self.slowest, other.slowest)


@attrs.define
class Tally:
    """All that began in one act, in one process or in several.

    Attributes:

        outcomes: The calls that returned, by outcome.

        failed: Calls that raised.

        wrong: Calls that returned another value than the search itself.

        problems: What was raised or wrong, a few of them.

        loads: Searches that began.

        load_seconds: How long those of them took together that have ended.

        requests: Requests to Redis.

        reached_at: When Redis first answered one of them, on the monotonic clock.
    """

    outcomes: dict[str, Count] = attrs.field(factory=dict)
    failed: int = 0
    wrong: int = 0
    problems: set[str] = attrs.field(factory=set)
    loads: int = 0
    load_seconds: float = 0.0
    requests: int = 0
    reached_at: float | None = None

    def of(self, *tags: str) -> Count:
        """Return the calls with one of these outcomes; all calls if none is named."""
        total = Count()
        for tag, count in self.outcomes.items():
            if tag in tags or not tags:
                total.merge(count)
        return total

    @property
    def calls(self) -> int:
        """All calls that ended, those that raised included."""
        return self.of().calls + self.failed

    @property
    def errors(self) -> int:
        """Calls that raised or returned a wrong value."""
        return self.failed + self.wrong

    def counts(self) -> Counter[str]:
        """Return how many calls had each outcome, and the errors."""
        calls = {tag: count.calls for tag, count in self.outcomes.items()}
        return Counter(calls | {ERRORS: self.errors})

    def add(self, tag: str, seconds: float) -> None:
        """Count one call that returned."""
        self.outcomes.setdefault(tag, Count()).add(seconds)

    def merge(self, other: "Tally") -> None:
        """Add what another tallied."""
        for tag, count in other.outcomes.items():
            self.outcomes.setdefault(tag, Count()).merge(count)
        self.failed += other.failed
        self.wrong += other.wrong
        self.problems |= other.problems
        self.loads += other.loads
        self.load_seconds += other.load_seconds
        self.requests += other.requests
        reached = [at for at in (self.reached_at, other.reached_at) if at is not None]
        self.reached_at = min(reached, default=None)
