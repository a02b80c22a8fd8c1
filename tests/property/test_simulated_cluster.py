"""Section 5 of the design on simulated clusters, under drawn and given schedules."""

import re
from collections.abc import Callable

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridcache.core.outcome import HitFresh, Miss, Suppressed, Tier
from hybridcache.core.policy import Policy
from hybridcache.testing import Cluster, Faults, Violation, Workload
from hybridcache.testing import faults as faulty
from hybridcache.testing import workload as work
from hybridcache.testing.checker import check
from hybridcache.testing.explore import cluster_of
from hybridcache.testing.history import Happening, LoadBegan, LookupEnded

_share = st.sampled_from([0.0, 0.0, 0.02, 0.1])
_count = st.sampled_from([0.0, 0.0, 1.0, 2.0])
_strikes = st.lists(
    st.tuples(st.sampled_from(faulty.EVENTS), st.floats(0.0, 12.0)), max_size=6
)
_faults = st.builds(
    Faults,
    request_lost=_share,
    reply_lost=_share,
    late=_share,
    reset=_share,
    garbled=_share,
    message_lost=_share,
    message_twice=_share,
    message_late=_share,
    cancelled=_share,
    cut_short=_share,
    dying=st.sampled_from([0.0, 0.0, 0.0, 0.01]),
    stopped=st.sampled_from([0.0, 0.0, 0.0, 0.01]),
    strikes=_strikes,
    **dict.fromkeys(faulty.EVENTS, _count),
    skew=st.sampled_from([0.0, 3600.0]),
    drift=st.sampled_from([0.0, 0.0005]),
)
_policies = st.lists(
    st.builds(
        Policy.evolve,
        st.sampled_from(work.USUAL.policies),
        suppress=st.sampled_from(["cluster", "process", "none"]),
        run_in=st.sampled_from(["worker", "caller"]),
        share=st.booleans(),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
_kinds = st.sampled_from(list(work.KINDS.values()))
_workloads = st.builds(
    attrs.evolve,
    _kinds | st.builds(attrs.evolve, _kinds, policies=_policies),
    values=st.sampled_from(["numbers", "lists", "baskets"]),
    max_bytes=st.sampled_from([None, None, 2_000]),
    calls=st.integers(1, 40),
    keys=st.integers(1, 4),
    burst=st.sampled_from([0.0, 0.5, 0.9]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    nodes=st.integers(1, 4),
    workload=_workloads,
    faults=_faults,
)
def test_no_schedule_breaks_a_rule(
    seed: int, nodes: int, workload: Workload, faults: Faults
) -> None:
    """Whatever is called and whatever fails, in whatever order, the rules hold."""
    Cluster(seed=seed, nodes=nodes, workload=workload, faults=faults).run()


_PAIRS = len(faulty.KINDS) * len(work.KINDS)


@pytest.mark.parametrize("first", range(0, _PAIRS, 28))
def test_each_kind_of_fault_and_workload_keeps_the_rules(first: int) -> None:
    """Each family of faults alone, with each workload, keeps the rules."""
    for seed in range(first, min(first + 28, _PAIRS)):
        cluster_of(seed).run()


# Seeds under which a bug was found that is fixed.
_ONCE_BROKEN = [
    # A stale hit waited for its refresh, expired meanwhile, and was served.
    (8, work.USUAL, faulty.CALM),
    (17, work.USUAL, faulty.CALM),
    (17, attrs.evolve(work.HANGING, policies=work.USUAL.policies), faulty.CALM),
    (5, work.STAMPEDE, faulty.CLOCKS),
]


@pytest.mark.parametrize(("seed", "workload", "faults"), _ONCE_BROKEN)
def test_what_was_fixed_stays_fixed(
    seed: int, workload: Workload, faults: Faults
) -> None:
    """A schedule that once broke a rule breaks none."""
    Cluster(seed=seed, workload=workload, faults=faults).run()


def test_a_load_that_was_given_up_never_begins() -> None:
    """Who asks for a lease until `abandon_after` is over hands over, and loads nothing."""
    faults = Faults(cut_short=0.1, stopped=0.01)
    Cluster(seed=20091709, nodes=2, workload=work.HANGING, faults=faults).run()


@pytest.mark.parametrize("seed", range(4))
def test_a_stale_hit_that_waits_is_not_served_once_expired(seed: int) -> None:
    """Who waits for a slow refresh with `stale_wait` gets nothing past its `ttl`."""
    Cluster(seed=seed, nodes=1, workload=work.WAITING).run()


@pytest.mark.parametrize(
    ("seed", "workload", "faults"),
    [
        (7, work.CLEARING, faulty.CALM),
        (408824, work.CLEARING, faulty.SUBSCRIPTIONS),
        (415916, work.CLEARING, faulty.CLOCKS),
    ],
)
def test_a_load_never_waits_for_its_own_lease(
    seed: int, workload: Workload, faults: Faults
) -> None:
    """Detached by a clear, loads that ask for each other are told so at once."""
    Cluster(seed=seed, nodes=1, workload=workload, faults=faults).run()


def test_a_load_whose_invalidation_was_missed_is_not_joined_for_long() -> None:
    """A node cut off during an invalidation lets go of its load within 3 s."""
    Cluster(seed=703333, nodes=2, workload=work.STAMPEDE, faults=faulty.MESSAGES).run()


def test_a_result_from_before_a_clear_is_not_told_after_it() -> None:
    """What a load left its waiters unstored is not for those who ask after a clear."""
    Cluster(
        seed=834905, nodes=2, workload=work.STAMPEDE, faults=faulty.SUBSCRIPTIONS
    ).run()


def test_what_an_unreached_redis_still_held_may_be_served() -> None:
    """An invalidation that Redis did not take says so; its records may be told on."""
    Cluster(seed=1195601, nodes=2, workload=work.STAMPEDE, faults=faulty.REDIS).run()


def test_a_load_without_a_lease_is_judged_by_itself() -> None:
    """A process that stood still while it asked for the lease loads without one."""
    Cluster(seed=1260889, nodes=2, workload=work.WAITING, faults=faulty.PROCESSES).run()


def test_a_lease_that_ran_out_before_its_load_began_is_no_lease() -> None:
    """A process that stood still after it was granted a lease asks for it again."""
    Cluster(seed=2592891, nodes=4, workload=work.WAITING, faults=faulty.STORM).run()


def test_a_load_that_runs_in_its_caller_may_end_with_it() -> None:
    """Who is cancelled while it stores gives its lease back, whichever comes first."""
    Cluster(seed=7037219, nodes=4, workload=work.INLINE, faults=faulty.MOMENTS).run()


def test_what_memory_held_may_be_served_after_some_timeouts() -> None:
    """A caller who looked in time may wait for a Redis that hangs, and is served."""
    Cluster(seed=7130581, nodes=2, workload=work.STAMPEDE, faults=faulty.STORM).run()


def test_a_lease_may_be_granted_to_who_stands_still() -> None:
    """Who is told of its lease too late to renew it has lost it rightly."""
    policy = Policy(fresh_for=1.5, ttl=5.0, wait_for=6.0, retry_after=1.0)
    inline = policy.evolve(run_in="caller")
    workload = Workload(calls=9, keys=4, burst=0.9, policies=(inline,))
    faults = Faults(
        request_lost=0.1,
        late=0.1,
        message_lost=0.02,
        message_late=0.1,
        cancelled=0.02,
        pauses=1.0,
        restarts=1.0,
        corruptions=1.0,
    )
    Cluster(seed=1, nodes=1, workload=workload, faults=faults).run()


@pytest.mark.parametrize(
    ("seed", "nodes", "faults"),
    [
        # It joined a lookup that read the record of a failure.
        (24, 1, faulty.CALM),
        (186, 3, faulty.CALM),
        # It joined a lookup that waited for what was left there before.
        (328, 1, faulty.MESSAGES),
        (955, 4, faulty.MESSAGES),
        (1501, 2, faulty.MESSAGES),
    ],
)
def test_a_refresh_has_nothing_from_before_it(
    seed: int, nodes: int, faults: Faults
) -> None:
    """Neither a value nor a failure from before a refresh is what it ends with."""
    Cluster(seed=seed, nodes=nodes, workload=work.FORCING, faults=faults).run()


def test_a_silent_subscription_is_noticed_in_spite_of_clears() -> None:
    """A subscription that fell silent costs its waiters no more than it must."""
    Cluster(seed=1408548, nodes=1, workload=work.CLEARING, faults=faulty.MESSAGES).run()


def test_equal_seeds_give_equal_runs() -> None:
    """A seed replays to the last record."""
    first = Cluster(seed=5, faults=faulty.STORM).run()
    again = Cluster(seed=5, faults=faulty.STORM).run()

    assert first == again


def test_other_seeds_give_other_runs() -> None:
    """Another seed is another schedule."""
    first, other = Cluster(seed=1).run(), Cluster(seed=2).run()

    assert first.happenings != other.happenings


def test_a_cluster_runs_once() -> None:
    """Who runs one again is told to make another."""
    cluster = Cluster(seed=1)
    cluster.run()

    with pytest.raises(RuntimeError, match=r"Cluster\(seed=1\)"):
        cluster.run()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Cluster(seed=1, nodes=0), "nodes must be 1 or more, not 0"),
        (lambda: Workload(keys=0), "keys must be 1 or more, not 0"),
        (lambda: Workload(max_items=0), "max_items must be 1 or more, not 0"),
        (lambda: Workload(burst=1.5), "burst must be a share from 0 to 1, not 1.5"),
        (lambda: Workload(policies=()), "policies must hold one Policy or more"),
        (
            lambda: Workload(policies=[1]),  # type: ignore[list-item]
            "of which each key is given one, not (1,)",
        ),
        (lambda: Workload(values="foo"), "'numbers', 'lists', 'baskets', not 'foo'"),
        (lambda: Faults(late=2.0), "late must be a share from 0 to 1, not 2.0"),
        (lambda: Faults(hangs=-1), "hangs must be a number from 0 on, not -1"),
        (lambda: Faults(strikes=[("hang", 1.0)]), "'hang' is none of them"),
        (lambda: Faults(strikes=[("hangs", -1.0)]), "a number from 0 on, not -1.0"),
        (lambda: Workload(span=-1.0), "span must be seconds from 0 on, not -1.0"),
        (lambda: Workload(max_bytes=0), "max_bytes must be 1 or more, not 0"),
    ],
)
def test_what_cannot_be_run_is_refused(made: Callable[[], object], said: str) -> None:
    """A wrong argument is named where it is given, not blamed on the library."""
    with pytest.raises(ValueError, match=re.escape(said)):
        made()


