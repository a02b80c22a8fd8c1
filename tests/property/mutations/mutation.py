"""What a mutation is, and what several of them need."""

from collections.abc import Callable

import attrs
import pytest

from hybridcache.testing import Faults, Workload
from hybridcache.testing import faults as faulty
from hybridcache.testing import workload as work

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


@attrs.frozen
class Mutation:
    """What is broken, where it shows, and which rules are then breached, each."""

    name: str
    rules: str
    plant: Plant
    workload: Workload = work.USUAL
    faults: Faults = faulty.CALM
    nodes: int = 3


# Most outlast the three seconds of a lease, and nothing ends one but its time.
LONG_LOADS = Workload(
    keys=1, burst=0.3, span=15.0, slow=0.9, failing=0.0, unstored=0.0,
    invalidate=0.0, clear=0.0,
)  # fmt: skip


def nothing(*_: object, **__: object) -> None:
    """Do nothing."""
    return
