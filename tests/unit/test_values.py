"""What callers may do to a value, and what cannot be stored."""

import logging

import pytest

from hybridcache import Memory, Miss, Policy, StoreEnded
from tests.colours import Colour, held
from tests.eventually import eventually

POLICY = Policy(fresh_for=60, ttl=3600)


class Odd:
    """Something that no codec can bring back."""


def test_a_mutable_value_is_each_callers_own(colour: Colour) -> None:
    """No caller, the leader included, changes what the next one sees."""
    cache, made = colour.make_cache(downstream=Memory()), [1]

    def load() -> list[int]:
        return made

    first = cache.get("k", load, POLICY)
    first.append(2)
    made.append(3)
    second = cache.get("k", load, POLICY)
    second.append(4)

    assert [1] == cache.get("k", load, POLICY)


def test_followers_do_not_share_a_mutable_value(colour: Colour) -> None:
    """Those who waited for one load get a value each."""
    cache, loader = colour.make_cache(downstream=Memory()), held()

    def load() -> list[int]:
        return [loader.load()]

    calls = [cache.start("k", load, POLICY) for _ in range(3)]
    assert loader.begun.wait(5)
    flight = cache.node.flights.find("k", 0.0)
    eventually(lambda: len(flight.latch._wakes) == 3)
    assert loader.gate is not None
    loader.gate.set()
    values = [call.result(5).value for call in calls]

    assert [[1]] * 3 == values
    assert 3 == len({id(value) for value in values})


def test_an_immutable_value_is_shared(colour: Colour) -> None:
    """An immutable value is held as the object itself."""
    cache = colour.make_cache(downstream=Memory())

    def load() -> tuple[int, str]:
        return (1, "x" * 50)

    first = cache.get("k", load, POLICY)
    assert first is cache.get("k", load, POLICY)


def test_share_hands_out_the_same_object(colour: Colour) -> None:
    """With share the loader's own object is handed to everyone."""
    cache, policy = colour.make_cache(downstream=Memory()), POLICY.evolve(share=True)
    made = [1]

    def load() -> list[int]:
        return made

    assert made is cache.get("k", load, policy)
    assert made is cache.get("k", load, policy)


def test_what_cannot_be_encoded_is_returned_and_not_stored(
    colour: Colour, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller gets it; nothing is kept; a warning once, an event each time."""
    cache, odd = colour.make_cache(downstream=Memory(), events=True), Odd()

    def load() -> object:
        return odd

    with caplog.at_level(logging.WARNING, "hybridcache"):
        outcomes = [cache.outcome("k", load, POLICY) for _ in range(3)]

    assert [True] * 3 == [each.value is odd for each in outcomes]
    assert all(isinstance(each, Miss) and not each.stored for each in outcomes)
    assert 1 == sum("does not store" in text for text in caplog.messages)
    assert cache.events is not None
    refused = [each for each in cache.events if isinstance(each, StoreEnded)]
    assert ["unencodable"] * 3 == [each.result for each in refused]


def test_a_value_of_another_type_is_not_stored(colour: Colour) -> None:
    """What is not of the declared type is returned as it is and not kept."""
    cache = colour.make_cache(downstream=Memory())

    def load() -> int:
        return "no int"  # type: ignore[return-value]

    outcome = cache.outcome("k", load, POLICY)
    assert Miss("no int", load_seconds=0.0, stored=frozenset()) == outcome


def test_a_value_over_the_bytes_of_the_memory_is_returned(colour: Colour) -> None:
    """A value larger than the whole tier is served and not kept."""
    cache = colour.make_cache(downstream=Memory(max_bytes=1000))

    def load() -> str:
        return "x" * 2000

    outcome = cache.outcome("k", load, POLICY)
    assert Miss("x" * 2000, load_seconds=0.0, stored=frozenset()) == outcome


def test_one_key_under_two_types_serves_each_its_own(colour: Colour) -> None:
    """An entry is served only to who declared the same type."""
    cache = colour.make_cache(downstream=Memory())

    def number() -> int:
        return 1

    def word() -> str:
        return "one"

    assert 1 == cache.get("k", number, POLICY)
    assert "one" == cache.get("k", word, POLICY)
    assert 1 == cache.get("k", number, POLICY)
