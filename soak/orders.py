"""What the soak and its processes tell each other, over a pipe."""

from typing import TypeAlias

import attrs

from soak.book import Report


@attrs.frozen
class Start:
    """What a process is told when it starts; *rate* is lookups a second."""

    name: str
    url: str
    prefix: str
    seed: int
    rate: float


@attrs.frozen
class Mood:
    """For so many seconds, loaders shall be ``slow`` or ``failing``."""

    word: str
    seconds: float


@attrs.frozen
class Storm:
    """Invalidate so many keys at once, or clear() so many times."""

    word: str
    count: int


@attrs.frozen
class Leave:
    """Stop calling, close the caches, say what is left, and wait."""


@attrs.frozen
class Ready:
    """The callers call."""


@attrs.frozen
class Left:
    """All is closed; *behind* is what is still there and should not be."""

    behind: list[str]


Order: TypeAlias = Mood | Storm | Leave
News: TypeAlias = Ready | Report | Left
