"""Callers that look up without a pause while a fault happens, and what they saw."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final, Self

import attrs

from hybridcache import Miss, Outcome, Policy, UpstreamDown
from tests.eventually import eventually
from tests.integration.faults.timing import Waits
from tests.integration.nodes import POLICY, Node


@attrs.frozen
class Saw:
    """One lookup of a crowd: when it ended, how long it took, and what came."""

    at: float
    took: float
    outcome: Outcome[str]


class Crowd:
    """Threads that look keys up on *nodes* until told to stop.

    Every other lookup is of a key that nobody asked for before; the rest are of earlier
    keys, dropped from memory first: so each of them needs Redis. The loader of a key
    returns the key, so that a wrong value is known by sight.
    """

    CALLERS: Final = 2

    def __init__(
        self, *nodes: Node, waits: Waits, policy: Policy = POLICY, pause: float = 0.001
    ) -> None:
        self.seen: list[Saw] = []
        self.errors: list[BaseException] = []
        self.wrong: list[tuple[str, str]] = []
        self._waits = waits
        self._policy = policy
        self._pause = pause
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._threads = [
            threading.Thread(target=self._run, args=(node,), daemon=True)
            for node in nodes
            for _ in range(self.CALLERS)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.more(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _keys(self, node: Node) -> Iterator[str]:
        while True:
            key = f"crowd {next(self._numbers)}"
            yield key
            node.forget(key)
            yield key

    def _run(self, node: Node) -> None:
        for key in self._keys(node):
            # Other threads shall have their turn: a busy loop starves all of them.
            if self._stop.wait(self._pause):
                return
            begun = time.perf_counter()
            try:
                outcome = node.outcome(key, lambda key=key: key, self._policy)  # type: ignore[misc]  # no inference
            except BaseException as error:  # noqa: BLE001 (the test asserts that none came)
                self.errors.append(error)
                continue
            now = time.perf_counter()
            self.seen.append(Saw(now, now - begun, outcome))
            self._waits.add(now - begun)
            if outcome.value != key:
                self.wrong.append((key, outcome.value))

    def more(self, lookups: int = 30, within: float = 15.0) -> None:
        """Wait until so many more lookups have ended."""
        before = len(self.seen)
        eventually(lambda: len(self.seen) >= before + lookups, within=within)

    def served_by_redis(self, within: float = 15.0) -> float:
        """Wait until new keys are stored in Redis again; say how long that took."""
        begun = len(self.seen)

        def stored() -> bool:
            news = self.seen[begun:]
            return any(isinstance(one.outcome, Miss) and _in_redis(one) for one in news)

        return eventually(stored, within=within)

    def stopped(self) -> "Counter[str]":
        """Stop; hold that no value was wrong and no call failed; count the tags."""
        self.__exit__()
        if self.errors:
            raise self.errors[0]
        assert not self.wrong, self.wrong[0]
        return Counter(one.outcome.tag for one in self.seen)

    def causes(self) -> set[str]:
        """Return what `UpstreamDown` said."""
        outcomes = [one.outcome for one in self.seen]
        return {one.cause for one in outcomes if isinstance(one, UpstreamDown)}


def _in_redis(one: Saw) -> bool:
    outcome = one.outcome
    return isinstance(outcome, Miss) and "redis" in {
        tier.value for tier in outcome.stored
    }
