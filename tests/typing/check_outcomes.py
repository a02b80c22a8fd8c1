"""Outcomes: a closed union, each record with the fields that it promises."""

from typing import Literal, assert_type

from hybridcache import (
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


def five_cases_are_all(outcome: Outcome[list[int]]) -> str:
    match outcome:
        case HitFresh(value, tier=tier, age=age):
            assert_type(value, list[int])
            assert_type(tier, Tier)
            assert_type(age, float)
            return f"{value}"
        case HitStale(value, refresh=refresh):
            assert_type(value, list[int])
            assert_type(refresh, Refresh)
            return f"{value}"
        case Miss(value, load_seconds=load_seconds, stored=stored):
            assert_type(value, list[int])
            assert_type(load_seconds, float)
            assert_type(stored, frozenset[Tier])
            return f"{value}"
        case Suppressed(value, waited=waited, scope=scope):
            assert_type(value, list[int])
            assert_type(waited, float)
            assert_type(scope, Scope)
            return f"{value}"
        case UpstreamDown(value, cause=cause, tier=tier):
            assert_type(value, list[int])
            assert_type(cause, str)
            return f"{value}"


def four_are_not(outcome: Outcome[int]) -> str:  # type: ignore[return]  # pyright: ignore[reportReturnType]
    match outcome:  # type: ignore[exhaustive-match]  # pyright: ignore[reportMatchNotExhaustive]
        case HitFresh() | HitStale() | Miss():
            return "mine"
        case Suppressed():
            return "another's"


def four_cases_are_all_of_a_peek(peeked: Peeked[str]) -> str:
    match peeked:
        case HitFresh(value):
            return value
        case HitStale(value):
            return value
        case Miss(value):
            assert_type(value, None)
            return "nothing"
        case UpstreamDown(value):
            assert_type(value, None)
            return "nobody knows"


def three_are_not(peeked: Peeked[str]) -> str:  # type: ignore[return]  # pyright: ignore[reportReturnType]
    match peeked:  # type: ignore[exhaustive-match]  # pyright: ignore[reportMatchNotExhaustive]
        case HitFresh(value) | HitStale(value):
            return value
        case Miss():
            return "nothing"


def only_the_value_is_positional(hit: HitFresh[int]) -> None:
    match hit:
        case HitFresh(_, _):  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
            return  # type: ignore[unreachable]
        case _:
            return


def every_outcome_has_a_value_and_a_tag(outcome: Outcome[int]) -> None:
    assert_type(outcome.value, int)
    assert_type(
        outcome.tag,
        Literal["hit-fresh", "hit-stale", "miss", "suppressed", "upstream-down"],
    )


def takes_any(outcome: Outcome[object]) -> None:
    assert_type(outcome.value, object)


def an_outcome_is_covariant(outcome: Outcome[int]) -> None:
    takes_any(outcome)


def a_peek_may_have_none(peeked: Peeked[int]) -> None:
    assert_type(peeked.value, int | None)


def records_are_frozen(hit: HitFresh[int]) -> None:
    hit.value = 7  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    hit.tier = Tier.REDIS  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
