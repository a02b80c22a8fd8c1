"""All that the workers reported so far."""

from collections import Counter
from collections.abc import Iterable

from hybridcache.demo.messages import Did, Message, Ready, Report
from hybridcache.demo.tally import Tally


class Board:
    """The totals, by act and process, and which of them were shown in rows."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.ready: set[int] = set()
        self.done: list[Did] = []
        self._acts: dict[tuple[int, int], Tally] = {}
        self._earliest = [0] * processes
        self._shown: dict[tuple[int, int], Counter[str]] = {}

    def record(self, messages: Iterable[Message]) -> None:
        """Add what was reported."""
        for message in messages:
            match message:
                case Ready(process):
                    self.ready.add(process)
                case Did():
                    self.done.append(message)
                case Report(process, acts, earliest):
                    self._earliest[process] = earliest
                    for act, tally in acts.items():
                        self._acts.setdefault((act, process), Tally()).merge(tally)

    def act(self, act: int, process: int | None = None) -> Tally:
        """Return what happened in one act, in one process or in all."""
        return self._sum(act, process)

    def total(self) -> Tally:
        """Return what happened in all acts."""
        return self._sum(None, None)

    def is_over(self, act: int) -> bool:
        """Say whether every call of *act* is counted, in all processes."""
        return min(self._earliest) > act

    def next_row(self, act: int) -> list[Counter[str]]:
        """Return the calls that no row of *act* had yet, for each process."""
        row: list[Counter[str]] = []
        for process in range(self.processes):
            counts = self.act(act, process).counts()
            row.append(counts - self._shown.get((act, process), Counter()))
            self._shown[act, process] = counts
        return row

    def _sum(self, act: int | None, process: int | None) -> Tally:
        total = Tally()
        for (in_act, in_process), tally in self._acts.items():
            if act in {None, in_act} and process in {None, in_process}:
                total.merge(tally)
        return total
