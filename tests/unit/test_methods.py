"""Decorated methods: what counts in their keys, and what hangs on them."""

from typing import Any

import pytest

from hybridcache import HitFresh, Memory, Miss, Policy
from tests.colours import Colour, Handle

POLICY = Policy(fresh_for=60, ttl=3600)


@pytest.fixture(name="cache")
def _cache(colour: Colour) -> Handle:
    return colour.make_cache(name="shop", downstream=Memory())


class Shop:
    """Something with a tenant."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant


def shops(cache: Handle) -> Any:
    """Return a class with cached methods."""

    class Cached(Shop):
        @cache.cached(POLICY, key="price:{self.tenant}:{n}")
        def price(self, n: int) -> str:
            """Ask for a price."""
            return f"{self.tenant}{n}"

        @cache.cached(POLICY, key="rate:{n}")
        def rate(self, n: int) -> str:
            return f"{self.tenant}{n}"

        @staticmethod
        @cache.cached(POLICY, key="static:{n}")
        def static(n: int) -> int:
            return n

        @classmethod
        @cache.cached(POLICY, key="class:{n}", ignore=("cls",))
        def of_class(cls, n: int) -> str:
            return f"{cls.__name__}{n}"

    return Cached


def test_methods_share_by_what_the_key_names(cache: Handle) -> None:
    """In a key self counts only where the template names it."""
    kind = shops(cache)
    one, two, again = kind("one"), kind("two"), kind("one")

    assert ["one1", "two1"] == [cache.call(each.price, 1) for each in (one, two)]
    assert isinstance(cache.call(again.price.outcome, 1), HitFresh)
    assert ["one1", "one1"] == [cache.call(each.rate, 1) for each in (one, two)]
    cache.call(two.price.invalidate, 1)
    assert isinstance(cache.call(one.price.peek, 1), HitFresh)
    assert isinstance(cache.call(two.price.peek, n=1), Miss)
    assert "one1" == cache.call(one.price.using(fresh_for=1), 1)
    assert "Ask for a price." == kind.price.__doc__
    assert "two1" == cache.call(kind.price, two, 1)


def test_static_and_class_methods_can_be_cached(cache: Handle) -> None:
    """Both staticmethod and classmethod go on top of the decorator."""
    kind = shops(cache)

    assert [1, 1] == [cache.call(each.static, 1) for each in (kind, kind("x"))]
    assert ["Cached1"] * 2 == [
        cache.call(each.of_class, 1) for each in (kind, kind(""))
    ]


def test_a_method_without_a_key_is_refused(cache: Handle) -> None:
    """Derived keys would leave open whether self counts."""
    with pytest.raises(ValueError, match="key="):

        class Bad:
            @cache.cached(POLICY)
            def price(self, n: int) -> int:
                return n
