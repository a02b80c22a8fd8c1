"""Decorated functions: their keys, their looks, and what hangs on them."""

import inspect
from contextvars import copy_context
from decimal import Decimal

import pytest

from hybridcache import HitFresh, Memory, Miss, Policy
from tests.colours import Colour, Handle

POLICY = Policy(fresh_for=60, ttl=3600)


@pytest.fixture(name="cache")
def _cache(colour: Colour) -> Handle:
    return colour.make_cache(name="shop", downstream=Memory())


def test_calls_that_mean_the_same_share_a_value(cache: Handle) -> None:
    """Positional, keyword and default arguments are normalised."""
    calls = []

    @cache.cached(POLICY)
    def total(a: int, b: int = 2, *, c: int = 3) -> int:
        calls.append((a, b, c))
        return a + b + c

    for args, kwargs in [((1,), {}), ((1, 2), {"c": 3}), ((), {"a": 1, "b": 2})]:
        assert 6 == cache.call(total, *args, **kwargs)
        assert 6 == cache.call(total, *args, **kwargs)
    assert [(1, 2, 3)] == calls


@pytest.mark.parametrize("key", [None, "n:{n}"])
def test_equal_numbers_of_other_types_differ(cache: Handle, key: str | None) -> None:
    """f(1), f(1.0), f(True) and f(Decimal(1)) are four values, also after hits."""

    @cache.cached(POLICY, key=key)
    def name(n: object) -> str:
        return type(n).__name__

    for _ in range(4):
        for n in (1, 1.0, True, Decimal(1)):
            assert type(n).__name__ == cache.call(name, n)


def test_zeros_differ(cache: Handle) -> None:
    """0.0 and -0.0 are different keys, although they are equal."""

    @cache.cached(POLICY)
    def shown(n: float) -> str:
        return str(n)

    for _ in range(3):
        assert ["0.0", "-0.0"] == [cache.call(shown, n) for n in (0.0, -0.0)]


def test_an_unhashable_argument_can_make_a_key(cache: Handle) -> None:
    """A list counts by what is in it; the way by arguments is left out."""
    calls = []

    @cache.cached(POLICY)
    def total(numbers: list[int]) -> int:
        calls.append(numbers)
        return sum(numbers)

    assert [3, 3, 4] == [cache.call(total, each) for each in ([1, 2], [1, 2], [1, 3])]
    assert 2 == len(calls)


def test_an_argument_without_a_stable_key_is_named(cache: Handle) -> None:
    """A TypeError says which argument cannot be in a key."""

    @cache.cached(POLICY)
    def shown(thing: object) -> str:
        return str(thing)

    with pytest.raises(TypeError, match="thing"):
        cache.call(shown, object())


def test_a_callable_key_is_asked_every_time(cache: Handle) -> None:
    """A key function may depend on more than the arguments."""
    who = ["a"]

    @cache.cached(POLICY, key=lambda n: f"{who[0]}:{n}")
    def owner(n: int) -> str:
        return who[0]

    assert ["a", "a"] == [cache.call(owner, 1) for _ in range(2)]
    who[0] = "b"
    assert ["b", "b"] == [cache.call(owner, 1) for _ in range(2)]


def test_ignored_parameters_do_not_count(cache: Handle) -> None:
    """A parameter in ignore= makes no difference."""

    @cache.cached(POLICY, key="items:{n}", ignore=("trace",))
    def item(n: int, trace: str) -> str:
        return f"{n}{trace}"

    assert ["1x", "1x"] == [cache.call(item, 1, trace) for trace in ("x", "y")]


def test_a_template_that_leaves_a_parameter_out_is_refused(cache: Handle) -> None:
    """A forgotten parameter would serve one caller's value to another."""
    with pytest.raises(ValueError, match="trace"):

        @cache.cached(POLICY, key="items:{n}")
        def item(n: int, trace: str) -> str:
            return f"{n}{trace}"


def test_one_template_on_two_functions_is_refused(cache: Handle) -> None:
    """Two functions with keys of one form would serve each other's values."""

    @cache.cached(POLICY, key="x:{n}")
    def one(n: int) -> int:
        return n

    with pytest.raises(ValueError, match="x:"):

        @cache.cached(POLICY, key="x:{m}")
        def two(m: int) -> int:
            return m


