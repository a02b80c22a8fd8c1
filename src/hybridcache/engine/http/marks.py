"""What one process remembers of URLs besides their responses, within bounds.

Callers may be in several threads: each step is one operation on a dict, and a mark that
is lost to a race costs one request its short way.
"""

from collections import OrderedDict
from typing import Final, TypeVar

import attrs

V = TypeVar("V")

# So many keys are remembered; the oldest are forgotten first.
MOST_KEYS: Final = 10_000


@attrs.define(eq=False)
class Passes:
    """URLs whose last response could not be shared: nobody waits for the next one.

    Varnish calls such a mark hit-for-miss.
    """

    _until: OrderedDict[str, float] = attrs.field(factory=OrderedDict, init=False)

    def mark(self, key: str, until: float) -> None:
        """Let requests pass until that monotonic instant."""
        self._until[key] = until
        if len(self._until) > MOST_KEYS:
            _forget_oldest(self._until)

    def lift(self, key: str) -> None:
        """Let no request pass any more."""
        self._until.pop(key, None)

    def lets(self, key: str, now: float) -> bool:
        """Whether requests pass."""
        until = self._until.get(key)
        if until is None:
            return False
        if now >= until:
            self.lift(key)
            return False
        return True


@attrs.define(eq=False)
class Uses:
    """How often each URL was asked for, as far as that is remembered."""

    _counts: OrderedDict[str, int] = attrs.field(factory=OrderedDict, init=False)

    def count(self, key: str) -> int:
        """Count one more and return how many."""
        uses = self._counts[key] = self._counts.get(key, 0) + 1
        if len(self._counts) > MOST_KEYS:
            _forget_oldest(self._counts)
        return uses


@attrs.define(eq=False)
class Siblings:
    """The variants of each URL that this process stored, oldest first."""

    _keys: OrderedDict[str, tuple[str, ...]] = attrs.field(
        factory=OrderedDict, init=False
    )

    def add(self, generation: str, key: str, most: int) -> tuple[str, ...]:
        """Add a variant's key; return those that are one too many."""
        others = tuple(at for at in self._keys.get(generation, ()) if at != key)
        keys = (*others, key)
        self._keys[generation] = keys[-most:]
        if len(self._keys) > MOST_KEYS:
            _forget_oldest(self._keys)
        return keys[:-most]


def _forget_oldest(table: OrderedDict[str, V]) -> None:
    try:
        table.popitem(last=False)
    except KeyError:
        # Another thread forgot the last ones.
        return
