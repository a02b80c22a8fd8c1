"""The Redis tier as users configure it."""

import attrs

from hybridcache.adapters.upstream.template import Template, template_of
from hybridcache.core.policy import seconds

# Longest that a lookup may lose to a Redis that hangs (design, section 6).
DEFAULT_TIMEOUT = 0.25
DEFAULT_MAX_VALUE_BYTES = 64 * 2**20
# Redis stores no string over 512 MiB; leave room for the header.
LARGEST_VALUE = 500 * 2**20


def _timeout(_: object, field: "attrs.Attribute[float]", value: float) -> None:
    if not 0.0 < value <= 60.0:  # noqa: PLR2004 (a minute is no timeout of a cache)
        msg = f"{field.name} must be seconds above 0, up to 60, not {value!r}"
        raise ValueError(msg)


def _size(_: object, field: "attrs.Attribute[int]", value: int) -> None:
    if not 1 <= value <= LARGEST_VALUE:
        msg = f"{field.name} must be from 1 to {LARGEST_VALUE} bytes, not {value!r}"
        raise ValueError(msg)


def _failures(_: object, field: "attrs.Attribute[int]", value: int) -> None:
    if isinstance(value, bool) or value < 1:
        msg = f"{field.name} must be at least 1, not {value!r}"
        raise ValueError(msg)


@attrs.frozen
class Redis:
    """Where Redis is and how long it may take. Making one connects nothing.

    Attributes:

        source: A URL (``redis://``, ``rediss://``, ``unix://``) or a redis-py
            client, sync or async, which is only a template: never used or closed.

        timeout: Of each request, seconds.

        failures: Failed requests in a row that open the breaker.

        max_value_bytes: A value with a longer encoding is not stored.

    Raises:

        TypeError: *source* is neither a URL nor a redis-py client.

        ValueError: The URL or an option is wrong.
    """

    source: object
    timeout: float = attrs.field(
        default=DEFAULT_TIMEOUT, kw_only=True, converter=seconds, validator=_timeout
    )
    failures: int = attrs.field(default=3, kw_only=True, validator=_failures)
    max_value_bytes: int = attrs.field(
        default=DEFAULT_MAX_VALUE_BYTES, kw_only=True, validator=_size
    )
    template: Template = attrs.field(init=False, repr=False, eq=False)

    @template.default
    def _read_source(self) -> Template:
        return template_of(self.source)


def upstream_of(upstream: "Redis | str | object | None") -> Redis | None:
    """Accept a `Redis`, or what one is made of."""
    if upstream is None or isinstance(upstream, Redis):
        return upstream
    return Redis(upstream)
