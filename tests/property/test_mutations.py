"""Tests of the tests: with a rule's guard taken out, the breach is found."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hybridcache.engine.command import Ask, AsyncPorts, Await, CallLoader
from hybridcache.engine.current import Raised
from hybridcache.engine.request import Fault, Trouble
from hybridcache.testing import Cluster, Violation
from tests.falsified import falsified
from tests.property import test_flows, test_parity
from tests.property.mutations import calls, entries, invalidations, loads
from tests.property.mutations.mutation import Mutation, Patch

# So many schedules may pass before the breach is found.
SEEDS = 60

ROOT = Path(__file__).parents[2]

MUTATIONS = (
    *entries.MUTATIONS,
    *loads.MUTATIONS,
    *calls.MUTATIONS,
    *invalidations.MUTATIONS,
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_a_broken_library_breaks_a_rule(
    mutation: Mutation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a rule's guard prevents happens within a few schedules without it."""
    mutation.plant(monkeypatch)
    missing = set(mutation.rules.split(", "))

    for seed in range(SEEDS):
        cluster = Cluster(
            seed=seed,
            nodes=mutation.nodes,
            workload=mutation.workload,
            faults=mutation.faults,
        )
        try:
            cluster.run()
        except Violation as violation:
            missing -= {line.split(":")[0] for line in str(violation).splitlines()}
        if not missing:
            return
    pytest.fail(f"{SEEDS} schedules, and {missing} held though {mutation.name}")


def test_each_mutation_is_documented() -> None:
    """The table of docs/reliability.md names every mutation, and no other."""
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8").replace("`", "")
    table = page.partition("| taken out | seen as |\n|---|---|\n")[2].split("\n\n")[0]

    named = [row.split("|")[1].strip() for row in table.splitlines()]
    assert sorted(named) == sorted(one.name for one in MUTATIONS)


def _ends_waits_at_once(patch: Patch) -> None:
    async def arun(*_: object) -> None:
        return

    patch.setattr(Await, "arun", arun)


def _takes_refusals_for_outages(patch: Patch) -> None:
    answer = Ask.arun

    async def arun(one: Ask[object], ports: AsyncPorts) -> object:
        told = await answer(one, ports)
        return Fault(Trouble.DOWN, "told so") if isinstance(told, Fault) else told

    patch.setattr(Ask, "arun", arun)


def _wraps_errors(patch: Patch) -> None:
    call = CallLoader.arun

    async def arun(one: CallLoader, ports: AsyncPorts) -> object:
        told = await call(one, ports)
        if isinstance(told, Raised):
            return Raised(RuntimeError(str(told.error)), told.traceback)
        return told

    patch.setattr(CallLoader, "arun", arun)


COLOURS_OF_THEIR_OWN = {
    "waits end at once": _ends_waits_at_once,
    "a refusal is an outage": _takes_refusals_for_outages,
    "a loader's error is wrapped": _wraps_errors,
}
colours_of_their_own = pytest.mark.parametrize(
    "plant", COLOURS_OF_THEIR_OWN.values(), ids=COLOURS_OF_THEIR_OWN.keys()
)


@colours_of_their_own
def test_tasks_that_are_told_otherwise_are_noticed(
    plant: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one command answers tasks otherwise, their caches say other things."""
    plant(monkeypatch)

    def alike(script: list[test_parity.Step]) -> None:
        assert test_parity.said("sync", script) == test_parity.said("async", script)

    assert falsified(alike, 150, script=test_parity.scripts)


@colours_of_their_own
def test_a_driver_that_answers_otherwise_is_noticed(
    plant: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one command answers tasks otherwise, the flows come to other ends."""
    plant(monkeypatch)

    assert falsified(
        test_flows.test_colours.hypothesis.inner_test,  # type: ignore[attr-defined]  # given's
        300,
        script=test_flows.scripts,
        made=test_flows.calls,
        policy=test_flows.policies,
        shape=test_flows.shapes,
        redis=test_flows.redis_or_not,
    )
