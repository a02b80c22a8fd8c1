"""The faults that were injected, as the excuses of a history's checker ask for them."""

from collections import defaultdict
from typing import Final

from hybridcache.testing.history import History, Trouble

# Either costs a waiter a lease at most.
_LESSER: Final = frozenset({"crashed", "message lost", "message late"})


class Troubles:
    """What befell each process, and Redis (-1)."""

    def __init__(self, history: History) -> None:
        self._happenings = history.happenings
        self._by_process: dict[int, list[Trouble]] = defaultdict(list)

    def take(self, one: Trouble) -> None:
        """Take in what went wrong next."""
        self._by_process[one.process].append(one)

    def crashed_before(self, process: int, number: int) -> bool:
        """Whether *process* crashed before that place."""
        return any(
            one.what == "crashed" and one.number < number
            for one in self._by_process[process]
        )

    def gone_by(self, process: int, at: float) -> bool:
        """Whether *process* had crashed by then."""
        return any(
            one.what == "crashed" and one.at <= at for one in self._by_process[process]
        )

    def befell(
        self,
        process: int,
        since: float,
        until: float,
        *,
        names_of: str | None = None,
    ) -> bool:
        """Whether a fault befell Redis, or requests of *process*, in that time.

        That Redis lost a name counts if it is one of that key, or the marker.
        """
        return any(
            since <= one.at <= until
            for place in (process, -1)
            for one in self._by_process[place]
            if not one.what.startswith(("message", "subscription", "damaged"))
            and _concerns(one.what, names_of)
        ) or self._away(process, until)

    def lost_marker(self, process: int, until: float) -> bool:
        """Whether Redis had lost the marker by then, or *process* misread it."""
        return any(
            one.at <= until
            and (
                one.what in ("restarted empty", "failed over", "garbled")
                or (one.what.startswith("evicted ") and "{}" in one.what)
            )
            for place in (process, -1)
            for one in self._by_process[place]
        )

    def refused(self, process: int, since: float, until: float) -> bool:
        """Whether Redis refused writes, or seemed to, in that time."""
        return any(
            since <= one.at <= until and one.what in ("refusals", "garbled")
            for place in (process, -1)
            for one in self._by_process[place]
        ) or self._lasted(-1, since, ("refusals",), "recovered")

    def _away(self, process: int, at: float) -> bool:
        """Whether Redis was away then, or *process* cut off from it."""
        return any(
            self._lasted(place, at, begins, ends)
            for place, begins, ends in (
                (-1, ("outages", "hangs", "refusals"), "recovered"),
                (process, ("cut off",), "joined"),
            )
        )

    def _lasted(
        self, place: int, at: float, begins: tuple[str, ...], ends: str
    ) -> bool:
        lasts = False
        for one in self._by_process[place]:
            if one.at > at:
                break
            if one.what in begins:
                lasts = True
            elif one.what == ends:
                lasts = False
        return lasts

    def cost_a_lease(self, since: float, until: float) -> bool:
        """Whether faults of that time may have kept a waiter past its deadline."""
        # A process that died and a message that was lost cost a waiter a lease at
        # most, which leaves it time; two of them, or anything else, may not.
        troubles = [
            one
            for place in self._by_process.values()
            for one in place
            if since <= one.at <= until
        ]
        lesser = [one for one in troubles if one.what in _LESSER]
        others = [
            one
            for one in troubles
            if one.what not in _LESSER
            and not one.what.startswith(("damaged", "subscription"))
        ]
        away = any(self._away(place, until) for place in list(self._by_process))
        return len(lesser) > 1 or bool(others) or away

    def stood_still(self, process: int, since: float, until: float) -> float:
        """Return for how many seconds *process* stood still in that time, at most."""
        paused: float | None = None
        whole = 0.0
        for one in self._by_process[process]:
            if one.what == "paused" and paused is None:
                paused = one.at
            elif one.what == "resumed" and paused is not None:
                whole += max(0.0, min(one.at, until) - max(paused, since))
                paused = None
        return whole

    def rolled_back(self, since: int, until: int) -> bool:
        """Whether Redis lost its last writes to a failover in between."""
        # A snapshot is at most a second older than the failover to it.
        return any(
            one.what == "failed over"
            and one.number < until
            and one.at >= self._happenings[since].at
            for one in self._by_process[-1]
        )

    def deaf(self, process: int, since: float, until: float) -> bool:
        """Whether nothing could tell *process* that it missed a message."""
        # One message lost on a whole subscription, a process that stood still, and
        # Redis away or unheard: "while Redis is away memory entries serve as before".
        return self.befell(process, since - 1.0, until) or any(
            since - 1.0 <= one.at <= until and one.what.startswith("message")
            for one in self._by_process[process]
        )


def _concerns(what: str, key: str | None) -> bool:
    """Whether that is no loss of a name, or one that matters to who asks for *key*."""
    if not what.startswith("evicted "):
        return True
    return key is not None and (f"{{{key}}}" in what or "{}" in what)
