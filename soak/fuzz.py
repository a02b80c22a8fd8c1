"""Throw hostile bytes at everything that reads bytes, for a while.

    python -m soak.fuzz [--seconds N | --inputs N] [--seed N] [--jobs N]

Inputs are mutations of the corpus in tests/corpus by a seeded generator: the same
seed makes the same inputs. Whatever is neither right nor the declared exception is
written to build/fuzz, named on standard output, and the exit code is 1.
"""

import argparse
import itertools
import multiprocessing
import secrets
import sys
import time
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from random import Random
from typing import Final, Protocol

import attrs

from soak.entries import Entries
from soak.mutation import mutate
from soak.replies import Claims, Messages, Records

CORPUS: Final = Path(__file__).parent.parent / "tests" / "corpus"
FOUND: Final = Path("build") / "fuzz"
# Inputs between two looks at the clock.
ROUND: Final = 500
# Of each ten rounds; entries are the largest of the four.
TURNS: Final = ("entry", "claim", "entry", "message", "entry", "claim", "record")


class Target(Protocol):
    """One decoder, and the judge of what it does."""

    name: str

    def seeds(self) -> dict[str, bytes]:
        """Give good inputs by name."""

    def learn(self, data: bytes) -> None:
        """Know *data*, from the corpus, to be possible without forging."""

    def forge(self, random: Random, stem: str, data: bytes) -> bytes | None:
        """Make what an accident would not; None to leave *data* as it is."""

    def check(self, stem: str, data: bytes, *, forged: bool) -> bool:
        """Decode; True if something came of it. AssertionError if that is wrong."""


def targets() -> list[Target]:
    """Give all four."""
    return [Entries(), Messages(), Records(), Claims()]


def corpus(target: Target) -> dict[str, bytes]:
    """Read what the tree keeps for *target*, and its seeds."""
    kept = {
        path.stem: path.read_bytes()
        for path in sorted((CORPUS / target.name).glob("*.bin"))
    }
    return kept | target.seeds()


@attrs.frozen
class Crash:
    """An input that was not dealt with as it should be."""

    target: str
    stem: str
    data: bytes
    error: str


@attrs.define
class Count:
    """What came of the inputs of one target."""

    inputs: int = 0
    accepted: int = 0
    seconds: float = 0.0


@attrs.define
class Result:
    """What one process did."""

    counts: dict[str, Count]
    crashes: list[Crash]


def run(seed: int, inputs: int | None, seconds: float | None) -> Result:
    """Fuzz in this process until so many inputs or seconds have passed."""
    random = Random(seed)
    begun = time.perf_counter()
    all_targets = {target.name: target for target in targets()}
    pools = {name: list(corpus(it).items()) for name, it in all_targets.items()}
    for name, pool in pools.items():
        for _, data in pool:
            all_targets[name].learn(data)
    result = Result({name: Count() for name in all_targets}, [])
    done = 0
    for name in itertools.cycle(TURNS):
        round_begun = time.perf_counter()
        if seconds is not None and round_begun - begun >= seconds:
            break
        left = ROUND if inputs is None else min(ROUND, inputs - done)
        if left <= 0 or len(result.crashes) >= 10:
            break
        count = result.counts[name]
        for stem, data, forged in _inputs(random, all_targets[name], pools[name], left):
            try:
                count.accepted += all_targets[name].check(stem, data, forged=forged)
            # Whatever is raised that the decoder does not declare is what we look for.
            except Exception as error:  # noqa: BLE001
                text = f"{type(error).__name__}: {error}"
                result.crashes.append(Crash(name, stem, data, text))
        done += left
        count.inputs += left
        count.seconds += time.perf_counter() - round_begun
    return result


def _inputs(
    random: Random, target: Target, pool: list[tuple[str, bytes]], count: int
) -> Iterator[tuple[str, bytes, bool]]:
    for _ in range(count):
        stem, data = pool[int(random.random() * len(pool))]
        other = pool[int(random.random() * len(pool))][1]
        worse = mutate(random, data, other)
        forged = target.forge(random, stem, worse)
        yield stem, worse if forged is None else forged, forged is not None


def write_corpus() -> None:
    """Write the seeds of all targets into the tree."""
    for target in targets():
        folder = CORPUS / target.name
        folder.mkdir(parents=True, exist_ok=True)
        for stem, data in target.seeds().items():
            (folder / f"{stem}.bin").write_bytes(data)


def main() -> int:
    """Fuzz as asked for, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m soak.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--inputs", type=int, help="in all processes together")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--write-corpus", action="store_true", help="write the seeds and end"
    )
    asked = parser.parse_args()
    if asked.write_corpus:
        write_corpus()
        return 0
    seconds = 60.0 if asked.seconds is None and asked.inputs is None else asked.seconds
    seed = secrets.randbits(32) if asked.seed is None else asked.seed
    share = None if asked.inputs is None else -(-asked.inputs // asked.jobs)
    print(f"fuzz: seed {seed}, {asked.jobs} process(es)", flush=True)
    begun = time.perf_counter()
    plans = [(seed + job, share, seconds) for job in range(asked.jobs)]
    if asked.jobs == 1:
        results = [run(*plans[0])]
    else:
        with multiprocessing.get_context("spawn").Pool(asked.jobs) as pool:
            results = pool.starmap(run, plans)
    _report(results, time.perf_counter() - begun)
    return 1 if any(result.crashes for result in results) else 0


def _report(results: list[Result], seconds: float) -> None:
    for name in (target.name for target in targets()):
        counts = [result.counts[name] for result in results]
        inputs = sum(count.inputs for count in counts)
        spent = sum(count.seconds for count in counts) or 1.0
        accepted = sum(count.accepted for count in counts)
        rate = inputs / spent
        print(
            f"  {name:<8}{inputs:>12,} inputs{accepted:>12,} accepted{rate:>10,.0f}/s"
        )
    total = sum(count.inputs for one in results for count in one.counts.values())
    crashes = [crash for result in results for crash in result.crashes]
    print(f"  {total:,} inputs in {seconds:.1f} s, {len(crashes)} found wanting")
    for crash in crashes:
        folder = FOUND / crash.target
        folder.mkdir(parents=True, exist_ok=True)
        digest = sha1(crash.data, usedforsecurity=False).hexdigest()[:8]
        path = folder / f"{crash.stem.partition('-')[0]}-found-{digest}.bin"
        path.write_bytes(crash.data)
        print(f"  {path}: {crash.error[:300]}")


if __name__ == "__main__":
    sys.exit(main())
