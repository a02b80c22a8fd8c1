"""What another process's load stores nowhere, or how it failed."""

import pytest
import redis

from hybridcache import LoadFailedElsewhere, Miss, Policy
from hybridcache.engine.names import names_of
from tests.eventually import eventually
from tests.integration.conftest import MakeNode, MakeWorkers
from tests.integration.nodes import POLICY, Load, awaited
from tests.integration.worker import jobs


def test_unstored_value_reaches_waiters_elsewhere(
    workers: MakeWorkers, redis_url: str, client: "redis.Redis", prefix: str
) -> None:
    """A `NoStore` value is given to who waits in other processes, and kept nowhere."""
    one, other = workers(2, redis_url)
    names = names_of(prefix, "k")
    ours = one.begin(jobs.look_up_unstored, "k", POLICY)
    eventually(lambda: client.get("loads:k") == b"1")
    theirs = other.begin(jobs.look_up_unstored, "k", POLICY)
    eventually(lambda: awaited(client, names))
    client.rpush("gate:k", "open")

    assert ("miss", 1) == ours.result()
    assert ("suppressed cluster", 1) == theirs.result()
    assert not client.exists(names.entry)
    assert not client.exists(names.lease)
    # Later callers load again.
    assert ("miss", 2) == other.run(jobs.look_up_unstored, "k", POLICY)
    assert ("miss", 3) == one.run(jobs.look_up_unstored, "k", POLICY)


def test_failure_elsewhere(
    workers: MakeWorkers, redis_url: str, client: "redis.Redis", prefix: str
) -> None:
    """A waiter told of a failure elsewhere leads, and sees the real exception."""
    one, other = workers(2, redis_url)
    ours = one.begin(jobs.look_up_failing, "k", POLICY)
    eventually(lambda: client.get("loads:k") == b"1")
    theirs = other.begin(jobs.look_up_failing, "k", POLICY)
    eventually(lambda: awaited(client, names_of(prefix, "k")))
    client.rpush("gate:k", "open")

    assert ("LoaderError: load 1", 0) == ours.result()
    assert ("LoaderError: load 2", 0) == theirs.result()


def test_failure_holds_the_key(
    workers: MakeWorkers, redis_url: str, client: "redis.Redis", prefix: str
) -> None:
    """With `error_ttl` a failure holds the key in every process."""
    policy = POLICY.evolve(error_ttl=60)
    one, other, third = workers(3, redis_url)
    ours = one.begin(jobs.look_up_failing, "k", policy)
    eventually(lambda: client.get("loads:k") == b"1")
    theirs = other.begin(jobs.look_up_failing, "k", policy)
    eventually(lambda: awaited(client, names_of(prefix, "k")))
    client.rpush("gate:k", "open")
    elsewhere = ("LoadFailedElsewhere: LoaderError: load 1", 0)

    assert ("LoaderError: load 1", 0) == ours.result()
    assert elsewhere == theirs.result()
    assert elsewhere == third.run(jobs.look_up_failing, "k", policy)
    assert ("LoaderError: load 1", 0) == one.run(jobs.look_up_failing, "k", policy)
    assert b"1" == client.get("loads:k")
    # Whoever invalidates the key frees it.
    assert third.run(jobs.invalidate, "k")
    assert ("miss", 2) == third.run(jobs.look_up, "k", policy)


def test_failure_is_forgotten(node: MakeNode, redis_url: str) -> None:
    """A failure holds its key for `error_ttl` and no longer."""
    policy = POLICY.evolve(error_ttl=0.2)
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    error = KeyError("gone")
    load = Load(1, error=error)
    with pytest.raises(KeyError) as raised:
        one.outcome("k", load, policy)
    with pytest.raises(LoadFailedElsewhere, match="KeyError: 'gone'"):
        other.outcome("k", load, policy)
    assert error is raised.value
    assert 1 == load.calls
    load.error = None

    def served() -> bool:
        try:
            return other.outcome("k", load, policy).value == 1
        except LoadFailedElsewhere:
            return False

    eventually(served)
    eventually(lambda: one.outcome("k", load, policy).value == 1)


def test_no_time_left(node: MakeNode, redis_url: str, client: "redis.Redis") -> None:
    """A waiter whose deadline leaves no time is told of the failure elsewhere."""
    brief = Policy(fresh_for=60, ttl=60, wait_for=2, abandon_after=60)
    one = node(redis_url).subscribed()
    other = node(redis_url, timeout=2).subscribed()
    load = Load(held=True, error=OSError("disk"))
    ours = one.begin("k", load)
    load.begun()
    # Its deadline is 2 + 2 s away: past two seconds of waiting no request fits in.
    theirs = other.begin("k", load, brief)
    names = one.names("k")
    eventually(lambda: awaited(client, names))
    begun = client.time()

    def seconds() -> float:
        now = client.time()
        return float(now[0] - begun[0]) + (now[1] - begun[1]) / 1e6

    eventually(lambda: seconds() > 2.1)
    load.release()

    with pytest.raises(OSError, match="disk"):
        ours.result(10)
    with pytest.raises(LoadFailedElsewhere, match="OSError: disk"):
        theirs.result(10)
    assert 1 == load.calls


def test_a_failure_is_no_obstacle(node: MakeNode, redis_url: str) -> None:
    """Without `error_ttl` the next caller loads, here and elsewhere."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    with pytest.raises(ZeroDivisionError):
        one.outcome("k", Load(error=ZeroDivisionError()))

    assert isinstance(other.outcome("k", Load(2)), Miss)
    assert 2 == one.outcome("k", Load(3)).value
