"""Colours of the five outcomes and of what else has a fixed meaning.

They are Okabe and Ito's, which people with any of the usual kinds of colour blindness
tell apart (*Color Universal Design*, 2008).
"""

from collections.abc import Mapping
from typing import Final

GREEN: Final = "#009e73"
ORANGE: Final = "#e69f00"
SKY: Final = "#56b4e9"
BLUE: Final = "#0072b2"
PURPLE: Final = "#cc79a7"
VERMILION: Final = "#d55e00"
GREY: Final = "#8a919e"

OUTCOMES: Final[Mapping[str, str]] = {
    "hit-fresh": GREEN,
    "hit-stale": ORANGE,
    "suppressed": PURPLE,
    "miss": SKY,
    "upstream-down": VERMILION,
}
"""By tag, in the order in which areas are stacked: what cost a caller least is first."""

MEANT: Final[Mapping[str, str]] = {
    "error": VERMILION,
    "failed": VERMILION,
    "up": GREEN,
    "breaker open": VERMILION,
    "half-open": ORANGE,
    "blind": PURPLE,
}
"""By the name of a series that is good or bad in itself."""

OTHERS: Final = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, GREY)
"""For series without a meaning of their own, in order."""
