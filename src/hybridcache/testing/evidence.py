"""A history, indexed for the rules that judge it.

It grows with the history, so that each step can be judged by what went before.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import TypeVar

from hybridcache.testing.history import (
    CarriedOut,
    Deleted,
    Happening,
    History,
    Invalidated,
    Invalidating,
    LoadBegan,
    LoadEnded,
    LookupBegan,
    LookupEnded,
    Stored,
    Told,
    Trouble,
)
from hybridcache.testing.troubles import Troubles

H = TypeVar("H", bound=Happening)


class Evidence:
    """What happened, by what is asked of it."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._by_type: dict[type, list[Happening]] = defaultdict(list)
        self.last_at = 0.0
        self.begins: dict[int, LookupBegan] = {}
        self.ends = self.of(LookupEnded)
        self.lookup_ends: dict[int, LookupEnded] = {}
        self.calls: dict[int, Invalidating] = {}
        self.loads: dict[int, LoadBegan] = {}
        self.load_ends: dict[int, LoadEnded] = {}
        self.made: set[int] = set()
        self.unstored: set[int] = set()
        self.stored: set[int] = set()
        self.stored_under: set[tuple[str, int]] = set()
        self.failed: dict[str, list[LoadEnded]] = defaultdict(list)
        self.nests = False
        self.processes: set[int] = set()
        self.loads_by_key: dict[str, list[LoadBegan]] = defaultdict(list)
        self._lives: dict[int, list[tuple[int, float]]] = defaultdict(list)
        self._births: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.troubles = Troubles(history)

    def take(self, one: Happening) -> None:
        """Take in what happened next."""
        self._by_type[type(one)].append(one)
        self.last_at = one.at
        match one:
            case LookupBegan():
                self.begins[one.lookup] = one
                self.processes.add(one.process)
            case LookupEnded():
                self.lookup_ends[one.lookup] = one
            case Invalidating():
                self.calls[one.call] = one
            case LoadBegan():
                self.loads[one.value] = one
                self.loads_by_key[one.key].append(one)
                self.nests |= one.nested
            case LoadEnded():
                self._take_end(one)
            case Stored():
                self.stored.add(one.value)
                self.stored_under.add((one.token, one.value))
                self._lives[one.value].append((one.number, one.at))
            case Trouble():
                self.troubles.take(one)
            case _:
                return

    def _take_end(self, one: LoadEnded) -> None:
        self.load_ends[one.load] = one
        if one.result == "failed":
            self.failed[one.key].append(one)
        if one.value is None:
            return
        self.made.add(one.value)
        if one.result == "unstored":
            self.unstored.add(one.value)
        self._lives[one.value].append((one.number, one.at))
        # What was found unmodified is as new as the load that found it so.
        began = self.loads[one.load]
        self._births[one.value].append((one.number, began.number))

    def of(self, kind: type[H]) -> list[H]:
        """Return what happened of that kind, in order."""
        return self._by_type[kind]  # type: ignore[return-value]  # filed by type

    # Values

    def last_life(self, value: int, before: int) -> float | None:
        """Return when *value* was last made or stored."""
        return max(
            (at for number, at in self._lives[value] if number < before), default=None
        )

    def born(self, value: int, before: int) -> int:
        """Return where the load began that made *value*, or confirmed it last."""
        return max(
            (began for number, began in self._births[value] if number < before),
            default=before,
        )

    def written(self, value: int, before: int) -> bool:
        """Whether Redis stored *value* before that place."""
        return any(one.value == value for one in self.of(Stored) if one.number < before)

    def met_by(self, process: int, value: int) -> float:
        """Return when *process* last made *value*, or was sent it."""
        made = [
            one.at
            for one in self.of(LoadEnded)
            if one.process == process and one.value == value
        ]
        told = [
            one.at
            for one in self.of(Told)
            if one.process == process and one.value == value
        ]
        return max((*made, *told), default=0.0)

    # Lookups

    def waiting_beside(self, began: LookupBegan) -> Iterator[LookupBegan]:
        """Return the lookups of its key and process without an answer when it began."""
        for one in self.begins.values():
            if one.process == began.process and one.key == began.key:
                ended = self.lookup_ends.get(one.lookup)
                if one.number < began.number and not (
                    ended is not None and ended.number < began.number
                ):
                    yield one

    # Invalidations

    def invalidations_before(self, end: LookupEnded) -> Iterator[Invalidated]:
        """Return the invalidations of its key that returned before it began."""
        began = self.begins[end.lookup].number
        for done in self.of(Invalidated):
            if done.number < began and done.key in (None, end.key):
                yield done

    def carried_out(
        self, process: int, key: str | None, since: int, returned: int
    ) -> int | None:
        """Return where *process* carried out the invalidation that began at *since*."""
        deleted = next(
            (
                one.number
                for one in self.of(Deleted)
                if since < one.number < returned and one.key == key
            ),
            None,
        )
        if deleted is None:
            return None
        return next(
            (
                one.number
                for one in self.of(CarriedOut)
                if one.process == process and one.number > deleted and one.key == key
            ),
            None,
        )
