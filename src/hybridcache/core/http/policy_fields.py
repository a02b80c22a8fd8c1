"""What the fields of an HTTP policy are made of and may hold.

Rules of this module: converters and validators only; a refusal has the field's name and
the bad value in its message.
"""

from collections.abc import Callable, Iterable
from inspect import iscoroutinefunction
from typing import Final, Literal, TypeAlias, TypedDict, TypeVar

import attrs

from hybridcache.core.http.fields import is_token
from hybridcache.core.http.message import Head, Request
from hybridcache.core.policy import LONGEST, Duration, seconds

SetCookieWord: TypeAlias = Literal["skip", "store"]

Failure: TypeAlias = Callable[[Request, Exception], tuple[Head, bytes]]
"""Makes the response, head and body, for a request whose load failed."""

FLAG: Final = attrs.validators.instance_of(bool)

T = TypeVar("T")


def optional_seconds(value: Duration | None) -> float | None:
    """Turn a duration into float seconds; None stays."""
    return None if value is None else seconds(value)


def fresh_and_ttl(
    value: tuple[Duration, Duration] | None,
) -> tuple[float, float] | None:
    """Turn two durations into float seconds."""
    return None if value is None else (seconds(value[0]), seconds(value[1]))


def lower(values: Iterable[str]) -> tuple[str, ...]:
    """Make the names lower case."""
    if isinstance(values, str):
        msg = f"a tuple of str is wanted, as ({values!r},), not {values!r}"
        raise TypeError(msg)
    return tuple(value.lower() for value in values)


def function(_: object, field: "attrs.Attribute[T]", value: T) -> None:
    """Refuse what cannot be called, or must be awaited; None is no function."""
    if value is None or (callable(value) and not iscoroutinefunction(value)):
        return
    msg = f"{field.name} takes a function that is not async, or None, not {value!r}"
    if field.name == "bypass_if":
        msg = f"{msg}; for a cookie of that name: cookies({value!r})"
    raise TypeError(msg)


def field_names(
    _: object, field: "attrs.Attribute[tuple[str, ...]]", value: tuple[str, ...]
) -> None:
    """Refuse what names no field."""
    for name in value:
        if not is_token(name.encode("utf-8", "surrogatepass")):
            msg = f"{field.name} are names of fields, not {name!r}"
            raise ValueError(msg)


def method_names(values: Iterable[str]) -> frozenset[str]:
    """Make a set of methods, whose names are case-sensitive (RFC 9110, 9.1)."""
    if isinstance(values, str):
        msg = f"several methods are a set of str, not {values!r}"
        raise TypeError(msg)
    return frozenset(values)


def not_negative(
    _: object, field: "attrs.Attribute[float]", value: float | None
) -> None:
    """Refuse what is no length of time."""
    if value is not None and not 0.0 <= value <= LONGEST:
        msg = f"{field.name} must be seconds from 0 up to 2**31, not {value!r}"
        raise ValueError(msg)


def positive(_: object, field: "attrs.Attribute[float]", value: float) -> None:
    """Refuse what is no length of time, or none at all."""
    if not 0.0 < value <= LONGEST:
        msg = f"{field.name} must be seconds above 0, up to 2**31, not {value!r}"
        raise ValueError(msg)


def share(_: object, field: "attrs.Attribute[float]", value: float) -> None:
    """Refuse what is no share."""
    if not 0.0 <= value <= 1.0:
        msg = f"{field.name} is a share: from 0 to 1, not {value!r}"
        raise ValueError(msg)


def count(_: object, field: "attrs.Attribute[int]", value: int) -> None:
    """Refuse what counts nothing."""
    if type(value) is not int or value < 1:
        msg = f"{field.name} must be a whole number above 0, not {value!r}"
        raise ValueError(msg)


def set_cookie_word(
    _: object, field: "attrs.Attribute[SetCookieWord]", value: SetCookieWord
) -> None:
    """Refuse an unknown word."""
    if value not in {"skip", "store"}:
        msg = f"{field.name} must be one of 'skip', 'store', not {value!r}"
        raise ValueError(msg)


def ordered(
    _: object,
    __: "attrs.Attribute[tuple[float, float] | None]",
    value: tuple[float, float] | None,
) -> None:
    """Refuse a ttl that ends before freshness does."""
    if value is not None and not 0.0 <= value[0] <= value[1] <= LONGEST:
        fresh_for, ttl = value
        msg = (
            f"fresh_for={fresh_for!r} must not exceed ttl={ttl!r}, and both are seconds"
            " from 0 up to 2**31"
        )
        raise ValueError(msg)


class MostChanges(TypedDict, total=False):
    """The keyword arguments of ``HTTPPolicy.by_url`` beside its own."""

    shared: bool
    keep: Duration
    max_body: int
    max_variants: int
    max_vary: int
    max_key: int
    wait_for: Duration
    set_cookie: SetCookieWord
    heuristic: float
    obey_requests: bool
    targets: tuple[str, ...]
    stale_while_revalidate: Duration | None
    stale_if_error: Duration | None
    hosts: tuple[str, ...]
    key_headers: tuple[str, ...]
    bypass_if: Callable[[Request], bool] | None
    partition: Callable[[Request], str] | None
    pass_for: Duration
    detail: bool
    safe_methods: frozenset[str]
    max_refreshes: int
    min_uses: int


class HTTPPolicyChanges(MostChanges, total=False):
    """The keyword arguments of ``HTTPPolicy.evolve`` and of the profiles."""

    fresh_for: Duration | None
    request_key: Callable[[Request], str] | None
    accept_request: Callable[[Request], bool] | None
    accept_response: Callable[[Head], bool] | None
    error_handler: Failure | None
