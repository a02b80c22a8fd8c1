"""Freshness only decays, and nothing expired is ever served."""

from typing import assert_never

import attrs
from hypothesis import given
from hypothesis import strategies as st

from hybridcache.core.decision import (
    Absent,
    Expired,
    Fetch,
    Fresh,
    Freshness,
    Serve,
    ServeAndRefresh,
    ServeHeldOff,
    Stale,
    assess,
    decide,
    jittered,
)
from hybridcache.core.entry import Entry
from hybridcache.core.outcome import (
    HitFresh,
    HitStale,
    Miss,
    Outcome,
    Peeked,
    Refresh,
    Scope,
    Suppressed,
    Tier,
    UpstreamDown,
)
from hybridcache.core.policy import Policy

instants = st.floats(-1e9, 1e9)
ages = st.one_of(st.floats(0, 1e4), st.integers(0, 20).map(float))
shares = st.one_of(st.none(), st.floats(0, 1, exclude_max=True))
draws = st.floats(0, 1, exclude_max=True)


@st.composite
def entries(draw: st.DrawFn) -> Entry[str]:
    """An entry with any lifetimes, `fresh_for` within `ttl`."""
    ttl = draw(ages)
    fresh_for = draw(st.one_of(st.just(ttl), st.just(0.0), st.floats(0, ttl)))
    return Entry("v", written_at=draw(instants), fresh_for=fresh_for, ttl=ttl)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """A policy of any kind."""
    ttl = draw(st.floats(1e-3, 1e4))
    return Policy(
        fresh_for=draw(st.floats(0, ttl)),
        ttl=ttl,
        jitter=draw(draws),
        refresh_ahead=draw(shares),
        max_stale=draw(st.one_of(st.none(), ages)),
    )


def rank(state: Freshness) -> int:
    """Order the states as time goes by."""
    match state:
        case Fresh(due=due):
            return int(due)
        case Stale():
            return 2
        case Expired():
            return 3


@given(entries(), policies(), instants, instants)
def test_decay(entry: Entry[str], policy: Policy, one: float, other: float) -> None:
    """As time goes by an entry is fresh, due, stale, expired, and never goes back."""
    early, late = sorted((one, other))

    before = assess(entry, policy, now=early)
    after = assess(entry, policy, now=late)

    assert rank(before) <= rank(after)
    assert before.age <= after.age


@given(entries(), policies(), st.floats(), st.floats())
def test_total(
    entry: Entry[str], policy: Policy, now: float, held_until: float
) -> None:
    """Every entry at every instant has a state and a decision, NaN included."""
    state = assess(entry, policy, now=now)

    assert isinstance(state, Fresh | Stale | Expired)
    assert isinstance(
        decide(state, policy, now=now, held_until=held_until),
        Serve | ServeAndRefresh | ServeHeldOff | Fetch,
    )


@given(entries(), policies(), ages, instants)
def test_nothing_expired(
    entry: Entry[str], policy: Policy, age: float, held: float
) -> None:
    """An entry that is `ttl` old or older is fetched anew, whatever the policy."""
    entry = attrs.evolve(entry, written_at=0.0)
    state = assess(entry, policy, now=age)
    decision = decide(state, policy, now=age, held_until=held)

    assert (age >= entry.ttl) == isinstance(state, Expired)
    if age >= entry.ttl:
        assert Fetch() == decision


@given(entries(), policies())
def test_bounds(entry: Entry[str], policy: Policy) -> None:
    """An instant on a bound belongs to the later state."""
    entry = attrs.evolve(entry, written_at=0.0)

    assert Expired(entry.ttl) == assess(entry, policy, now=entry.ttl)
    if entry.fresh_for < entry.ttl:
        at_bound = assess(entry, policy, now=entry.fresh_for)

        assert Stale(entry.fresh_for, 0.0) == at_bound
    ahead = policy.refresh_ahead
    if ahead is not None and ahead * entry.fresh_for < entry.fresh_for:
        due_at = ahead * entry.fresh_for

        assert Fresh(due_at, due=True) == assess(entry, policy, now=due_at)


