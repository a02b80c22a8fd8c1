"""Fills of memory under way, and the invalidations that pass meanwhile.

Whoever reads Redis or begins a load opens a fill; an invalidation of the key, a
`clear()` or a fork spoils it, and what it brings is served but not kept. Callers
hold the node's lock.
"""

import attrs


@attrs.define(eq=False)
class Fill:
    """One fill under way.

    Attributes:

        key: Whose.

        epoch: The subscription's epoch when it began.

        spoiled: Whether an invalidation passed meanwhile.
    """

    key: str
    epoch: int
    spoiled: bool = False


@attrs.define(eq=False)
class PoisonRegistry:
    """All fills under way, by key."""

    _fills: dict[str, list[Fill]] = attrs.field(factory=dict, init=False)

    def open(self, key: str, epoch: int) -> Fill:
        """Begin a fill."""
        fill = Fill(key, epoch)
        fills = self._fills.get(key)
        if fills is None:
            self._fills[key] = [fill]
        else:
            fills.append(fill)
        return fill

    def close(self, fill: Fill) -> None:
        """End a fill, kept or not; closing twice is no error."""
        fills = self._fills.get(fill.key)
        if fills is None or fill not in fills:
            return
        if len(fills) == 1:
            del self._fills[fill.key]
        else:
            fills.remove(fill)

    def spoil(self, key: str) -> None:
        """Spoil the fills of *key*."""
        for fill in self._fills.get(key, ()):
            fill.spoiled = True

    def spoil_all(self) -> None:
        """Spoil every fill."""
        for key in self._fills:
            self.spoil(key)

    def clear(self) -> None:
        """Forget all: in the child of a fork they are the parent's."""
        self._fills.clear()

    def __len__(self) -> int:
        return sum(map(len, self._fills.values()))
