"""The corpus of hostile bytes, replayed, and a short fuzz from a fixed seed."""

import pytest

from soak import fuzz
from soak.fuzz import CORPUS, Target

TARGETS = {target.name: target for target in fuzz.targets()}
INPUTS = [(path.parent.name, path.stem) for path in sorted(CORPUS.glob("*/*.bin"))]


@pytest.mark.parametrize(("name", "stem"), INPUTS)
def test_replay(name: str, stem: str) -> None:
    """Each input is read right or refused as declared; the good ones are read."""
    data = (CORPUS / name / f"{stem}.bin").read_bytes()

    # As if forged: the file itself may be what nobody's encoder made.
    assert ("-good" in stem) == TARGETS[name].check(stem, data, forged=True)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_kept(target: Target) -> None:
    """The tree keeps what the fuzzer starts from; `--write-corpus` renews it."""
    kept = {path.stem: path.read_bytes() for path in (CORPUS / target.name).iterdir()}

    assert target.seeds().items() <= kept.items()


def test_short_fuzz() -> None:
    """Some thousand mutations of it are read right or refused as declared."""
    assert [] == fuzz.run(1, 20_000, None).crashes


def test_same_seed() -> None:
    """The same seed makes the same inputs."""
    one, other = (fuzz.run(7, 2_000, None).counts for _ in range(2))

    assert {name: (count.inputs, count.accepted) for name, count in one.items()} == {
        name: (count.inputs, count.accepted) for name, count in other.items()
    }
