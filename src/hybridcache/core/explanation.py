"""What is known of one key at one moment, and what a lookup would do with it.

Records for people and for programs alike: `attrs.asdict` turns one into plain data,
`str` into a page. The value itself is in none of them.
"""

from typing import Final, Literal, TypeAlias

import attrs

from hybridcache.core.keys import shown
from hybridcache.core.readable import page, seconds
from hybridcache.core.shown_entry import Foreign, InMemory, InRedis

Action: TypeAlias = Literal[
    "serve",
    "serve-and-refresh",
    "serve-after-wait",
    "serve-held-off",
    "join",
    "wait",
    "fail",
    "reentrant",
    "would-block",
    "load",
]

_ACTIONS: dict[Action, str] = {
    "serve": "serves what {tier} holds",
    "serve-and-refresh": "serves what {tier} holds and starts a refresh",
    "serve-after-wait": "waits for a refresh, then serves that or what {tier} holds",
    "serve-held-off": "serves what {tier} holds and starts no refresh",
    "join": "waits for the load that runs in this process",
    "wait": "waits for the load that holds the lease",
    "fail": "raises the failure that holds the key",
    "reentrant": "raises ReentrantLoad",
    "would-block": "raises WouldBlockLoop",
    "load": "calls the loader",
}


@attrs.frozen(kw_only=True)
class HeldLease:
    """The claim of a load on the key, across processes.

    Attributes:

        token: Of the load that holds it.

        left: Seconds until it ends unless it is renewed; None for never.

        here: Whether a load of this process holds it.

        awaited: Whether a load of another process waits for its end.
    """

    token: str
    left: float | None
    here: bool
    awaited: bool

    def __str__(self) -> str:
        who = "a load of this process" if self.here else "another process"
        end = "for ever" if self.left is None else f"for {seconds(self.left)} more"
        return (
            f"held by {who} {end}, {'' if self.awaited else 'not '}awaited, token"
            f" {self.token}"
        )


@attrs.frozen(kw_only=True)
class RunningLoad:
    """The load of the key in this process that a lookup would join.

    Attributes:

        seconds: How long it has run.

        callers: How many wait for it: who started it, unless that one waits no more,
            and those who joined.

        background: Whether it is a refresh, which nobody waits for at first.

        loads: Whether its loader was called; before, it asks for the lease.

        abandoned_in: Seconds until it owns its key no longer.
    """

    seconds: float
    callers: int
    background: bool
    loads: bool
    abandoned_in: float

    def __str__(self) -> str:
        what = "a refresh" if self.background else "a load"
        step = "its loader was called" if self.loads else "it asks for the lease"
        return (
            f"{what}, running for {seconds(self.seconds)}, {step}; {self.callers}"
            f" caller{'s wait' if self.callers != 1 else ' waits'} for it; abandoned"
            f" in {seconds(self.abandoned_in)}"
        )


# Redis has failures on record alone.
_MADE: Final = {"process": "failed or was made without Redis", "redis": "failed"}


@attrs.frozen(kw_only=True)
class Hold:
    """What keeps loads of the key from starting for a while.

    Attributes:

        kind: ``failure``: a loader's error is raised to all (``error_ttl``).
            ``retry``: no refresh starts after one that failed, or in this process
            after one that was made while Redis was away (``retry_after``).
            ``elsewhere``: another process refreshes it.

        where: Known in this ``process`` alone, or recorded in ``redis``.

        left: Seconds until it ends; None for never.

        error: Type and message of the failure, where they are known.
    """

    kind: Literal["failure", "retry", "elsewhere"]
    where: Literal["process", "redis"]
    left: float | None
    error: str = ""

    def __str__(self) -> str:
        what = {
            "failure": "a failure is raised to all",
            "retry": f"no refresh starts after one that {_MADE[self.where]}",
            "elsewhere": "another process refreshes it",
        }[self.kind]
        place = "in this process" if self.where == "process" else "recorded in Redis"
        end = "for ever" if self.left is None else f"for {seconds(self.left)} more"
        return f"{what}, {place}, {end}{self.error and f': {self.error}'}"


@attrs.frozen(kw_only=True)
class NextLookup:
    """What a lookup would do now.

    Attributes:

        action: In one word.

        tier: Which tier serves, where one does.

        reasons: Why, step by step as a lookup goes.
    """

    action: Action
    tier: Literal["memory", "redis"] | None
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        tier = "Redis" if self.tier == "redis" else "memory"
        return _ACTIONS[self.action].format(tier=tier)


@attrs.frozen(kw_only=True)
class Explanation:
    """What each tier holds of a key, and what a lookup would do. `str` is a page.

    Attributes:

        key: The key.

        name: The entry's name in Redis; empty without Redis.

        lookup: What a lookup would do now, and why.

        memory: What memory holds; None for nothing.

        redis: What Redis holds; None for nothing, or if it was not asked.

        lease: Who claims the key across processes, as Redis says; None for nobody.

        load: The load of the key in this process; None if none runs.

        holds: What keeps loads or refreshes from starting.

        has_memory: Whether the cache has a memory tier.

        has_redis: Whether it has a Redis.

        down: Why Redis could not be asked; empty where it answered.

        blind: Whether the subscription is not whole: memory is checked before use.
    """

    key: str
    name: str
    lookup: NextLookup
    memory: InMemory | None
    redis: InRedis | Foreign | None
    lease: HeldLease | None
    load: RunningLoad | None
    holds: tuple[Hold, ...]
    has_memory: bool
    has_redis: bool
    down: str
    blind: bool

    def __str__(self) -> str:
        holds = [str(hold) for hold in self.holds] or ["none"]
        first, *others = self.lookup.reasons
        return page(
            [
                ("key", shown(self.key)),
                ("in Redis", shown(self.name) if self.has_redis else ""),
                ("a lookup", str(self.lookup)),
                ("because", first),
                *(("", reason) for reason in others),
                ("memory", self._memory()),
                ("redis", self._redis()),
                ("lease", self._asked(str(self.lease or "nobody holds it"))),
                ("load", str(self.load or "none runs in this process")),
                ("held off", holds[0]),
                *(("", hold) for hold in holds[1:]),
                ("messages", self._messages()),
            ]
        )

    def _memory(self) -> str:
        if not self.has_memory:
            return "the cache has no memory tier"
        return "nothing" if self.memory is None else str(self.memory)

    def _redis(self) -> str:
        if not self.has_redis:
            return "the cache has no Redis"
        if self.down:
            return f"not asked, or no answer: {self.down}"
        return "nothing" if self.redis is None else str(self.redis)

    def _asked(self, text: str) -> str:
        return text if self.has_redis and not self.down else ""

    def _messages(self) -> str:
        if not self.has_redis:
            return ""
        if self.blind:
            return "the subscription is not whole: memory is checked before use"
        return "the subscription is whole"
