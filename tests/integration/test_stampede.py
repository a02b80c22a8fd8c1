"""Many callers in many processes on a cold key."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import pytest
import redis

from hybridcache import Policy
from hybridcache.engine.names import names_of
from tests.eventually import eventually
from tests.integration.conftest import MakeWorkers
from tests.integration.nodes import awaited
from tests.integration.worker import jobs
from tests.integration.worker.inside import Inside

Stampede: TypeAlias = "Callable[[Inside, str, Policy, int], Counter[jobs.Told]]"

POLICY = Policy(fresh_for=60, ttl=3600, wait_for=15)
PROCESSES = 4
CALLERS = 50


@pytest.mark.parametrize("stampede", [jobs.threads, jobs.tasks])
def test_one_load_for_all(
    workers: MakeWorkers,
    redis_url: str,
    client: "redis.Redis",
    prefix: str,
    stampede: Stampede,
) -> None:
    """200 callers in 4 processes make one load; others' waiters know whose it was."""
    processes = workers(PROCESSES, redis_url)

    for number in range(20):
        key = f"round {number}"
        running = [one.begin(stampede, key, POLICY, CALLERS) for one in processes]
        names = names_of(prefix, key)
        eventually(partial(awaited, client, names), within=15)
        client.rpush(f"gate:{key}", "open")
        answers = [one.result() for one in running]

        total = sum(answers, Counter[jobs.Told]())
        assert b"1" == client.get(f"loads:{key}")
        assert PROCESSES * CALLERS == total.total()
        assert {1} == {value for _, value in total}
        assert 1 == total["miss", 1]
        assert {
            "miss",
            "suppressed process",
            "suppressed cluster",
            "hit-fresh redis",
            "hit-fresh memory",
        } >= {how for how, _ in total}
        # The leader's own process does not wait for another one's load.
        [leader] = [one for one in answers if one["miss", 1]]
        assert 0 == leader["suppressed cluster", 1]
        assert total["suppressed cluster", 1] > 0


def test_both_colours_at_once(
    workers: MakeWorkers, redis_url: str, client: "redis.Redis", prefix: str
) -> None:
    """Threads in two processes and tasks in two others make one load."""
    processes = workers(PROCESSES, redis_url)
    kinds: list[Stampede] = [jobs.threads, jobs.tasks] * 2

    for number in range(5):
        key = f"round {number}"
        running = [
            one.begin(kind, key, POLICY, CALLERS)
            for one, kind in zip(processes, kinds, strict=True)
        ]
        names = names_of(prefix, key)
        eventually(partial(awaited, client, names), within=15)
        client.rpush(f"gate:{key}", "open")
        total = sum((one.result() for one in running), Counter[jobs.Told]())

        assert b"1" == client.get(f"loads:{key}")
        assert PROCESSES * CALLERS == total.total()
        assert 1 == total["miss", 1]


def test_killed_leader(
    workers: MakeWorkers, redis_url: str, client: "redis.Redis", prefix: str
) -> None:
    """A leader killed in mid-load costs the others its lease's rest, and no error."""
    leader, *others = workers(3, redis_url)
    names = names_of(prefix, "k")
    leader.begin(jobs.look_up, "k", POLICY)
    eventually(lambda: client.get("loads:k") == b"1")
    running = [one.begin(jobs.threads, "k", POLICY, 10) for one in others]
    eventually(lambda: awaited(client, names))

    leader.kill()
    took = eventually(lambda: client.get("loads:k") == b"2", within=5)
    client.rpush("gate:k", "open")
    total = sum((one.result() for one in running), Counter[jobs.Told]())

    assert 3.5 > took
    assert b"2" == client.get("loads:k")
    assert {("miss", 2): 1, ("suppressed process", 2): 9} == {
        answer: total[answer] for answer in [("miss", 2), ("suppressed process", 2)]
    }
    assert 20 == total.total()
    assert {2} == {value for _, value in total}


def test_killed_refresher(
    workers: MakeWorkers, redis_url: str, client: "redis.Redis", prefix: str
) -> None:
    """A process killed in a refresh leaves the key stale, and to the others."""
    policy = Policy(fresh_for=0, ttl=3600, wait_for=15)
    one, other = workers(2, redis_url)
    client.rpush("gate:k", "open")
    assert ("miss", 1) == one.run(jobs.look_up, "k", policy)
    client.delete("gate:k")

    assert ("hit-stale memory", 1) == one.run(jobs.look_up, "k", policy)
    eventually(lambda: client.get("loads:k") == b"2")
    assert ("hit-stale redis", 1) == other.run(jobs.look_up, "k", policy)
    one.kill()
    client.rpush("gate:k", "open")

    eventually(
        lambda: other.run(jobs.look_up, "k", policy)[1] == 3, within=5, every=0.05
    )
    eventually(lambda: not client.exists(names_of(prefix, "k").lease))
