"""Run many schedules: ``python -m hybridcache.testing.explore --seeds 0:10000``.

A seed goes with each kind of faults and of workload in turn, so that a range of
seeds has them all. Prints each violation when it is found, with what replays it,
how far it is now and then, and at the end how many ran and how long; it goes on after
a violation.
"""

import argparse
import gc
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
# Seconds from one line of progress to the next.
PROGRESS_EVERY = 30.0


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


def seeds_of(words: str) -> range:
    """Read ``A:B``.

    Raises:

        ArgumentTypeError: It is none.
    """
    first, _, last = words.partition(":")
    if not (first.isdecimal() and last.isdecimal() and int(first) < int(last)):
        msg = f"A:B is two numbers, the first below the second, not {words!r}"
        raise argparse.ArgumentTypeError(msg)
    return range(int(first), int(last))


def positive(word: str) -> int:
    """Read a number from 1 on.

    Raises:

        ArgumentTypeError: It is none.
    """
    if not word.isdecimal() or int(word) < 1:
        msg = f"a number from 1 on, not {word!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(word)


def settle() -> None:
    """Set up a process that does nothing but run seeds."""
    # All that is imported stays: do not look through it for garbage again and again.
    gc.collect()
    gc.freeze()


def say(line: str) -> None:
    """Print *line* at once, for whoever follows a long run in a file."""
    print(line, flush=True)  # noqa: T201 (its job)


def main(words: Sequence[str] | None = None) -> int:
    """Run the seeds that *words* say; 1 if a rule was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seeds",
        type=seeds_of,
        default="0:1000",
        help="A:B, B left out",
        metavar="A:B",
    )
    parser.add_argument("--processes", type=positive, default=2)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    chosen = parser.parse_args(words)
    seeds = chosen.seeds
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    begun, count, lookups, violations = time.monotonic(), 0, 0, 0
    told_at = begun
    spawning = multiprocessing.get_context("spawn")
    with spawning.Pool(chosen.processes, initializer=settle) as pool:
        for chunk, (served, broken) in zip(
            chunks, pool.imap(run, chunks), strict=False
        ):
            count, lookups = count + len(chunk), lookups + served
            violations += len(broken)
            for violation in broken:
                say(violation)
            now = time.monotonic()
            if now - told_at >= PROGRESS_EVERY:
                told_at = now
                say(f"{count} schedules, {now - begun:.0f} s, {violations} violations")
            if now - begun > chosen.seconds:
                break
    took = time.monotonic() - begun
    say(
        f"{count} schedules from seed {seeds[0]} in {took:.1f} s,"
        f" {lookups} lookups, {lookups / took:.0f}/s, {violations} violations"
    )
    return bool(violations)


if __name__ == "__main__":
    sys.exit(main())
