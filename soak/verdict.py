"""What is wrong after a soak, and the table of its figures."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import redis

from soak.book import Wait, Wrong
from soak.crew import Crew, Member
from soak.faults import Happened

# How long after its end a fault may still make callers wait, seconds.
AFTERMATH: Final = 2.0
# What a lease and a result record live (design, section 7), and a look around.
GONE_WITHIN: Final = 6.0
# The allocator's share: freed memory is not all given back.
GROWTH: Final = 1.15
ALWAYS_FINE: Final = 8 * 2**20


def wrongs(
    crew: Crew, restored: Sequence[tuple[float, float]]
) -> list[tuple[str, Wrong]]:
    """Return all that was wrong, by process, but for what a restart explains."""
    return [
        (member.name, wrong)
        for member in crew.members
        for wrong in member.wrongs
        if not _explained(wrong, restored)
    ]


def _explained(wrong: Wrong, restored: Sequence[tuple[float, float]]) -> bool:
    """Whether a server came back with data from before the invalidation.

    A restart may lose an acknowledged invalidation (design, section 5.3).
    """
    return wrong.since > 0.0 and any(
        wrong.since <= up and wrong.began >= saved for saved, up in restored
    )


def left_in_redis(client: redis.Redis) -> Iterator[str]:
    """Say which connections and keys are there that should be gone."""
    mine = client.client_id()
    # Closing a socket and Redis's noticing it are two things.
    deadline = time.monotonic() + 2.0
    while (others := _others(client, mine)) and time.monotonic() < deadline:
        time.sleep(0.05)
    yield from (f"connection {other}" for other in others)
    deadline = time.monotonic() + GONE_WITHIN
    while (keys := _passing(client)) and time.monotonic() < deadline:
        time.sleep(0.1)
    yield from (f"key {key}" for key in keys)
    for key in client.scan_iter():
        if not key.endswith(b":marker") and client.pttl(key) == -1:
            yield f"key without a TTL {key!r}"


def _others(client: redis.Redis, mine: int) -> list[str]:
    return [
        f"{one['addr']} {one['cmd']}"
        for one in client.client_list()
        if int(one["id"]) != mine
    ]


def _passing(client: redis.Redis) -> list[str]:
    return [
        key.decode(errors="replace")
        for key in client.scan_iter()
        if key.endswith(b":lease") or b":result:" in key
    ]


def grown(member: Member) -> str | None:
    """Say by how much a process grew that should be done growing."""
    warm = _sizes(member)[0]
    if not warm or member.killed:
        return None
    allowed = max(warm * GROWTH, warm + ALWAYS_FINE)
    if member.last_rss <= allowed:
        return None
    return f"{member.name} grew from {_mb(warm)} to {_mb(member.last_rss)}"


def figures(crew: Crew, happened: Sequence[Happened], seconds: float) -> Iterator[str]:
    """Give the lines of the table."""
    total: Counter[str] = Counter()
    for member in crew.members:
        total += member.outcomes
    invalidations = {name: total.pop(name, 0) for name in ("invalidate", "clear")}
    lookups = sum(count for name, count in total.items() if name[0] != "(")
    yield f"{lookups:,} lookups in {seconds:.0f} s, {lookups / seconds:,.0f} a second"
    for name, count in total.most_common():
        yield f"  {name:<30}{count:>12,}{count / max(1, lookups):>9.3%}"
    for name, count in invalidations.items():
        yield f"  {name + '() that reached Redis':<30}{count:>12,}"
    yield f"{len(happened)} faults{'times':>29}   longest wait of a lookup"
    waits = [wait for member in crew.members for wait in member.waits]
    for kind, times in sorted(Counter(one.kind for one in happened).items()):
        yield f"  {kind:<30}{times:>5}{_longest(kind, happened, waits)}"
    yield f"  {'(none for two seconds)':<30}{'':>5}{_longest('', happened, waits)}"
    yield "processes: memory when warm, half-way, at the end; longest lag of a caller"
    for member in crew.members:
        fate = ", killed" if member.killed else ""
        sizes = "".join(f"{_mb(size):>10}" for size in _sizes(member))
        yield f"  {member.name:<10}{sizes}{member.lag:>8.2f} s{fate}"


def _sizes(member: Member) -> tuple[int, int, int]:
    """Give its memory when it was warm, half-way from there, and at the end."""
    sizes = member.warm_rss[:] or [0]
    return sizes[0], sizes[len(sizes) // 2], member.last_rss


def _longest(kind: str, happened: Sequence[Happened], waits: Sequence[Wait]) -> str:
    during = [wait for wait in waits if _during(wait, happened) == kind]
    longest = max(during, key=lambda wait: wait.seconds, default=Wait(0.0, 0.0))
    return f"{longest.seconds:>9.3f} s  {longest.what}"


def _during(wait: Wait, happened: Sequence[Happened]) -> str:
    """Name the first fault that a wait was in, or empty."""
    within = [
        one.kind
        for one in happened
        if wait.at >= one.began and wait.at - wait.seconds <= one.ended + AFTERMATH
    ]
    return within[0] if within else ""


def _mb(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
