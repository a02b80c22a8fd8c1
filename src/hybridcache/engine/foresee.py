"""What a lookup would do with what was seen, and why: pure, in a lookup's own order.

Whether a tier serves is `assess` and `decide`; what is left is which tier is asked,
and what a load or a refresh would meet.
"""

from enum import Enum
from typing import Final, Literal, TypeAlias

import attrs

from hybridcache.core.decision import (
    Fetch,
    Fresh,
    Serve,
    ServeAndRefresh,
    ServeHeldOff,
    Stale,
    assess,
    decide,
)
from hybridcache.core.entry import Dated
from hybridcache.core.explanation import (
    Action,
    HeldLease,
    Hold,
    NextLookup,
    RunningLoad,
)
from hybridcache.core.policy import Policy, Suppress
from hybridcache.core.readable import seconds

_Tier: TypeAlias = Literal["memory", "redis"]
_HELD_OFF: Final = "the last refresh failed or was made without Redis"


@attrs.frozen
class Side:
    """What one tier has for a lookup.

    Attributes:

        entry: What could be served; None for nothing.

        lacks: Why there is nothing; empty where the cache has no such tier.

        doubt: What is to be said of an entry that is suspect.
    """

    entry: Dated | None
    lacks: str = ""
    doubt: str = ""


class Circle(Enum):
    """Why a caller must not wait.

    OWN_LEASE: It is part of a load that holds the key's lease. OWN_LOAD: It is part of
    the load, or of one that this waits for. OWN_LOOP: The load is its own loop's.
    """

    OWN_LEASE = "own lease"
    OWN_LOAD = "own load"
    OWN_LOOP = "own loop"


@attrs.frozen
class Sight:
    """All that decides what a lookup does, at one moment.

    Attributes:

        now: Monotonic instant, seconds.

        policy: The lookup's policy.

        bypass: Whether it reads and writes nothing.

        memory: What memory has.

        redis: What Redis has.

        reachable: Whether there is a Redis that answers.

        other: Whether Redis holds another entry than memory.

        holds: What keeps loads and refreshes from starting.

        lease: Who claims the key across processes.

        load: The load of this process that can be joined.

        refusal: Why Redis is asked for no lease; empty where it is asked.

        circle: What keeps this caller from waiting for a load; None for nothing.
    """

    now: float
    policy: Policy
    bypass: bool
    memory: Side
    redis: Side
    reachable: bool
    other: bool
    holds: tuple[Hold, ...]
    lease: HeldLease | None
    load: RunningLoad | None
    refusal: str = ""
    circle: "Circle | None" = None

    def hold(self, kind: str, where: str) -> Hold | None:
        """Return the hold of that kind, if there is one."""
        for hold in self.holds:
            if (hold.kind, hold.where) == (kind, where):
                return hold
        return None

    @property
    def held_until(self) -> float:
        """Until when this process starts no refresh, monotonic instant."""
        lefts = [
            hold.left or 0.0
            for hold in self.holds
            if hold.where == "process" and hold.kind != "failure"
        ]
        return self.now + max(lefts) if lefts else 0.0


def foresee(sight: Sight) -> NextLookup:
    """Say what a lookup would do now."""
    if sight.bypass:
        return _said("load", ["bypass() is on in this context: no tier is asked"])
    why: list[str] = []
    return (
        _served(sight, "memory", sight.memory, why)
        or _served(sight, "redis", sight.redis, why)
        or _loaded(sight, why)
    )


def _said(action: Action, why: list[str], tier: _Tier | None = None) -> NextLookup:
    return NextLookup(action=action, tier=tier, reasons=tuple(why))


def _served(sight: Sight, tier: _Tier, side: Side, why: list[str]) -> NextLookup | None:
    """Say that this tier serves, or add to *why* what it lacks."""
    policy, now = sight.policy, sight.now
    where = "memory" if tier == "memory" else "Redis"
    if side.entry is None:
        why += [side.lacks] if side.lacks else []
        return None
    state = assess(side.entry, policy, now=now)
    is_fresh = isinstance(state, Fresh)
    kind = f"a {'fresh' if is_fresh else 'stale'} entry{side.doubt}"
    match decide(state, policy, now=now, held_until=sight.held_until):
        case Serve():
            held = " (due, but no refresh may start)"
            is_due = isinstance(state, Fresh) and state.due
            why.append(f"{where} holds {kind}{held if is_due else ''}")
            return _said("serve", why, tier)
        case ServeHeldOff():
            failed = sight.hold("retry", "process") is not None
            reason = _HELD_OFF if failed else "another process is at it"
            why.append(f"{where} holds {kind}, and {reason}")
            return _said("serve-held-off", why, tier)
        case ServeAndRefresh():
            due = " that is due (refresh_ahead)" if is_fresh else ""
            why.append(f"{where} holds {kind}{due}")
            return _refreshed(sight, tier, why, is_fresh=is_fresh)
        case Fetch():
            too_stale = isinstance(state, Stale)
            fault = "is staler than max_stale allows" if too_stale else "has expired"
            why.append(f"what {where} holds {fault}")
            return None


