"""Age and freshness lifetime (RFC 9111, section 4.2)."""

from collections.abc import Sequence

from hybridcache.core.http.cache_control import Control
from hybridcache.core.http.dates import parse_date
from hybridcache.core.http.digits import LONGEST, number
from hybridcache.core.http.fields import members


def parse_age(values: Sequence[bytes]) -> int:
    """Read Age; 0 where it is absent or invalid (RFC 9111, section 5.1).

    Of a list the first member counts, and no other one if that is invalid.
    """
    for value in values:
        for member in members(value):
            return number(member) or 0
    return 0


def corrected_initial_age(
    *, age: int, date: int | None, requested_at: float, received_at: float
) -> float:
    """Say how old a response was when it came (RFC 9111, section 4.2.3)."""
    apparent_age = 0.0 if date is None else max(0.0, received_at - date)
    response_delay = max(0.0, received_at - requested_at)
    return max(apparent_age, age + response_delay)


def lifetime(
    control: Control,
    expires: Sequence[bytes],
    date: int | None,
    received_at: float,
    *,
    shared: bool,
) -> float | None:
    """Say for how long a response is fresh (RFC 9111, section 4.2.1).

    None means that it does not say so itself. Without Date, Expires counts from when
    the response came.
    """
    if shared and control.s_maxage is not None:
        return float(control.s_maxage)
    if control.max_age is not None:
        return float(control.max_age)
    if not expires:
        return None
    expires_at = parse_date(expires[0], received_at) if len(expires) == 1 else None
    # RFC 9111, section 5.3: an invalid date is one in the past.
    if expires_at is None:
        return 0.0
    base = received_at if date is None else date
    return min(max(0.0, expires_at - base), float(LONGEST))