def test_a_stampede_is_one_load() -> None:
    """Callers of a cold key at one moment in three processes share one load."""
    workload = Workload(
        calls=60, keys=1, span=0.1, burst=1.0, slow=0.0, failing=0.0,
        unstored=0.0, invalidate=0.0, clear=0.0, refresh=0.0, peek=0.0,
    )  # fmt: skip
    history = Cluster(seed=1, workload=workload).run()
    ends = [one for one in history.happenings if isinstance(one, LookupEnded)]
    loads = [one for one in history.happenings if isinstance(one, LoadBegan)]

    assert 1 == len(loads)
    assert {1} == {end.value for end in ends}
    assert {HitFresh.tag, Miss.tag, Suppressed.tag} >= {end.outcome for end in ends}
    assert {"loader", "redis", "memory"} >= {end.tier for end in ends}
    assert Tier.LOADER.value in {end.tier for end in ends}


def test_a_violation_says_how_to_replay_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last line of a violation makes the same run again."""
    monkeypatch.setattr(
        "hybridcache.engine.poison.PoisonRegistry.close", lambda *_: None
    )
    with pytest.raises(Violation) as caught:
        Cluster(seed=3, nodes=1, workload=Workload(calls=8, keys=1)).run()

    line = str(caught.value).splitlines()[-1]
    again = eval(line.removesuffix(".run()"))
    with pytest.raises(Violation, match=r"rule 14"):
        again.run()


@pytest.mark.parametrize("workload", work.KINDS.values(), ids=work.KINDS)
@pytest.mark.parametrize("faults", faulty.KINDS.values(), ids=faulty.KINDS)
def test_what_replays_is_python(workload: Workload, faults: Faults) -> None:
    """Every kind of cluster is written as the expression that makes it again."""
    made = Cluster(seed=5, nodes=2, workload=workload, faults=faults)

    again = eval(repr(made))

    assert (5, 2) == (again.seed, again.nodes)
    assert (workload, faults) == (again.workload, again.faults)


def test_a_breach_is_seen_at_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """What shows in one record is judged when that is taken down, not at the end."""
    monkeypatch.setattr("hybridcache.engine.memory.MemoryTier.drop", lambda *_: None)
    cluster = Cluster(seed=0, workload=work.RENEWING)
    taken: list[tuple[object, int]] = []
    judged = cluster.history.told

    def told(one: Happening) -> None:
        judged(one)
        taken.append((one, len(cluster.judge.found)))

    cluster.history.told = told
    with pytest.raises(Violation, match=r"rule 3"):
        cluster.run()

    first = next(one for one, found in taken if found)
    assert str(first) in cluster.judge.found[0]
    assert check(cluster.history) == cluster.judge.found
