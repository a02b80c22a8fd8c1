"""How a cache is, from what its process knows without asking, and the verdict.

The verdict is for a readiness probe. With Redis down a cache serves on, from memory
and by its loaders, and so would every other instance that a balancer could turn to:
that is `degraded` and no reason to be taken out of service. Loads that hang are.
"""

from typing import Final, Literal, TypeAlias

import attrs

from hybridcache.core.readable import page, printable, size

BreakerWord: TypeAlias = Literal["closed", "open", "half_open"]

# As many threads as the standard library's ThreadPoolExecutor has at most by default:
# so many that hang are no accident of a few slow keys.
MOST_ABANDONED: Final = 32


@attrs.frozen(kw_only=True)
class UpstreamHealth:
    """How Redis is, as far as the process knows.

    Attributes:

        up: Whether requests are sent, and the last one was answered.

        cause: What the last failure said, while it is not up.

        breaker: Its state.

        failures: Failed requests in a row, while it is closed.

        refusal: Why Redis refuses writes; empty where it does not.

        blind: Whether the subscription is not whole: memory is checked before use.

        backlog: Leases that Redis is still to be told to release.
    """

    up: bool
    cause: str
    breaker: BreakerWord
    failures: int
    refusal: str
    blind: bool
    backlog: int

    def __str__(self) -> str:
        state = "up" if self.up else f"down: {self.cause}"
        return f"{state} (breaker {self.breaker}, failures in a row: {self.failures})"


@attrs.frozen(kw_only=True)
class MemoryHealth:
    """How full memory is.

    Attributes:

        entries: How many it holds, those of other caches on it included.

        bytes: How many they count.

        max_entries: Most entries.

        max_bytes: Most bytes; None for no bound.
    """

    entries: int
    bytes: int
    max_entries: int
    max_bytes: int | None

    def __str__(self) -> str:
        bound = "any size" if self.max_bytes is None else size(self.max_bytes)
        return (
            f"{self.entries:,} of {self.max_entries:,} entries, {size(self.bytes)} of"
            f" {bound}"
        )


@attrs.frozen(kw_only=True)
class Health:
    """How a cache is. `str` is a page, `attrs.asdict` is fit for JSON.

    Attributes:

        cache: Its name.

        closed: Whether it was closed.

        loads: Loads that run in this process and that a lookup would join.

        abandoned: Loads past their ``abandon_after`` whose loader still runs.

        max_abandoned: With so many of them it is not healthy.

        upstream: How Redis is; None without.

        memory: How full memory is; None without.

        reasons: Why it is not healthy.

        healthy: Whether lookups may be sent here: it is open, and fewer loads than
            *max_abandoned* hang.

        degraded: What is worse than usual while it serves on; Redis down, for one.
    """

    cache: str
    closed: bool
    loads: int
    abandoned: int
    max_abandoned: int
    upstream: UpstreamHealth | None
    memory: MemoryHealth | None
    reasons: tuple[str, ...] = attrs.field(init=False)
    healthy: bool = attrs.field(init=False)
    degraded: tuple[str, ...] = attrs.field(init=False)

    @reasons.default
    def _reasons(self) -> tuple[str, ...]:
        reasons: list[str] = []
        if self.closed:
            reasons.append("the cache is closed")
        if self.abandoned >= self.max_abandoned:
            reasons.append(
                f"{self.abandoned} loads hang past abandon_after, and"
                f" {self.max_abandoned} are too many"
            )
        return tuple(reasons)

    @healthy.default
    def _healthy(self) -> bool:
        return not self.reasons

    @degraded.default
    def _degraded(self) -> tuple[str, ...]:
        worse: list[str] = []
        if 0 < self.abandoned < self.max_abandoned:
            worse.append(f"{self.abandoned} loads hang past abandon_after")
        upstream = self.upstream
        if upstream is None or self.closed:
            return tuple(worse)
        if not upstream.up:
            worse.append(f"Redis is down: {upstream.cause}")
        if upstream.refusal:
            worse.append(f"Redis refuses writes: {upstream.refusal}")
        if upstream.blind:
            worse.append("the subscription is not whole: memory is checked before use")
        if upstream.backlog:
            worse.append(f"{upstream.backlog} leases are still to be released in Redis")
        return tuple(worse)

    def __str__(self) -> str:
        verdict = "healthy" if self.healthy else "not healthy"
        hanging = f"{self.abandoned} hanging past abandon_after"
        no_redis = "the cache has no Redis"
        no_memory = "the cache has no memory tier"
        return page(
            [
                ("cache", printable(self.cache) or "(no name)"),
                ("verdict", f"{verdict}{', degraded' if self.degraded else ''}"),
                *(("", reason) for reason in (*self.reasons, *self.degraded)),
                ("redis", no_redis if self.upstream is None else str(self.upstream)),
                ("memory", no_memory if self.memory is None else str(self.memory)),
                ("loads", f"{self.loads} running, {hanging}"),
            ]
        )
