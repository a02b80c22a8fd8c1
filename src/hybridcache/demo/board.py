"""All that the workers reported so far."""

from collections import Counter, deque
from collections.abc import Iterable

from hybridcache.demo.messages import Did, Message, Ready, Report
from hybridcache.demo.tally import Tally

WINDOW = 1.0


class Board:
    """The totals, by act and process, and what the last second brought."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.ready: set[int] = set()
        self.done: list[Did] = []
        self._acts: dict[tuple[int, int], Tally] = {}
        self._recent: deque[tuple[float, int, Counter[str]]] = deque()

    def record(self, messages: Iterable[Message], now: float) -> None:
        """Add what was reported."""
        for message in messages:
            match message:
                case Ready(process):
                    self.ready.add(process)
                case Did():
                    self.done.append(message)
                case Report(process, acts):
                    calls: Counter[str] = Counter()
                    for act, tally in acts.items():
                        self._acts.setdefault((act, process), Tally()).merge(tally)
                        for tag, count in tally.outcomes.items():
                            calls[tag] += count.calls
                    self._recent.append((now, process, calls))

    def act(self, act: int, process: int | None = None) -> Tally:
        """Return what happened in one act, in one process or in all."""
        return self._sum(act, process)

    def total(self) -> Tally:
        """Return what happened in all acts."""
        return self._sum(None, None)

    def _sum(self, act: int | None, process: int | None) -> Tally:
        total = Tally()
        for (in_act, in_process), tally in self._acts.items():
            if act in {None, in_act} and process in {None, in_process}:
                total.merge(tally)
        return total

    def last_second(self, now: float) -> list[Counter[str]]:
        """Return the calls of the last second by outcome, for each process."""
        while self._recent and self._recent[0][0] < now - WINDOW:
            self._recent.popleft()
        rates: list[Counter[str]] = [Counter() for _ in range(self.processes)]
        for _, process, calls in self._recent:
            rates[process] += calls
        return rates
