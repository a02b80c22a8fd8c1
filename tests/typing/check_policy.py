"""Policy without any cache: each decision narrowed to what it can be."""

from datetime import timedelta
from typing import assert_type

from hybridcache import (
    Absent,
    Decision,
    Entry,
    Expired,
    Fetch,
    Fresh,
    Freshness,
    Policy,
    RunIn,
    Serve,
    ServeAndRefresh,
    ServeHeldOff,
    Stale,
    Suppress,
    assess,
    decide,
)

policy = Policy(fresh_for=timedelta(minutes=1), ttl=3600, wait_for=20)
entry = Entry("value", written_at=0.0, fresh_for=60.0, ttl=3600.0)


def takes_any(entry: Entry[object]) -> None:
    assert_type(entry.value, object)


def an_entry_carries_its_value() -> None:
    assert_type(entry, Entry[str])
    assert_type(entry.value, str)
    takes_any(entry)


def assessing_gives_one_of_three() -> str:
    state = assess(entry, policy, now=61.0)
    assert_type(state, Freshness)
    match state:
        case Fresh(age=age, due=due):
            assert_type(due, bool)
            return f"{age}"
        case Stale(staleness=staleness):
            return f"{staleness}"
        case Expired(age=age):
            return f"{age}"


def deciding_is_as_narrow_as_its_state() -> None:
    now = 61.0
    assert_type(decide(Fresh(1.0), policy, now=now), Serve | ServeAndRefresh)
    assert_type(
        decide(Stale(61.0, 1.0), policy, now=now),
        ServeAndRefresh | ServeHeldOff | Fetch,
    )
    assert_type(decide(Expired(3600.0), policy, now=now), Fetch)
    assert_type(decide(Absent(), policy, now=now), Fetch)
    state = assess(entry, policy, now=now)
    assert_type(decide(state, policy, now=now, held_until=90.0), Decision)


def a_decision_is_one_of_four(decision: Decision) -> str:
    match decision:
        case Serve():
            return "serve"
        case ServeAndRefresh():
            return "serve and refresh"
        case ServeHeldOff():
            return "serve for now"
        case Fetch():
            return "ask the next tier"


def options_keep_their_types() -> None:
    assert_type(policy.fresh_for, float)
    assert_type(policy.abandon_after, float | None)
    assert_type(policy.suppress, Suppress)
    assert_type(policy.run_in, RunIn)
    Policy(fresh_for=1, ttl=2, suppress="process", run_in=RunIn.CALLER)

    Policy(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Policy(fresh_for=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Policy(fresh_for="1", ttl=2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Policy(fresh_for=1, ttl=2, suppress="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Policy(fresh_for=1, ttl=2, stale_for=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    policy.ttl = 7  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


def evolving_takes_the_same_options() -> None:
    assert_type(policy.evolve(ttl=timedelta(hours=2)), Policy)
    assert_type(policy.evolve(abandon_after=None, run_in="caller"), Policy)

    policy.evolve(ttl="2 h")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    policy.evolve(stale_for=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    policy.evolve(suppress="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def time_is_a_keyword() -> None:
    assess(entry, policy, 61.0)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assess("value", policy, now=61.0)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
