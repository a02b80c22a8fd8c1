"""What the demo and its worker processes tell each other, over a pipe."""

from typing import TypeAlias

import attrs

from hybridcache.demo.search import Found
from hybridcache.demo.tally import Tally


@attrs.frozen
class Start:
    """The first thing that a worker is told.

    Attributes:

        process: Its number, from 0.

        url: Where Redis is.

        callers: How many threads shall call.

        pause: How long each waits between two calls.

        fresh_for: Of the policy.

        expected: The right value for each word.
    """

    process: int
    url: str
    callers: int
    pause: float
    fresh_for: float
    expected: dict[str, Found]


@attrs.frozen
class Ask:
    """Let every caller ask for these words from now on; it belongs to *act*."""

    act: int
    words: tuple[str, ...]


@attrs.frozen
class Refresh:
    """Call ``refresh(word)``."""

    word: str


@attrs.frozen
class Invalidate:
    """Call ``invalidate(word)``."""

    word: str


@attrs.frozen
class Leave:
    """End all calls, close the cache, report, and go."""


@attrs.frozen
class Ready:
    """The callers are waiting for the first `Ask`."""

    process: int


@attrs.frozen
class Report:
    """What happened since the last report, by act.

    Attributes:

        process: Whose it is.

        acts: What was counted.

        earliest: No call of an earlier act is still to be counted.
    """

    process: int
    acts: dict[int, Tally]
    earliest: int


@attrs.frozen
class Did:
    """A `Refresh` or an `Invalidate` is done; *result* as its call returned it."""

    process: int
    result: str
    seconds: float


Command: TypeAlias = Start | Ask | Refresh | Invalidate | Leave
Message: TypeAlias = Ready | Report | Did