def _refreshed(
    sight: Sight, tier: _Tier, why: list[str], *, is_fresh: bool
) -> NextLookup:
    """Say whether a refresh starts, and whether the lookup waits for it."""
    what = None if sight.load is None else _what(sight.load)
    met = _refresh(sight, tier) if what is None else f"{what} is under way here"
    why.append(met)
    left = min(sight.policy.stale_wait, sight.policy.wait_for)
    if not is_fresh and left > 0.0:
        if sight.circle is Circle.OWN_LOOP:
            return _in_circle(sight.circle, why)
        if sight.circle is not Circle.OWN_LOAD:
            why.append(f"it waits up to {seconds(left)} for that first (stale_wait)")
            return _said("serve-after-wait", why, tier)
    return _said("serve-and-refresh" if what is None else "serve-held-off", why, tier)


def _what(load: RunningLoad) -> str:
    return "a refresh" if load.background else "a load"


def _in_circle(circle: Circle, why: list[str]) -> NextLookup:
    if circle is Circle.OWN_LOOP:
        why.append("the load runs in this thread's own event loop")
        return _said("would-block", why)
    why.append("this code is part of a load that the lookup would wait for")
    return _said("reentrant", why)


def _refresh(sight: Sight, tier: _Tier) -> str:
    """Say what the refresh meets."""
    if not sight.reachable:
        return "the refresh calls the loader"
    if sight.refusal:
        return f"the refresh calls the loader, {_without_lease(sight)}"
    redis = sight.redis.entry
    if (
        tier == "memory"
        and sight.other
        and redis is not None
        and isinstance(assess(redis, sight.policy, now=sight.now), Fresh)
    ):
        return "the refresh takes over the newer entry that Redis holds"
    failure = sight.hold("failure", "redis")
    if failure is not None:
        return "the refresh finds the failure that another load left in Redis"
    retry = sight.hold("retry", "redis")
    if retry is not None:
        return "the refresh is held off: one failed, Redis says"
    if _another_loads(sight):
        return "the refresh is left to the process that holds the lease"
    return "the refresh takes the lease and calls the loader"


def _another_loads(sight: Sight) -> bool:
    """Whether the lease of another load would be respected."""
    lease = sight.lease
    # One without an end, or at its end, is granted anew.
    stands = lease is not None and lease.left is not None and lease.left > 0.0
    return stands and sight.policy.suppress is Suppress.CLUSTER


def _without_lease(sight: Sight) -> str:
    return f"for Redis refuses writes: no lease is asked for ({sight.refusal})"


def _loaded(sight: Sight, why: list[str]) -> NextLookup:
    """Say what a load meets: no tier serves."""
    if sight.circle is Circle.OWN_LEASE:
        return _in_circle(sight.circle, why)
    failure = sight.hold("failure", "process")
    if failure is not None:
        why.append("a loader's failure holds the key in this process (error_ttl)")
        return _said("fail", why)
    if sight.load is not None and sight.policy.suppress is not Suppress.NONE:
        if sight.circle is not None:
            return _in_circle(sight.circle, why)
        why.append("this process loads it already")
        return _said("join", why)
    if not sight.reachable:
        why.append("no Redis can be asked for the lease")
        return _said("load", why)
    if sight.refusal:
        why.append(_without_lease(sight).removeprefix("for "))
        return _said("load", why)
    if sight.hold("failure", "redis") is not None:
        why.append("a loader's failure holds the key in Redis (error_ttl)")
        return _said("fail", why)
    if _another_loads(sight):
        why.append(f"{_holder(sight.lease)}, unless it is renewed")
        return _said("wait", why)
    why.append(f"the lease is {_taken(sight)}")
    return _said("load", why)


def _holder(lease: HeldLease | None) -> str:
    here = lease is not None and lease.here
    who = "a load of this process" if here else "another process's load"
    left = 0.0 if lease is None or lease.left is None else lease.left
    return f"{who} holds the lease for {seconds(left)} more"


def _taken(sight: Sight) -> str:
    if sight.lease is None:
        return "free"
    if sight.policy.suppress is Suppress.CLUSTER:
        return "taken over, for it has no time left or no end"
    return "taken from its holder (suppress)"
