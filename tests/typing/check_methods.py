"""A decorated method: `self` is gone on an instance and stays on the class."""

from typing import assert_type

from hybridcache import (
    AsyncCache,
    Cache,
    Cached,
    Explanation,
    Invalidated,
    Outcome,
    Peeked,
    Policy,
    Reply,
    Store,
)

cache = Cache(name="shop")
async_cache = AsyncCache(name="shop")
policy = Policy(fresh_for=60, ttl=3600)


class Shop:
    """Has methods in both colours."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant

    @cache.cached(policy, key="{self.tenant}:names:{id}")
    def name_of(self, id: int) -> str:
        return f"{self.tenant}{id}"

    @cache.cached(policy, key="{self.tenant}:stock:{id}")
    def stock(self, id: int) -> Reply[int]:
        return Store(id)

    @async_cache.cached(policy, key="{self.tenant}:prices:{id}")
    async def price(self, id: int) -> float:
        return float(id)


def on_an_instance(shop: Shop) -> None:
    assert_type(shop.name_of(7), str)
    assert_type(shop.name_of.outcome(7), Outcome[str])
    assert_type(shop.name_of.peek(7), Peeked[str])
    assert_type(shop.name_of.explain(7), Explanation)
    assert_type(shop.name_of.refresh(7), Outcome[str])
    assert_type(shop.name_of.invalidate(7), Invalidated)
    assert_type(shop.name_of.using(max_stale=5)(7), str)
    assert_type(shop.stock(7), int)
    bound: Cached[[int], str] = shop.name_of
    bound(7)

    shop.name_of("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    shop.name_of(shop, 7)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]


def on_the_class(shop: Shop) -> None:
    assert_type(Shop.name_of(shop, 7), str)
    assert_type(Shop.name_of.outcome(shop, 7), Outcome[str])
    assert_type(Shop.name_of.explain(shop, 7), Explanation)
    assert_type(Shop.name_of.using(max_stale=5)(shop, 7), str)
    unbound: Cached[[Shop, int], str] = Shop.name_of
    unbound(shop, 7)

    Shop.name_of(7)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    Shop.name_of(7, 7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def awaited(shop: Shop) -> None:
    assert_type(await shop.price(7), float)
    assert_type(await shop.price.outcome(7), Outcome[float])
    assert_type(await Shop.price(shop, 7), float)
    assert_type(await Shop.price.peek(shop, 7), Peeked[float])

    await shop.price("7")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await Shop.price(7, 7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
