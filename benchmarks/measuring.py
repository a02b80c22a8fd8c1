"""Timing two things side by side, in turns, and what became of a bar.

The machine is noisy and drifts: what counts is the ratio within one round, and of
those the median.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from statistics import median
from typing import Final, TypeAlias

import attrs

ROUNDS: Final = 101

Timer: TypeAlias = Callable[[int], float]
"""Does something so many times and returns the seconds that took."""

AsyncTimer: TypeAlias = Callable[[int], Awaitable[float]]


@attrs.frozen
class Measured:
    """One bar and what was measured.

    Attributes:

        path: What was measured.

        measure: What the figure is: a ratio, or a time and its unit.

        figure: The figure that is held against the bar.

        bar: The most that it may be, or the least.

        ours: Seconds that one call took, or None.

        reference: Seconds that the other side's took, or None.

        details: Further figures, for people and for the JSON.

        at_least: Whether *bar* is the least that it may be.
    """

    path: str
    measure: str
    figure: float
    bar: float
    ours: float | None = None
    reference: float | None = None
    details: Mapping[str, object] = attrs.field(factory=dict)
    at_least: bool = attrs.field(default=False, kw_only=True)

    @property
    def passed(self) -> bool:
        """Whether the bar was kept."""
        if self.at_least:
            return self.figure >= self.bar
        return self.figure <= self.bar


def compared(
    path: str, ours: Timer, reference: Timer, *, number: int, bar: float
) -> Measured:
    """Time *number* calls of either side in turns; hold the ratio against *bar*."""
    return _of_rounds(path, _in_turns(ours, reference, number), number, bar)


async def acompared(
    path: str, ours: AsyncTimer, reference: AsyncTimer, *, number: int, bar: float
) -> Measured:
    """Do the same for asyncio."""
    rounds = []
    for turn in range(ROUNDS + 1):
        if turn % 2:
            mine, other = await ours(number), await reference(number)
        else:
            other, mine = await reference(number), await ours(number)
        rounds.append((mine, other))
    return _of_rounds(path, rounds[1:], number, bar)


def added(
    path: str, ours: Timer, reference: Timer, *, number: int, bar: float
) -> Measured:
    """Time both in turns; hold what ours takes longer, ns a call, against *bar*."""
    rounds = _in_turns(ours, reference, number)
    more = sorted((mine - other) / number * 1e9 for mine, other in rounds)
    return Measured(
        path,
        "ns more",
        median(more),
        bar,
        median(mine for mine, _ in rounds) / number,
        median(other for _, other in rounds) / number,
        {"lowest": more[0], "highest": more[-1], "rounds": len(rounds)},
    )


def _in_turns(
    ours: Timer, reference: Timer, number: int
) -> Sequence[tuple[float, float]]:
    rounds = []
    for turn in range(ROUNDS + 1):
        if turn % 2:
            mine, other = ours(number), reference(number)
        else:
            other, mine = reference(number), ours(number)
        rounds.append((mine, other))
    # The first round warms up.
    return rounds[1:]


def _of_rounds(
    path: str, rounds: Sequence[tuple[float, float]], number: int, bar: float
) -> Measured:
    ratios = sorted(mine / other for mine, other in rounds)
    return Measured(
        path,
        "ratio",
        median(ratios),
        bar,
        median(mine for mine, _ in rounds) / number,
        median(other for _, other in rounds) / number,
        {"lowest": ratios[0], "highest": ratios[-1], "rounds": len(rounds)},
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of *values* that at least that share of them reach."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
