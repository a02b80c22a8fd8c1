"""The type of the fixture ``run``."""

from collections.abc import Coroutine
from typing import Protocol, TypeVar

T = TypeVar("T")


class Run(Protocol):
    """How a test without colour runs a coroutine."""

    def __call__(
        self, coroutine: Coroutine[object, None, T], *, within: float = 30
    ) -> T:
        """Run it to its end on a new event loop, at most *within* seconds."""
        ...
