"""What a mutation is, and what several of them need."""

from collections.abc import Callable

import attrs
import pytest

from hybridcache.adapters.upstream import replies
from hybridcache.engine.request import Fault, Request, Trouble
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


class Anything:
    """Equal to whatever it is compared with."""

    def __eq__(self, _: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __ne__(self, _: object) -> bool:
        return False


def refusals_mean(request: type[Request[object]], meant: object) -> Plant:
    """Have refusals and garbled replies to *request* taken for *meant*."""

    def plant(patch: Patch) -> None:
        read = replies.read

        def misread(asked: Request[object], told: list[object]) -> object:
            answer = read(asked, told)
            refused = isinstance(answer, Fault) and answer.trouble is Trouble.REFUSED
            return meant if refused and isinstance(asked, request) else answer

        patch.setattr("hybridcache.testing.network.read", misread)

    return plant
