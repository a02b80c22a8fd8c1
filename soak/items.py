"""What the soak caches: values that say whose they are and when their load began."""

import asyncio
import itertools
import time
from random import Random
from typing import Final

import attrs

from hybridcache import NoStore, Policy, Reply

TIMEOUT: Final = 0.25
# Longer than a lease (3 s), so that waiters of a killed process can take over.
POLICY: Final = Policy(fresh_for=2.0, ttl=6.0, wait_for=5.0, retry_after=1.0)
HASTY: Final = Policy(fresh_for=2.0, ttl=6.0, wait_for=1.0, abandon_after=2.0)
HANGS_FOR: Final = 3.0
ITEMS: Final = 600
# Of a thousand lookups, how many are of each kind of key; the rest are items.
SHARES: Final = {"slow": 6, "fail": 10, "once": 10, "hang": 1}
# How many keys of each kind there are.
KEYS: Final = {"item": ITEMS, "slow": 20, "fail": 10, "once": 10, "hang": 4}


class LoaderError(Exception):
    """What the soak's own loaders raise; its text is the key."""


@attrs.frozen
class Made:
    """A value.

    Attributes:

        key: Whose it is.

        worker: Which process made it.

        sequence: Which load of that process.

        begun: When the loader was called, on the machine's monotonic clock.

        made: When it returned.
    """

    key: str
    worker: str
    sequence: int
    begun: float
    made: float


def draw_key(random: Random) -> str:
    """Choose a key, a few of them much more often than the many."""
    left = random.random() * 1000
    for kind, share in SHARES.items():
        left -= share
        if left < 0:
            return f"{kind}:{int(random.random() * KEYS[kind])}"
    return f"item:{int(ITEMS * random.random() ** 2.5)}"


def policy_of(key: str) -> Policy:
    """Return the policy that *key* is looked up with."""
    return HASTY if key.startswith("hang:") else POLICY


@attrs.define
class Maker:
    """Makes the values of one process, in the mood that it is told to be in."""

    worker: str
    random: Random
    slow_until: float = 0.0
    failing_until: float = 0.0
    _sequence: "itertools.count[int]" = attrs.field(factory=itertools.count, init=False)

    def make(self, key: str) -> Made:
        """Make a value in a thread."""
        begun = time.monotonic()
        time.sleep(self._pause(key, begun))
        return self._made(key, begun)

    async def amake(self, key: str) -> Made:
        """Make a value in a task."""
        begun = time.monotonic()
        await asyncio.sleep(self._pause(key, begun))
        return self._made(key, begun)

    def once(self, key: str) -> Reply[Made]:
        """Make a value that is to be stored nowhere, in a thread."""
        return NoStore(self.make(key))

    async def aonce(self, key: str) -> Reply[Made]:
        """Make a value that is to be stored nowhere, in a task."""
        return NoStore(await self.amake(key))

    def _pause(self, key: str, now: float) -> float:
        draw = self.random.random()
        if key.startswith("hang:"):
            return HANGS_FOR
        if key.startswith("slow:") or now < self.slow_until:
            return 0.1 + 0.4 * draw
        return 0.003 * draw

    def _made(self, key: str, begun: float) -> Made:
        now = time.monotonic()
        failing = key.startswith("fail:") or now < self.failing_until
        if failing and self.random.random() < 0.5:
            raise LoaderError(key)
        return Made(key, self.worker, next(self._sequence), begun, now)
