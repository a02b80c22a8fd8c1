"""How long callers waited: measured, held against a bound, and told.

With the environment variable FAULTS_FIGURES set to a file, each test adds a line of
JSON there; docs/faults.md was written from those.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

import attrs

MARGIN: Final = 1.0
"""What a machine with twice as many busy processes as cores adds, seconds."""


@attrs.define(eq=False)
class Waits:
    """The waits of one scenario.

    Attributes:

        name: Of the test.

        all: Each, seconds.

        bound: What the design promises, seconds; None if it promises none.
    """

    name: str
    all: list[float] = attrs.field(factory=list)
    bound: float | None = None

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time that the block takes."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.add(time.perf_counter() - begun)

    def add(self, took: float) -> None:
        """Count a wait."""
        self.all.append(took)

    @property
    def worst(self) -> float:
        """The longest, seconds."""
        return max(self.all, default=0.0)

    def usually(self, bound: float) -> None:
        """Hold half of the waits against *bound*: a busy machine delays some, not all.

        Raises:

            AssertionError: More than half of them were longer.
        """
        usual = median(self.all)
        assert usual <= bound, f"usually {usual:.3f} s, not {bound:g} s"

    def within(self, bound: float) -> None:
        """Hold the worst wait against what the design promises.

        Raises:

            AssertionError: It was longer, by more than a busy machine adds.
        """
        self.bound = bound
        assert self.worst <= bound + MARGIN, f"{self.worst:.3f} s, not {bound:g} s"

    def tell(self) -> None:
        """Add a line to the file of figures, if one is wanted."""
        path = os.environ.get("FAULTS_FIGURES")
        if path and self.bound is not None:
            line = {"test": self.name, "bound": self.bound, "worst": self.worst}
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
