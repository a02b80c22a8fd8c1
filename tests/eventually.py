"""Wait for a condition, never for a time."""

import time
from collections.abc import Callable


def eventually(
    condition: Callable[[], object], *, within: float = 5.0, every: float = 0.005
) -> float:
    """Ask *condition* until it holds; return the seconds that this took.

    Raises:

        AssertionError: It did not hold within *within* seconds.
    """
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > within:
            msg = f"it did not come true within {within:g} s"
            raise AssertionError(msg)
        time.sleep(every)
    return time.monotonic() - begun