def test_a_function_keeps_its_looks(cache: Handle, colour: Colour) -> None:
    """Signature, name, docstring, coroutine-ness and the loader itself stay."""

    def item(a: int, /, b: str = "x", *args: int, c: float = 1.0, **kw: str) -> str:
        """Make an item."""
        return f"{a}{b}{c}"

    made = cache.cached(POLICY)(item)

    assert inspect.signature(item) == inspect.signature(made)
    assert ("item", "Make an item.") == (made.__name__, made.__doc__)
    assert colour.is_async == inspect.iscoroutinefunction(made)
    assert item is inspect.unwrap(made)
    assert "1x1.0" == cache.call(made.__wrapped__, 1)
    assert "1x1.0" == cache.call(made, 1)
    assert "1y2.0" == cache.call(made, 1, "y", 3, c=2.0, d="z")


def test_a_wrong_call_is_a_type_error(cache: Handle) -> None:
    """A call that the function would refuse is refused the same way."""

    @cache.cached(POLICY)
    def item(n: int) -> int:
        return n

    for args, kwargs in [((), {}), ((1, 2), {}), ((1,), {"m": 2})]:
        with pytest.raises(TypeError):
            cache.call(item, *args, **kwargs)
        with pytest.raises(TypeError):
            cache.call(item.outcome, *args, **kwargs)


def test_the_other_calls_hang_on_the_function(cache: Handle) -> None:
    """outcome, peek, refresh, invalidate and using are attributes."""
    calls = []

    @cache.cached(POLICY, key="i:{n}")
    def item(n: int) -> int:
        calls.append(n)
        return len(calls)

    assert isinstance(cache.call(item.peek, 7), Miss)
    assert isinstance(cache.call(item.outcome, 7), Miss)
    assert isinstance(cache.call(item.outcome, n=7), HitFresh)
    assert 2 == cache.call(item.refresh, 7).value
    assert [2, 2, 2] == [cache.call(item, 7) for _ in range(3)]
    cache.call(item.invalidate, 7)
    assert 3 == cache.call(item, 7)


def test_using_is_a_view_with_other_options(cache: Handle, colour: Colour) -> None:
    """A view has the function's keys and values, and a policy of its own."""
    calls = []

    @cache.cached(POLICY, key="i:{n}")
    def item(n: int) -> int:
        calls.append(n)
        return len(calls)

    strict = item.using(fresh_for=5, max_stale=5)
    assert 1 == cache.call(item, 7)
    assert 1 == cache.call(strict, 7)
    colour.clock.advance(66)
    assert 2 == cache.call(strict, 7)
    assert 2 == cache.call(item, 7)
    with pytest.raises(TypeError):
        item.using(nonsense=1)


def test_the_wrong_colour_is_a_type_error(colour: Colour) -> None:
    """An async function under Cache, or a sync one under AsyncCache, is refused."""
    cache = colour.make_cache().cache

    async def waits() -> int:
        return 1

    def blocks() -> int:
        return 1

    with pytest.raises(TypeError, match="decorate it with"):
        cache.cached(POLICY)(blocks if colour.is_async else waits)


def test_bypass_reads_and_writes_nothing(cache: Handle) -> None:
    """Inside bypass() every call loads and nothing is kept, also after index hits."""
    calls = []

    @cache.cached(POLICY)
    def item(n: int) -> int:
        calls.append(n)
        return len(calls)

    assert [1, 1, 1] == [cache.call(item, 7) for _ in range(3)]
    with cache.cache.bypass():
        assert [2, 3] == [cache.call(item, 7) for _ in range(2)]
    assert [1, 1, 1] == [cache.call(item, 7) for _ in range(3)]


def test_a_bypass_left_in_another_context_ends(cache: Handle) -> None:
    """However bypass() is left, as by a fixture, memory serves by the short way again."""
    block = cache.cache.bypass()
    copy_context().run(block.__enter__)
    assert not cache.cache._state.direct

    with pytest.raises(ValueError, match="different Context"):
        copy_context().run(block.__exit__, None, None, None)

    assert cache.cache._state.direct


def test_override_runs_on_other_tiers(cache: Handle) -> None:
    """Inside override() the cache has other tiers; afterwards its own again."""
    calls = []

    @cache.cached(POLICY)
    def item(n: int) -> int:
        calls.append(n)
        return len(calls)

    assert [1, 1, 1] == [cache.call(item, 7) for _ in range(3)]
    with cache.cache.override(downstream=Memory()):
        assert [2, 2, 2] == [cache.call(item, 7) for _ in range(3)]
    assert [1, 1, 1] == [cache.call(item, 7) for _ in range(3)]
    with cache.cache.override():
        assert [3, 4] == [cache.call(item, 7) for _ in range(2)]
