"""Waiting until a cache is in the state that is to be measured."""

import asyncio
import time

from hybridcache import AsyncCache, Cache

WITHIN = 10.0


def until_whole(cache: Cache | AsyncCache) -> None:
    """Wait until its subscription stands, as it does in a service that runs."""
    deadline = time.monotonic() + WITHIN
    while not is_whole(cache):
        if time.monotonic() > deadline:
            msg = "the subscription does not become whole"
            raise TimeoutError(msg)
        time.sleep(0.01)


async def until_whole_async(cache: AsyncCache) -> None:
    """Do the same beside other tasks."""
    await asyncio.to_thread(until_whole, cache)


def is_whole(cache: Cache | AsyncCache) -> bool:
    """Whether it can trust its subscription."""
    state = cache._state  # noqa: SLF001 (a benchmark may look inside)
    state.wiring.station.ensure_keeper()
    return state.wiring.ctx.node.whole


def is_open(cache: Cache | AsyncCache) -> bool:
    """Whether its breaker is open: nobody tries a connection."""
    gate = cache._state.wiring.ctx.node.gate  # noqa: SLF001 (see above)
    return gate.breaker.state.value == "open"
