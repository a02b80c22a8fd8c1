"""Fresh, stale or expired, and what to do about it: total pure functions.

What lives here reads no clock and rolls no dice: `now` and `draw` come in.
Each function is annotated with exactly the variants that it can return.
"""

from typing import TypeAlias, overload

import attrs

from hybridcache.core.entry import Dated
from hybridcache.core.policy import Policy


@attrs.frozen
class Fresh:
    """Younger than ``fresh_for``; *due* once past ``refresh_ahead``."""

    age: float
    due: bool = False


@attrs.frozen
class Stale:
    """From ``fresh_for`` to ``ttl``; *staleness* is seconds past ``fresh_for``."""

    age: float
    staleness: float


@attrs.frozen
class Expired:
    """``ttl`` old or older."""

    age: float


@attrs.frozen
class Absent:
    """The tier has no entry."""


Freshness: TypeAlias = Fresh | Stale | Expired


@attrs.frozen
class Serve:
    """Serve the entry; nothing else is to be done."""


@attrs.frozen
class ServeAndRefresh:
    """Serve the entry and start a refresh in the background."""


@attrs.frozen
class ServeHeldOff:
    """Serve the stale entry; a failed refresh holds off the next until later."""


@attrs.frozen
class Fetch:
    """Do not serve what this tier has: ask the next one, in the end the loader."""


Decision: TypeAlias = Serve | ServeAndRefresh | ServeHeldOff | Fetch

_SERVE = Serve()
_SERVE_AND_REFRESH = ServeAndRefresh()
_SERVE_HELD_OFF = ServeHeldOff()
_FETCH = Fetch()


def assess(entry: Dated, policy: Policy, *, now: float) -> Freshness:
    """Judge *entry* at *now*, seconds on the clock of its ``written_at``.

    The entry's own ``fresh_for`` and ``ttl`` count, as its writer set them. A clock
    that went back makes an age of 0, never a negative one.
    """
    age = max(0.0, now - entry.written_at)
    if age >= entry.ttl:
        return Expired(age)
    if age >= entry.fresh_for:
        return Stale(age, age - entry.fresh_for)
    ahead = policy.refresh_ahead
    return Fresh(age, due=ahead is not None and age >= ahead * entry.fresh_for)


@overload
def decide(
    state: Fresh, policy: Policy, *, now: float, held_until: float = ...
) -> Serve | ServeAndRefresh: ...
@overload
def decide(
    state: Stale, policy: Policy, *, now: float, held_until: float = ...
) -> ServeAndRefresh | ServeHeldOff | Fetch: ...
@overload
def decide(
    state: Expired | Absent, policy: Policy, *, now: float, held_until: float = ...
) -> Fetch: ...
@overload
def decide(
    state: Freshness | Absent, policy: Policy, *, now: float, held_until: float = ...
) -> Decision: ...
def decide(
    state: Freshness | Absent,
    policy: Policy,
    *,
    now: float,
    held_until: float = 0.0,
) -> Decision:
    """Say what a lookup does with an entry in that *state*.

    Args:

        state: What :func:`assess` said, or :class:`Absent`.

        policy: The lookup's policy.

        now: The instant of the lookup, seconds.

        held_until: Until then a failed refresh holds off the next one.
    """
    match state:
        case Fresh(due=False):
            return _SERVE
        case Fresh():
            return _SERVE if now < held_until else _SERVE_AND_REFRESH
        case Stale(staleness=staleness):
            if policy.max_stale is not None and staleness >= policy.max_stale:
                return _FETCH
            return _SERVE_HELD_OFF if now < held_until else _SERVE_AND_REFRESH
        case Expired() | Absent():
            return _FETCH


def jittered(fresh_for: float, policy: Policy, *, draw: float) -> float:
    """Take up to the share ``jitter`` off *fresh_for*; *draw* is from [0, 1).

    Entries that were written together do not go stale together.
    """
    return fresh_for * (1.0 - policy.jitter * draw)
