"""A decorated method: a descriptor whose calls carry the instance along."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from typing import Unpack

    from hybridcache.core.policy import PolicyChanges


class Calls(Protocol):
    """The calls of a decorated function, in either colour."""

    def call(self, *args: object, **kwargs: object) -> object:
        """Return the value."""

    def outcome(self, *args: object, **kwargs: object) -> object:
        """Return the value with what happened."""

    def peek(self, *args: object, **kwargs: object) -> object:
        """Say what the tiers hold."""

    def explain(self, *args: object, **kwargs: object) -> object:
        """Say what the tiers hold, and what a call would do."""

    def refresh(self, *args: object, **kwargs: object) -> object:
        """Load now."""

    def invalidate(self, *args: object, **kwargs: object) -> object:
        """Drop the entry."""


@attrs.define(eq=False, slots=False)
class CachedMethod:
    """What stands in the class; looked up on an instance it is bound to it.

    Attributes:

        function: The decorated method.

        calls: What it can do.

        evolve: Returns its calls under another policy.

        bound: Leading arguments that are already given: the instance, or none.
    """

    function: Callable[..., object]
    calls: Calls
    evolve: Callable[..., Calls]
    bound: tuple[object, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Look like the method."""
        functools.update_wrapper(self, self.function)

    def __get__(self, instance: object, owner: object = None) -> "CachedMethod":
        if instance is None:
            return self
        return CachedMethod(
            self.function, self.calls, self.evolve, (*self.bound, instance)
        )

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Return the value of a call."""
        return self.calls.call(*self.bound, *args, **kwargs)

    def outcome(self, *args: object, **kwargs: object) -> object:
        """Return the value of a call with what happened."""
        return self.calls.outcome(*self.bound, *args, **kwargs)

    def peek(self, *args: object, **kwargs: object) -> object:
        """Say what the tiers hold; never load."""
        return self.calls.peek(*self.bound, *args, **kwargs)

    def explain(self, *args: object, **kwargs: object) -> object:
        """Say what the tiers hold, and what a call would do; change nothing."""
        return self.calls.explain(*self.bound, *args, **kwargs)

    def refresh(self, *args: object, **kwargs: object) -> object:
        """Load now, whatever the tiers hold."""
        return self.calls.refresh(*self.bound, *args, **kwargs)

    def invalidate(self, *args: object, **kwargs: object) -> object:
        """Have no later call served by a load that began before this one."""
        return self.calls.invalidate(*self.bound, *args, **kwargs)

    def using(self, **changes: "Unpack[PolicyChanges]") -> "CachedMethod":
        """Return a view with other options, on the same keys."""
        evolved = self.evolve(**changes)
        return CachedMethod(self.function, evolved, self.evolve, self.bound)
