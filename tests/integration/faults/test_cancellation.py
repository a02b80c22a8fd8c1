"""Storms of cancellation: hundreds of tasks come and are cancelled at random."""

import asyncio
import random
from collections import Counter

import pytest
import redis

from hybridcache import AsyncCache, Memory, Policy, Redis
from tests.eventually import eventually
from tests.integration.faults.timing import Waits
from tests.run import Run

POLICY = Policy(fresh_for=0.01, ttl=60, wait_for=5)
TASKS = 400
KEYS = 20


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cancellation_storm(
    run: Run,
    redis_url: str,
    prefix: str,
    client: "redis.Redis",
    seed: int,
    waits: Waits,
) -> None:
    """Who is not cancelled gets the value; nothing is left behind, and no lease."""
    dice = random.Random(seed)

    async def settled() -> str:
        return "k"

    async def storm() -> "Counter[str]":
        loop = asyncio.get_running_loop()
        before = len(asyncio.all_tasks())
        seen: Counter[str] = Counter()
        async with AsyncCache(
            prefix=prefix, upstream=Redis(redis_url, timeout=2), downstream=Memory()
        ) as cache:

            async def caller(number: int) -> None:
                await asyncio.sleep(dice.random() * 0.5)
                key = f"k{number % KEYS}"

                async def load() -> str:
                    await asyncio.sleep(dice.random() * 0.05)
                    return key

                begun = loop.time()
                task = asyncio.current_task()
                if task is not None and dice.random() < 0.5:
                    loop.call_later(dice.random() * 0.03, task.cancel)
                try:
                    if dice.random() < 0.05:
                        await cache.invalidate(key)
                        seen["invalidated"] += 1
                        return
                    outcome = await cache.outcome(key, load, POLICY)
                except asyncio.CancelledError:
                    seen["cancelled"] += 1
                    raise
                assert key == outcome.value
                waits.add(loop.time() - begun)
                seen[outcome.tag] += 1

            tasks = [asyncio.create_task(caller(number)) for number in range(TASKS)]
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert {asyncio.CancelledError, type(None)} >= {type(one) for one in ended}
            for number in range(KEYS):
                assert await cache.get_or_load(f"k{number}", settled, POLICY)
            node = cache._state.wiring.ctx.node
        assert not len(node.flights)
        assert before == len(asyncio.all_tasks())
        return seen

    seen = run(storm())

    assert seen["cancelled"] > 0
    assert seen["miss"] > 0
    eventually(lambda: not client.keys(f"{prefix}*:lease"))
    # By the design, a deadline; nothing here should come near it.
    waits.within(5.0)
