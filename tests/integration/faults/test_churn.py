"""What administrators do to a server at work: flush scripts, kill connections."""

import itertools
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from hybridcache import Policy
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.faults.crowd import Crowd
from tests.integration.faults.timing import MARGIN, Waits
from tests.integration.nodes import Node

TIMEOUT = 0.25


def test_script_flush_under_load(
    node: MakeNode, redis_url: str, client: "redis.Redis", waits: Waits
) -> None:
    """Scripts flushed a hundred times: every key is loaded once and stored in Redis."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    with Crowd(one, other, waits=waits) as crowd:
        for _ in range(100):
            client.script_flush()
            crowd.more(2)
        tags = crowd.stopped()

    assert {"miss", "hit-fresh"} == set(tags)
    assert abs(tags["miss"] - tags["hit-fresh"]) <= 2 * Crowd.CALLERS
    waits.within(TIMEOUT)


def test_all_connections_killed_under_load(
    node: MakeNode, redis_url: str, client: "redis.Redis", waits: Waits
) -> None:
    """CLIENT KILL of everyone, again and again: no error, a right value each time."""
    one = node(redis_url, timeout=TIMEOUT).subscribed()
    with Crowd(one, waits=waits) as crowd:
        for _ in range(20):
            client.client_kill_filter(_type="normal", skipme=True)
            client.client_kill_filter(_type="pubsub")
            crowd.more(4)
        assert 1.0 + MARGIN > crowd.served_by_redis()
        crowd.stopped()
    eventually(lambda: one.whole)
    waits.within(TIMEOUT)


class History:
    """A key whose value counts up, invalidated at each step, and who reads what."""

    POLICY = Policy(fresh_for=60, ttl=600, wait_for=5)

    def __init__(self, waits: Waits) -> None:
        self.current = 0
        self.replaced_at: dict[int, float] = {}
        self.lags = [0.0]
        self.errors: list[BaseException] = []
        self.reads = itertools.count()
        self.stop = threading.Event()
        self._waits = waits

    def write(self, node: Node) -> None:
        """Count up and invalidate; from now on the older value is out of date."""
        self.current += 1
        assert node.invalidate("k").reached_redis
        self.replaced_at[self.current - 1] = time.perf_counter()

    def read(self, node: Node) -> None:
        """Read until told to stop; note how long after its end a value was served."""
        while not self.stop.wait(0.001):
            begun = time.perf_counter()
            try:
                value = node.outcome("k", lambda: self.current, self.POLICY).value
            except BaseException as error:  # noqa: BLE001 (the test asserts that none came)
                self.errors.append(error)
                return
            self._waits.add(time.perf_counter() - begun)
            next(self.reads)
            ended = self.replaced_at.get(value)
            if ended is not None and begun > ended:
                self.lags.append(begun - ended)


@pytest.fixture(name="history")
def _history(waits: Waits) -> Iterator[History]:
    """A history, whose readers are told to stop at the end."""
    history = History(waits)
    yield history
    history.stop.set()


def test_subscription_killed_under_load(
    node: MakeNode,
    redis_url: str,
    client: "redis.Redis",
    history: History,
    waits: Waits,
) -> None:
    """CLIENT KILL of every subscription between invalidations: none is missed."""
    writer = node(redis_url).subscribed()
    nodes = [writer, *(node(redis_url).subscribed() for _ in range(2))]
    own: History = History(waits)
    threads = [
        threading.Thread(target=seen.read, args=(one,), daemon=True)
        for one, seen in zip(nodes, (own, history, history), strict=True)
    ]
    own.replaced_at = history.replaced_at
    for thread in threads:
        thread.start()
    for number in range(30):
        if number % 2:
            client.client_kill_filter(_type="pubsub")
        own.current = history.current + 1
        history.write(writer)
        before = next(history.reads)
        eventually(lambda before=before: next(history.reads) > before + 10)  # type: ignore[misc]  # no inference
    for seen in (own, history):
        seen.stop.set()
    for thread in threads:
        thread.join(20)
    eventually(lambda: all(one.whole for one in nodes), within=10)

    assert [] == own.errors + history.errors
    # The node that invalidates serves nothing older; the others follow.
    assert [0.0] == own.lags
    assert 3.0 + MARGIN > max(history.lags)
    waits.within(TIMEOUT)