@given(entries(), policies(), st.floats(0, 1e9))
def test_clock_went_back(entry: Entry[str], policy: Policy, back: float) -> None:
    """A clock that went back makes an entry new, never younger than that."""
    assert 0.0 == assess(entry, policy, now=entry.written_at - back).age


@given(policies(), ages, instants, instants)
def test_max_stale(policy: Policy, staleness: float, now: float, held: float) -> None:
    """What is `max_stale` past its freshness or more is not served, held off or not."""
    decision = decide(Stale(staleness, staleness), policy, now=now, held_until=held)

    refused = policy.max_stale is not None and staleness >= policy.max_stale
    assert refused == isinstance(decision, Fetch)


@given(policies(), st.booleans(), instants, instants)
def test_held_off(policy: Policy, due: bool, now: float, held: float) -> None:
    """Until a failed refresh's time is over no other starts; from then on one does."""
    policy = policy.evolve(max_stale=None)
    fresh = decide(Fresh(1.0, due=due), policy, now=now, held_until=held)
    stale = decide(Stale(1.0, 0.5), policy, now=now, held_until=held)

    assert (due and now >= held) == isinstance(fresh, ServeAndRefresh)
    assert (now >= held) == isinstance(stale, ServeAndRefresh)
    assert (now < held) == isinstance(stale, ServeHeldOff)


@given(policies(), instants)
def test_absent(policy: Policy, now: float) -> None:
    """What a tier does not have is fetched."""
    assert Fetch() == decide(Absent(), policy, now=now)


@given(policies(), draws, ages)
def test_jitter(policy: Policy, draw: float, fresh_for: float) -> None:
    """Jitter takes off at most its share and never adds."""
    shortened = jittered(fresh_for, policy, draw=draw)

    assert fresh_for * (1.0 - policy.jitter) <= shortened <= fresh_for


def outcome_word(outcome: Outcome[int]) -> str:
    """Match every outcome without a wildcard."""
    match outcome:
        case HitFresh(value):
            return f"fresh {value}"
        case HitStale(value):
            return f"stale {value}"
        case Miss(value):
            return f"miss {value}"
        case Suppressed(value):
            return f"suppressed {value}"
        case UpstreamDown(value):
            return f"down {value}"
        case _:
            assert_never(outcome)


def peeked_word(peeked: Peeked[int]) -> str:
    """Match everything that peek returns without a wildcard."""
    match peeked:
        case HitFresh(value) | HitStale(value):
            return f"hit {value}"
        case Miss(None) | UpstreamDown(None):
            return "nothing"
        case _:
            assert_never(peeked)


OUTCOMES: list[Outcome[int]] = [
    HitFresh(1, tier=Tier.MEMORY, age=0.0),
    HitStale(2, tier=Tier.REDIS, age=0.0, refresh=Refresh.STARTED),
    Miss(3, load_seconds=0.0, stored=frozenset()),
    Suppressed(4, waited=0.0, scope=Scope.PROCESS),
    UpstreamDown(5, cause="", tier=Tier.LOADER),
]


def test_outcomes_are_exhaustive() -> None:
    """Five patterns with the value alone in its place cover all outcomes."""
    expected = ["fresh 1", "stale 2", "miss 3", "suppressed 4", "down 5"]

    assert expected == [outcome_word(one) for one in OUTCOMES]


def test_tags() -> None:
    """Each outcome's tag is the one that dashboards know."""
    expected = ["hit-fresh", "hit-stale", "miss", "suppressed", "upstream-down"]

    assert expected == [one.tag for one in OUTCOMES]


def test_peeked_is_exhaustive() -> None:
    """A peek finds a value or says that there is none."""
    peeked: list[Peeked[int]] = [
        HitFresh(1, tier=Tier.MEMORY, age=0.0),
        Miss(None, load_seconds=0.0, stored=frozenset()),
        UpstreamDown(None, cause="", tier=Tier.REDIS),
    ]

    assert ["hit 1", "nothing", "nothing"] == [peeked_word(one) for one in peeked]
