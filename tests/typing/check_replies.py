"""A loader that says how its value is stored still promises the value alone."""

from typing import assert_type

from hybridcache import (
    AsyncCache,
    Cache,
    CurrentLoad,
    NoStore,
    NotModified,
    Outcome,
    Peeked,
    Policy,
    Reply,
    Store,
    current_load,
)

cache = Cache(name="shop")
async_cache = AsyncCache(name="shop")
policy = Policy(fresh_for=60, ttl=3600)


@cache.cached(policy, key="price:{id}")
def price(id: int) -> Reply[float]:
    load = current_load()
    if load is not None and load.previous is not None:
        return NotModified()
    return NoStore(0.0) if id < 0 else Store(1.0, fresh_for=5, ttl=60)


@cache.cached(policy, key="stock:{id}")
def stock(id: int) -> Store[int | None]:
    return Store(id or None)


@cache.cached(policy, key="draft:{id}")
def draft(id: int) -> Store[str] | NoStore[str]:
    return NoStore("") if id < 0 else Store("text")


@async_cache.cached(policy, key="rate:{id}")
async def rate(id: int) -> Reply[float]:
    return Store(float(id))


def the_reply_is_unwrapped() -> None:
    assert_type(price(7), float)
    assert_type(price.outcome(7), Outcome[float])
    assert_type(price.peek(7), Peeked[float])
    assert_type(price.refresh(7), Outcome[float])
    assert_type(price.using(ttl=90)(7), float)
    assert_type(stock(7), int | None)
    assert_type(draft(7), str)

    price("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def awaited_too() -> None:
    assert_type(await rate(7), float)
    assert_type(await rate.outcome(7), Outcome[float])
    assert_type(await rate.peek(7), Peeked[float])


def takes_any(reply: Reply[object]) -> None:
    if not isinstance(reply, NotModified):
        assert_type(reply.value, object)


def a_reply_is_covariant(reply: Reply[float]) -> None:
    takes_any(reply)


def the_running_load_can_be_asked() -> None:
    assert_type(current_load(), CurrentLoad | None)
    load = current_load()
    if load is not None:
        assert_type(load.key, str)
        assert_type(load.previous, object)
        assert_type(load.deadline, float)
        assert_type(load.detached, bool)


def lifetimes_are_checked() -> None:
    Store(1, fresh_for="5")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Store(1, 5)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
