"""Run one schedule again: ``python -m hybridcache.testing.replay SEED ...``.

It prints every record of the run and then what was broken, if anything was.
"""

import argparse
import sys
from collections.abc import Sequence

from hybridcache.testing.cluster import Cluster
from hybridcache.testing.explore import positive
from hybridcache.testing.faults import KINDS as FAULTS
from hybridcache.testing.history import Violation
from hybridcache.testing.workload import KINDS as WORKLOADS


def main(words: Sequence[str] | None = None) -> int:
    """Run the schedule that *words* name; 1 if a rule was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--nodes", type=positive, default=3)
    parser.add_argument("--workload", choices=WORKLOADS, default="usual")
    parser.add_argument("--faults", choices=FAULTS, default="calm")
    chosen = parser.parse_args(words)
    cluster = Cluster(
        seed=chosen.seed,
        nodes=chosen.nodes,
        workload=WORKLOADS[chosen.workload],
        faults=FAULTS[chosen.faults],
    )
    try:
        cluster.run()
    except Violation as violation:
        verdict = str(violation)
    else:
        verdict = "no rule was broken"
    for one in cluster.history.happenings:
        print(one)  # noqa: T201 (its job)
    print(verdict)  # noqa: T201 (its job)
    return verdict != "no rule was broken"


if __name__ == "__main__":
    sys.exit(main())
