"""The types of decorated functions: what `items(7)` and its attributes are.

Protocols, so that a decorated function keeps its signature for type checkers while
it is a plain function at run time, and a descriptor in a class body.
"""

from collections.abc import Awaitable, Callable, Coroutine
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    ParamSpec,
    Protocol,
    TypeVar,
    overload,
)

from hybridcache.core.explanation import Explanation
from hybridcache.core.outcome import Invalidated, Outcome, Peeked
from hybridcache.core.reply import Reply

if TYPE_CHECKING:
    from typing import Self, Unpack

    from hybridcache.core.policy import PolicyChanges

P = ParamSpec("P")
Q = ParamSpec("Q")
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
S = TypeVar("S")


class Cached(Protocol[P, V_co]):
    """A function that a :class:`~hybridcache.Cache` decorated."""

    @property
    def __wrapped__(self) -> Callable[P, object]:
        """The loader itself."""
        ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> V_co:
        """Return the value; raise the loader's error, or LoadTimeout."""
        ...

    def outcome(self, *args: P.args, **kwargs: P.kwargs) -> Outcome[V_co]:
        """Return the value with what happened."""
        ...

    def peek(self, *args: P.args, **kwargs: P.kwargs) -> Peeked[V_co]:
        """Say what the tiers hold; never load."""
        ...

    def explain(self, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Say what the tiers hold, and what a call would do; change nothing."""
        ...

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> Outcome[V_co]:
        """Load now, whatever the tiers hold; join a load that is under way."""
        ...

    def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Invalidated:
        """Have no later call served by a load that began before this one."""
        ...

    def using(self, **changes: "Unpack[PolicyChanges]") -> "Cached[P, V_co]":
        """Return a view with other options, on the same keys."""
        ...

    @overload
    def __get__(self, instance: None, owner: object, /) -> "Self": ...
    @overload
    def __get__(
        self: "Cached[Concatenate[S, Q], V]", instance: S, owner: object, /
    ) -> "Cached[Q, V]": ...


class AsyncCached(Protocol[P, V_co]):
    """A coroutine function that an :class:`~hybridcache.AsyncCache` decorated."""

    @property
    def __wrapped__(self) -> Callable[P, Awaitable[object]]:
        """The loader itself."""
        ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, V_co]:
        """Return the value; raise the loader's error, or LoadTimeout."""
        ...

    async def outcome(self, *args: P.args, **kwargs: P.kwargs) -> Outcome[V_co]:
        """Return the value with what happened."""
        ...

    async def peek(self, *args: P.args, **kwargs: P.kwargs) -> Peeked[V_co]:
        """Say what the tiers hold; never load."""
        ...

    async def explain(self, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Say what the tiers hold, and what a call would do; change nothing."""
        ...

    async def refresh(self, *args: P.args, **kwargs: P.kwargs) -> Outcome[V_co]:
        """Load now, whatever the tiers hold; join a load that is under way."""
        ...

    async def invalidate(self, *args: P.args, **kwargs: P.kwargs) -> Invalidated:
        """Have no later call served by a load that began before this one."""
        ...

    def using(self, **changes: "Unpack[PolicyChanges]") -> "AsyncCached[P, V_co]":
        """Return a view with other options, on the same keys."""
        ...

    @overload
    def __get__(self, instance: None, owner: object, /) -> "Self": ...
    @overload
    def __get__(
        self: "AsyncCached[Concatenate[S, Q], V]", instance: S, owner: object, /
    ) -> "AsyncCached[Q, V]": ...


class Decorator(Protocol):
    """What ``cache.cached(...)`` returns."""

    @overload
    def __call__(self, function: Callable[P, Reply[V]], /) -> Cached[P, V]: ...
    @overload
    def __call__(self, function: Callable[P, V], /) -> Cached[P, V]: ...


class AsyncDecorator(Protocol):
    """What ``async_cache.cached(...)`` returns."""

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, Reply[V]]], /
    ) -> AsyncCached[P, V]: ...
    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, V]], /
    ) -> AsyncCached[P, V]: ...
