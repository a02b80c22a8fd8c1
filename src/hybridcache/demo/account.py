"""The account at the end, in plain words."""

import attrs

from hybridcache.demo.tally import TAGS, Tally
from hybridcache.demo.wording import long_time, number, seconds_of


@attrs.frozen
class Account:
    """What it is made of.

    Attributes:

        total: All that happened.

        stopped: What began while Redis was away.

        away: For how long that was.

        search_seconds: How long a search takes when called directly.

        processes: How many there were.

        callers: How many threads called in each.

        took: How long the demo took.
    """

    total: Tally
    stopped: Tally
    away: float
    search_seconds: float
    processes: int
    callers: int
    took: float

    def text(self) -> str:
        """Write it."""
        parts = {
            "Calls": self._calls(),
            "Loads": self._loads(),
            "Saved": self._saved(),
            "Redis": self._redis(),
            "Errors": self._errors(),
        }
        lines = [f"The account, after {seconds_of(self.took)}", ""]
        # A paragraph each, told apart by a heading of its own.
        for head, text in parts.items():
            lines += [head, f"   {text}"]
        return "\n".join(lines)

    def _calls(self) -> str:
        who = f"{self.processes} processes with {self.callers} callers each"
        lines = [f"{number(self.total.calls, 'call')}, by {who}."]
        for tag in TAGS:
            count = self.total.of(tag)
            slowest = (
                f"   the slowest {seconds_of(count.slowest)}" if count.calls else ""
            )
            lines.append(f"   {tag:<13}{count.calls:>9,}{slowest}")
        return "\n   ".join(lines)

    def _loads(self) -> str:
        total = self.total
        return (
            f"{number(total.loads, 'load')}, those in the background included"
            f" ({seconds_of(total.load_seconds)} of searching), and"
            f" {number(total.requests, 'request')} to Redis served them all."
        )

    def _saved(self) -> str:
        served = self.total.of("hit-fresh", "hit-stale", "suppressed")
        alone = served.calls * self.search_seconds
        saved = alone - served.seconds
        return (
            f"{saved:,.0f} seconds of callers' time:"
            f" {number(served.calls, 'call')} were served without a load of about"
            f" {seconds_of(self.search_seconds)} each, which makes {long_time(alone)},"
            f" less the {long_time(served.seconds)} that they waited. The callers call"
            " side by side and their times are added up: it is not time on the clock."
        )

    def _redis(self) -> str:
        stopped = self.stopped
        hits = stopped.of("hit-fresh", "hit-stale")
        down = stopped.of("upstream-down")
        waited = stopped.of("suppressed")
        return (
            f"It was stopped for {seconds_of(self.away)}, under load. In that time"
            f" began {number(stopped.calls, 'call')}: {hits.calls:,} served from memory"
            f" (the slowest {seconds_of(hits.slowest)}), {down.calls:,} that searched"
            f" without Redis, {waited.calls:,} that waited for one of those. The slowest"
            f" call took {seconds_of(stopped.of().slowest)}."
            f" {number(stopped.errors, 'error')}."
        )

    def _errors(self) -> str:
        total = self.total
        text = (
            f"{number(total.failed, 'call')} raised;"
            f" {number(total.wrong, 'value')} differed from a direct search."
        )
        return "\n   ".join([text, *sorted(total.problems)[:5]])
