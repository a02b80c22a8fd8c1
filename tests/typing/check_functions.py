"""What a decorated function promises to a type checker."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import assert_type

import attrs

from hybridcache import (
    Cache,
    Cached,
    Explanation,
    Health,
    Invalidated,
    Outcome,
    Peeked,
    Policy,
    RunIn,
)


@attrs.frozen
class Item:
    """Something to cache."""

    id: int


cache = Cache(name="shop")
policy = Policy(fresh_for=60, ttl=3600)


@cache.cached(policy, key="items:{id}:{deep}")
def items(id: int, *, deep: bool = False) -> list[Item]:
    return [Item(id)] if deep else []


def keyed_by(id: int) -> str:
    return f"name:{id}"


@cache.cached(policy, key=keyed_by)
def name_of(id: int) -> str | None:
    return str(id) if id else None


@cache.cached(policy, ignore=("verbose",))
def total(verbose: bool) -> int:
    return 1 if verbose else 0


def calls_keep_their_signature() -> None:
    assert_type(items(7), list[Item])
    assert_type(items(id=7, deep=True), list[Item])
    assert_type(name_of(7), str | None)
    assert_type(total(True), int)

    items("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    items()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    items(7, True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    items(7, depth=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def attributes_keep_the_parameters() -> None:
    assert_type(items.outcome(7, deep=True), Outcome[list[Item]])
    assert_type(items.peek(7), Peeked[list[Item]])
    assert_type(items.explain(7, deep=True), Explanation)
    assert_type(items.refresh(7), Outcome[list[Item]])
    assert_type(items.invalidate(7), Invalidated)
    assert_type(items.invalidate(7).reached_redis, bool)

    items.outcome("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    items.peek("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    items.explain("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    items.refresh()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    items.invalidate()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def a_cache_says_how_it_is() -> None:
    assert_type(cache.explain("items:7:False"), Explanation)
    assert_type(cache.explain("items:7:False", policy), Explanation)
    assert_type(cache.health(), Health)
    assert_type(cache.health(max_abandoned=3).healthy, bool)

    cache.explain(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cache.health(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def a_view_has_the_same_type() -> None:
    assert_type(items.using(max_stale=5)(7), list[Item])
    assert_type(items.using(max_stale=5).peek(7), Peeked[list[Item]])
    view = items.using(
        fresh_for=timedelta(seconds=5), suppress="process", run_in=RunIn.CALLER
    )
    view("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    items.using(max_stail=5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    items.using(ttl="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    items.using(run_in="here")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@cache.cached(policy, key="related:{id}")
def related(id: int) -> list[Item]:
    return [Item(id)]


def takes_such(function: Cached[[int], list[Item]]) -> None:
    assert_type(function.outcome(7), Outcome[list[Item]])


def takes_wider(function: Cached[[int], Sequence[object]]) -> None:
    assert_type(function.outcome(7), Outcome[Sequence[object]])


def takes_a_callable(function: Callable[[int], Sequence[Item]]) -> None:
    assert_type(function(7), Sequence[Item])


def it_goes_wherever_its_like_goes() -> None:
    takes_such(related)
    takes_such(related.using(max_stale=5))
    # Values are only taken out, so those of a narrower type will do.
    takes_wider(related)
    takes_a_callable(items)

    takes_such(name_of)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def options_are_checked_when_decorating() -> None:
    cache.cached(60)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cache.cached(policy, key=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    cache.cached()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
