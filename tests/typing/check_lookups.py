"""Lookups without a decorator: the loader tells the type."""

from functools import partial
from typing import assert_type

from hybridcache import AsyncCache, Cache, Outcome, Peeked, Policy, Reply, Store

cache = Cache(name="shop")
async_cache = AsyncCache(name="shop")
policy = Policy(fresh_for=60, ttl=3600)


def load() -> list[int]:
    return [1]


def reply() -> Reply[list[int]]:
    return Store([1])


def load_one(id: int) -> str:
    return str(id)


async def aload() -> list[int]:
    return [1]


async def areply() -> Reply[list[int]]:
    return Store([1])


async def aload_one(id: int) -> str:
    return str(id)


def in_threads() -> None:
    assert_type(cache.get_or_load("k", load, policy), list[int])
    assert_type(cache.get_or_load("k", reply, policy), list[int])
    assert_type(cache.get_or_load("k", lambda: 7, policy), int)
    assert_type(cache.get_or_load("k", lambda: load_one(7), policy), str)
    assert_type(cache.get_or_load("k", partial(load_one, 7), policy), str)
    assert_type(cache.outcome("k", load, policy), Outcome[list[int]])
    assert_type(cache.outcome("k", reply, policy), Outcome[list[int]])
    assert_type(cache.refresh("k", load, policy), Outcome[list[int]])
    assert_type(cache.refresh("k", reply, policy), Outcome[list[int]])
    assert_type(cache.peek("k", load, policy), Peeked[list[int]])
    assert_type(cache.peek("k", reply, policy), Peeked[list[int]])


async def in_tasks() -> None:
    assert_type(await async_cache.get_or_load("k", aload, policy), list[int])
    assert_type(await async_cache.get_or_load("k", areply, policy), list[int])
    assert_type(await async_cache.get_or_load("k", lambda: aload_one(7), policy), str)
    assert_type(await async_cache.get_or_load("k", partial(aload_one, 7), policy), str)
    assert_type(await async_cache.outcome("k", aload, policy), Outcome[list[int]])
    assert_type(await async_cache.outcome("k", areply, policy), Outcome[list[int]])
    assert_type(await async_cache.refresh("k", aload, policy), Outcome[list[int]])
    assert_type(await async_cache.refresh("k", areply, policy), Outcome[list[int]])
    assert_type(await async_cache.peek("k", aload, policy), Peeked[list[int]])
    assert_type(await async_cache.peek("k", areply, policy), Peeked[list[int]])


async def in_tasks_with_a_sync_loader() -> None:
    assert_type(await async_cache.get_or_load("k", load, policy), list[int])
    assert_type(await async_cache.get_or_load("k", reply, policy), list[int])
    assert_type(await async_cache.get_or_load("k", lambda: 7, policy), int)
    assert_type(await async_cache.outcome("k", load, policy), Outcome[list[int]])
    assert_type(await async_cache.outcome("k", reply, policy), Outcome[list[int]])
    assert_type(await async_cache.refresh("k", reply, policy), Outcome[list[int]])
    assert_type(await async_cache.peek("k", reply, policy), Peeked[list[int]])


def what_is_wrong_is_an_error() -> None:
    cache.get_or_load(7, load, policy)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    cache.get_or_load("k", load_one, policy)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    cache.get_or_load("k", load)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    cache.outcome("k", load, 60)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    cache.invalidate(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    number: int = cache.get_or_load("k", load, policy)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    assert_type(number, int)
