"""What simulated loaders return: numbers, or values that a caller can change.

A load's value is its own number, in one of these kinds, so that the checker knows
from any value which load made it, and what it must look like untouched.
"""

from collections.abc import Callable
from typing import Any, Final

import attrs

from hybridcache.adapters.codec import MSGPACK, shape_of
from hybridcache.engine.form import Shape

# Values of a kind differ in length by up to so many parts.
_PARTS: Final = 40


@attrs.define
class Basket:
    """A value with parts that can be changed, and a part of a part."""

    number: int
    items: dict[str, list[int]]


@attrs.frozen
class Values:
    """A kind of values.

    Attributes:

        shape: Of the declared type.

        make: Makes the value of a number, always the same and always anew.

        number: Reads the number from a value, whatever else became of it.

        change: Changes a value, as a caller may to whom it belongs.
    """

    shape: Shape[Any]
    make: Callable[[int], Any]
    number: Callable[[Any], int]
    change: Callable[[Any], object]

    @property
    def mutable(self) -> bool:
        """Whether there is anything that a caller can change."""
        return not self.shape.immutable

    def altered(self, value: object) -> str:
        """Say what *value* is if it is not what a load makes; else nothing."""
        made = self.make(self.number(value))
        same = type(value) is type(made) and value == made
        return "" if same else repr(value)


def _list(number: int) -> list[int]:
    return [number, *range(number % _PARTS)]


def _basket(number: int) -> Basket:
    return Basket(number, {"of": [number], "more": _list(number)})


def _change_basket(basket: Basket) -> None:
    basket.items["of"].append(-1)
    basket.items.pop("more", None)


KINDS: Final[dict[str, Values]] = {
    "numbers": Values(
        shape_of(int, MSGPACK), lambda number: number, lambda value: value, id
    ),
    "lists": Values(
        shape_of(list[int], MSGPACK),
        _list,
        lambda value: value[0] if value else 0,
        lambda value: value.append(-1),
    ),
    "baskets": Values(
        shape_of(Basket, MSGPACK), _basket, lambda value: value.number, _change_basket
    ),
}
"""Kinds of values by name."""
