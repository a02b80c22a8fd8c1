"""What the processes of the service are told to be like."""

from enum import Enum


class Mood(Enum):
    """One at a time; the values are what is written to a process.

    CALM: as it should be. SLOW: the loader takes seconds. FAILING: it raises more
    often than not. STORM: keys that are often asked for are invalidated.
    """

    CALM = "calm"
    SLOW = "slow"
    FAILING = "failing"
    STORM = "storm"
