"""Rows of slots: plain numbers that are added to, and read when somebody looks.

Adding to a slot is a few bytecodes between two checks for a switch of threads, so that
CPython's interpreter lock keeps it whole, in a list as in a memoryview; a lock or a
metric object would cost more than the memory hit that it counts.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import attrs

from hybridcache.engine.memory import Cause
from hybridcache.engine.metrics import EVICTIONS, Metric


class Slots(Protocol):
    """Numbers in a fixed order: a list, or a view of a file."""

    def __getitem__(self, slot: int, /) -> float: ...

    def __setitem__(self, slot: int, value: float, /) -> None: ...

    def __iter__(self) -> Iterator[float]: ...


@attrs.frozen
class Sample:
    """What one slot counts.

    Attributes:

        metric: Whose it is.

        labels: Their values.

        part: ``total``, or of a histogram ``bucket`` or ``sum``.

        bound: The upper bound of a bucket, as Prometheus writes it.
    """

    metric: Metric
    labels: tuple[str, ...]
    part: str = "total"
    bound: str | None = None


@attrs.define(eq=False)
class Row(ABC):
    """Some slots that are counted in together.

    Attributes:

        slots: The numbers. Whoever counts takes them from here each time: in the
            child of a fork they are others.
    """

    slots: Slots = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin at zero."""
        self.slots = [0] * len(self.samples)

    @property
    @abstractmethod
    def samples(self) -> Sequence[Sample]:
        """What each slot counts."""


@attrs.define(eq=False)
class Count(Row):
    """One counter."""

    metric: Metric
    labels: tuple[str, ...]

    @property
    def samples(self) -> Sequence[Sample]:
        """What its slot counts."""
        return (Sample(self.metric, self.labels),)

    def add(self) -> None:
        """Count one."""
        self.slots[0] += 1


@attrs.define(eq=False)
class Histogram(Row):
    """One histogram: a slot for each bucket, each on its own, and one for the sum.

    A hit in Redis counts in three: `Figures.measure` adds to the slots itself.
    """

    metric: Metric
    labels: tuple[str, ...]
    bounds: tuple[float, ...] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin at zero."""
        Row.__attrs_post_init__(self)
        self.bounds = self.metric.bounds

    @property
    def samples(self) -> Sequence[Sample]:
        """What each slot counts."""
        bounds = (*map(repr, self.metric.bounds), "+Inf")
        buckets = [Sample(self.metric, self.labels, "bucket", one) for one in bounds]
        return (*buckets, Sample(self.metric, self.labels, "sum"))


_CAUSES: Final = tuple(Cause)
_SLOT_OF: Final = {cause: slot for slot, cause in enumerate(_CAUSES)}


@attrs.define(eq=False)
class Evictions(Row):
    """The entries of one cache that left memory."""

    cache: str

    @property
    def samples(self) -> Sequence[Sample]:
        """What each slot counts."""
        return [Sample(EVICTIONS, (self.cache, cause.value)) for cause in _CAUSES]

    def add(self, cause: Cause) -> None:
        """Count one that left."""
        self.slots[_SLOT_OF[cause]] += 1
