"""What a lookup would do with what was seen, and why: pure, in a lookup's own order.

Whether a tier serves is `assess` and `decide`; what is left is which tier is asked,
and what a load or a refresh would meet.
"""

from typing import Literal, TypeAlias

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
            reason = "the last refresh failed" if failed else "another process is at it"
            why.append(f"{where} holds {kind}, and {reason}")
            return _said("serve-held-off", why, tier)
        case ServeAndRefresh():
            due = " that is due (refresh_ahead)" if is_fresh else ""
            why += [f"{where} holds {kind}{due}", _refresh(sight, tier)]
            return _said("serve-and-refresh", why, tier)
        case Fetch():
            too_stale = isinstance(state, Stale)
            fault = "is staler than max_stale allows" if too_stale else "has expired"
            why.append(f"what {where} holds {fault}")
            return None


def _refresh(sight: Sight, tier: _Tier) -> str:
    """Say what the refresh meets."""
    if sight.load is not None:
        return "its refresh is under way in this process"
    if not sight.reachable:
        return "the refresh calls the loader"
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
    return sight.lease is not None and sight.policy.suppress is Suppress.CLUSTER


def _loaded(sight: Sight, why: list[str]) -> NextLookup:
    """Say what a load meets: no tier serves."""
    failure = sight.hold("failure", "process")
    if failure is not None:
        why.append("a loader's failure holds the key in this process (error_ttl)")
        return _said("fail", why)
    if sight.load is not None and sight.policy.suppress is not Suppress.NONE:
        why.append("this process loads it already")
        return _said("join", why)
    if not sight.reachable:
        why.append("no Redis can be asked for the lease")
        return _said("load", why)
    if sight.hold("failure", "redis") is not None:
        why.append("a loader's failure holds the key in Redis (error_ttl)")
        return _said("fail", why)
    if _another_loads(sight):
        left = None if sight.lease is None else sight.lease.left
        term = "" if left is None else f", for {seconds(left)} unless it is renewed"
        why.append(f"another load holds the lease{term}")
        return _said("wait", why)
    taken = "taken from its holder (suppress)" if sight.lease else "free"
    why.append(f"the lease is {taken}")
    return _said("load", why)
