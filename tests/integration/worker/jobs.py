"""What tests have worker processes do. What comes back can be pickled."""

import asyncio
import threading
from collections import Counter
from typing import TypeAlias

import redis.asyncio

from hybridcache import (
    HitFresh,
    HitStale,
    LoadFailedElsewhere,
    Miss,
    NoStore,
    Outcome,
    Policy,
    Suppressed,
    UpstreamDown,
)
from tests.integration.worker.inside import Inside

Told: TypeAlias = tuple[str, int]
"""How a lookup was served, in a word or two, and with what."""

WITHIN = 20


class LoaderError(Exception):
    """What a failing loader of these tests raises."""


def told(outcome: Outcome[int]) -> Told:
    """Say in words how a lookup was served."""
    match outcome:
        case Miss(value) | UpstreamDown(value):
            return outcome.tag, value
        case Suppressed(value, scope=scope):
            return f"{outcome.tag} {scope.value}", value
        case HitFresh(value, tier=tier) | HitStale(value, tier=tier):
            return f"{outcome.tag} {tier.value}", value


def counted(inside: Inside, key: str) -> int:
    """Count a load of *key*, wait until the test lets it go on, and make a value."""
    number = int(inside.redis.incr(f"loads:{key}"))
    # A list with one element stays as it is: every load may pass.
    inside.redis.blmove(f"gate:{key}", f"gate:{key}", WITHIN)
    return number


def look_up(inside: Inside, key: str, policy: Policy) -> Told:
    """Look *key* up once, in a thread."""

    def load() -> int:
        return counted(inside, key)

    return told(inside.cache.outcome(key, load, policy))


def look_up_unstored(inside: Inside, key: str, policy: Policy) -> Told:
    """Look *key* up once; what is loaded shall be stored nowhere."""

    def load() -> NoStore[int]:
        return NoStore(counted(inside, key))

    return told(inside.cache.outcome(key, load, policy))


def look_up_failing(inside: Inside, key: str, policy: Policy) -> Told:
    """Look *key* up once with a loader that fails; say with what it did."""

    def load() -> int:
        number = counted(inside, key)
        msg = f"load {number}"
        raise LoaderError(msg)

    try:
        return told(inside.cache.outcome(key, load, policy))
    except LoaderError as error:
        return f"LoaderError: {error}", 0
    except LoadFailedElsewhere as error:
        return f"LoadFailedElsewhere: {error.kind}: {error.message}", 0


def threads(inside: Inside, key: str, policy: Policy, callers: int) -> "Counter[Told]":
    """Look *key* up in many threads at the same moment."""
    answers: Counter[Told] = Counter()
    lock = threading.Lock()
    start = threading.Barrier(callers)

    def call() -> None:
        start.wait(WITHIN)
        answer = look_up(inside, key, policy)
        with lock:
            answers[answer] += 1

    calls = [threading.Thread(target=call) for _ in range(callers)]
    for thread in calls:
        thread.start()
    for thread in calls:
        thread.join(WITHIN)
    return answers


def tasks(inside: Inside, key: str, policy: Policy, callers: int) -> "Counter[Told]":
    """Look *key* up in many tasks at the same moment."""

    async def load() -> int:
        async with redis.asyncio.Redis.from_url(inside.url) as client:
            number = int(await client.incr(f"loads:{key}"))
            await client.blmove(f"gate:{key}", f"gate:{key}", WITHIN)
            return number

    async def call() -> Told:
        return told(await inside.async_cache.outcome(key, load, policy))

    async def all_calls() -> list[Told]:
        return await asyncio.gather(*(call() for _ in range(callers)))

    return Counter(inside.runner.run(all_calls()))


def invalidate(inside: Inside, key: str) -> bool:
    """Invalidate *key*."""
    return inside.cache.invalidate(key).reached_redis


def clear(inside: Inside) -> bool:
    """Invalidate all keys."""
    return inside.cache.clear().reached_redis
