"""Run many schedules: ``python -m hybridcache.testing.explore --seeds 0:10000``.

A seed goes with each kind of faults and of workload in turn, so that a range of
seeds has them all. Prints how many ran, how long, and the first that broke a rule.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence

from hybridcache.testing.cluster import Cluster
from hybridcache.testing.faults import KINDS as FAULTS
from hybridcache.testing.history import Violation
from hybridcache.testing.workload import KINDS as WORKLOADS

# Seeds that a process runs at a time.
CHUNK = 50


def cluster_of(seed: int) -> Cluster:
    """Make the cluster that *seed* stands for here."""
    faults, workloads = list(FAULTS.values()), list(WORKLOADS.values())
    place = seed % (len(faults) * len(workloads))
    return Cluster(
        seed=seed,
        nodes=1 + seed % 4,
        workload=workloads[place % len(workloads)],
        faults=faults[place // len(workloads)],
    )


def run(seeds: range) -> tuple[int, list[str]]:
    """Run *seeds*; return how many lookups there were, and each violation."""
    lookups, found = 0, []
    for seed in seeds:
        cluster = cluster_of(seed)
        try:
            cluster.run()
        except Violation as violation:
            found.append(str(violation))
        lookups += cluster.history.lookups
    return lookups, found


def main(words: Sequence[str] | None = None) -> int:
    """Run the seeds that *words* say; 1 if a rule was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0:1000", help="A:B, B left out")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    chosen = parser.parse_args(words)
    first, last = map(int, chosen.seeds.split(":"))
    chunks = [range(at, min(at + CHUNK, last)) for at in range(first, last, CHUNK)]
    begun, count, lookups = time.monotonic(), 0, 0
    found: list[str] = []
    with multiprocessing.get_context("spawn").Pool(chosen.processes) as pool:
        for chunk, (served, broken) in zip(
            chunks, pool.imap(run, chunks), strict=False
        ):
            count, lookups = count + len(chunk), lookups + served
            found += broken
            if time.monotonic() - begun > chosen.seconds:
                break
    took = time.monotonic() - begun
    for violation in found[:10]:
        print(violation)  # noqa: T201 (its job)
    print(  # noqa: T201 (its job)
        f"{count} schedules from seed {first} in {took:.1f} s,"
        f" {lookups} lookups, {lookups / took:.0f}/s, {len(found)} violations"
    )
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
