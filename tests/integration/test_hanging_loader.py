"""A loader that takes longer than its callers wait."""

import time

import pytest
import redis

from hybridcache import HitFresh, LoadTimeout, Miss, Policy
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.nodes import Load

BRIEF = Policy(fresh_for=60, ttl=3600, wait_for=0.3, abandon_after=30)
TIMEOUT = 0.25


def test_callers_wait_so_long(node: MakeNode, redis_url: str) -> None:
    """Every caller, here and elsewhere, has its answer by its own deadline."""
    one = node(redis_url, timeout=TIMEOUT).subscribed()
    other = node(redis_url, timeout=TIMEOUT).subscribed()
    load = Load(1, held=True)
    begun = time.perf_counter()
    running = [reader.begin("k", load, BRIEF) for reader in (one, other) * 3]
    errors = [future.exception(10) for future in running]
    took = time.perf_counter() - begun

    assert [LoadTimeout] * 6 == [type(error) for error in errors]
    assert BRIEF.wait_for <= took
    assert BRIEF.wait_for + TIMEOUT + 0.5 > took
    assert 1 == load.calls
    load.release()


def test_late_value(node: MakeNode, redis_url: str) -> None:
    """The key is not loaded twice meanwhile, and the late value is stored."""
    one, other = node(redis_url).subscribed(), node(redis_url).subscribed()
    load = Load(1, held=True)
    for reader in (one, one, other):
        with pytest.raises(LoadTimeout, match=r"wait_for=0\.3"):
            reader.outcome("k", load, BRIEF)

    load.release()
    eventually(lambda: one.in_memory("k"))

    assert 1 == load.calls
    for reader in (one, other):
        assert isinstance(reader.outcome("k", load, BRIEF), HitFresh)
    assert 1 == load.calls


def test_abandoned(node: MakeNode, redis_url: str, client: "redis.Redis") -> None:
    """After `abandon_after` the key is free, and the late value is not stored."""
    policy = BRIEF.evolve(abandon_after=0.5)
    one = node(redis_url, timeout=TIMEOUT).subscribed()
    other = node(redis_url, timeout=TIMEOUT).subscribed()
    hanging, load = Load(1, held=True), Load(2)
    begun = time.perf_counter()
    with pytest.raises(LoadTimeout):
        one.outcome("k", hanging, policy)

    patient = policy.evolve(wait_for=10, abandon_after=30)
    outcome = other.outcome("k", load, patient)
    took = time.perf_counter() - begun

    assert isinstance(outcome, Miss)
    assert 2 == outcome.value
    # The lease is not renewed past the load's time, so it ends a term later at most.
    assert 0.5 + 3 + 0.5 > took
    hanging.release()
    eventually(lambda: client.exists(one.names("k").entry))
    assert 2 == one.outcome("k", hanging, patient).value
    assert 2 == other.outcome("k", hanging, patient).value
    assert 1 == load.calls


def test_abandoned_here(node: MakeNode, redis_url: str) -> None:
    """The process whose loader hangs may load its key again after `abandon_after`."""
    policy = BRIEF.evolve(abandon_after=0.5)
    one = node(redis_url).subscribed()
    hanging, load = Load(1, held=True), Load(2)
    with pytest.raises(LoadTimeout):
        one.outcome("k", hanging, policy)

    outcome = one.outcome("k", load, policy.evolve(wait_for=10, abandon_after=30))

    # Who comes before the time is over joins the load and takes over once it is free.
    assert 2 == outcome.value
    hanging.release()
    assert 2 == one.outcome("k", hanging, policy).value
