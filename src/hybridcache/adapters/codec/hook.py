"""A hook: how one kind becomes plain data and comes back, and how it refuses.

Loads have cattrs' signature, so that they serve there as they are: the second
argument is a type that our hooks already know. Values are ``Any`` here, because a
hook's first act is to look at what it got.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

import attrs

from hybridcache.core.errors import Undecodable

#: Of every :class:`Undecodable` that is raised here: a metric label.
REASON: Final = "decode"


@attrs.frozen
class Hook:
    """Both directions of one kind.

    Attributes:

        dump: Value to plain data; raises :class:`Unfit`.

        load: Plain data to value; raises :class:`Undecodable`, or what the user's
            classes raise.

        same: The one type whose values are their own plain data, if it is so.
    """

    dump: Callable[[Any], Any]
    load: Callable[[Any, Any], Any]
    same: type | None = None


class Unfit(Exception):  # noqa: N818 (names what the value is)
    """A node whose type is not the declared one. Collects the path on its way up."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = ""

    def within(self, step: str) -> None:
        """Note that the node lies behind *step*."""
        self.path = step + self.path

    def __str__(self) -> str:
        return f"value{self.path}: {self.problem}"


def step_to(key: object) -> str:
    """Return the step to what a dict holds: a key is shown by its type alone."""
    return f"[{type(key).__qualname__}]"


def unfit(value: object, declared: str) -> NoReturn:
    """Refuse to dump."""
    problem = f"{type(value).__qualname__} where {declared} is declared"
    raise Unfit(problem)


def foreign(plain: object, declared: str) -> NoReturn:
    """Refuse to load."""
    detail = f"{type(plain).__name__} where {declared} is declared"
    raise Undecodable(REASON, detail)


def all_same(kind: type | None, values: Iterable[object]) -> bool:
    """Whether all *values* are their own plain data; at the speed of C."""
    return kind is not None and set(map(type, values)) <= {kind}
