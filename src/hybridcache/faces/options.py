"""Checks of what is handed to a cache's methods, for both colours."""

from collections.abc import Callable

from hybridcache.core.policy import Policy


def check_policy(policy: object) -> None:
    """Refuse what is no policy.

    Raises:

        TypeError: It is none.
    """
    if not isinstance(policy, Policy):
        msg = f"a Policy is needed, not {policy!r}: Policy(fresh_for=60, ttl=3600)"
        raise TypeError(msg)


def check_loader(load: object) -> None:
    """Refuse what cannot be called.

    Raises:

        TypeError: It cannot be called.
    """
    if not callable(load):
        msg = f"load must be a function without arguments, not {load!r}"
        raise TypeError(msg)


def check_function(name: str, value: object) -> None:
    """Refuse an option that cannot be called.

    Raises:

        TypeError: It cannot be called.
    """
    if not callable(value):
        msg = f"{name} must be a function, not {value!r}"
        raise TypeError(msg)


def check_abandoned(count: object) -> int:
    """Return *count* if so many loads can be too many.

    Raises:

        TypeError: It is no int.

        ValueError: It is not positive.
    """
    if not isinstance(count, int) or isinstance(count, bool):
        msg = f"max_abandoned must be an int, not {count!r}"
        raise TypeError(msg)
    if count < 1:
        msg = f"max_abandoned must be at least 1, not {count!r}"
        raise ValueError(msg)
    return count


def label_of(function: Callable[..., object]) -> str:
    """Return a function's label in metrics: ``module.qualname``."""
    module = getattr(function, "__module__", "")
    name = getattr(function, "__qualname__", repr(function))
    return f"{module}.{name}"
