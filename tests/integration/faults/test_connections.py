"""A server that refuses, hangs, is killed, comes back with its data or without."""

import time

from hybridcache import HitFresh, Memory, Miss, Tier, UpstreamDown
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.faults.crowd import Crowd
from tests.integration.faults.timing import MARGIN, Waits
from tests.integration.nodes import Load

TIMEOUT = 0.25


def test_refused_costs_about_the_loaders_time(
    node: MakeNode, own_redis: RedisServer, waits: Waits
) -> None:
    """Refused connections cost next to nothing, before and after the breaker opens."""
    own_redis.stop()
    one = node(own_redis.url, timeout=TIMEOUT)
    for number in range(50):
        with waits.timed():
            outcome = one.outcome(f"k{number}", Load(number))

        assert isinstance(outcome, UpstreamDown)
        assert (number, Tier.LOADER) == (outcome.value, outcome.tier)
        assert "Error 111" in outcome.cause or "breaker" in outcome.cause
    waits.usually(0.02)
    waits.within(0.05)


def test_refused_opens_the_breaker_and_one_thread_knocks(
    node: MakeNode, own_redis: RedisServer, waits: Waits
) -> None:
    """While the server is away no caller connects; back, it serves within a second."""
    one = node(own_redis.url, timeout=TIMEOUT).subscribed()
    own_redis.kill()
    with Crowd(one, waits=waits) as crowd:
        eventually(lambda: one.breaker != "closed")
        crowd.more(50)
        own_redis.start()
        took = crowd.served_by_redis()
        tags = crowd.stopped()

    assert tags["upstream-down"] > 0
    assert 1.0 + MARGIN > took
    waits.usually(0.05)
    waits.within(TIMEOUT)


def test_hang_and_go_on_under_load(
    node: MakeNode, own_redis: RedisServer, waits: Waits
) -> None:
    """SIGSTOP costs a caller one timeout; after SIGCONT Redis serves in a second."""
    one = node(own_redis.url, timeout=TIMEOUT).subscribed()
    with Crowd(one, waits=waits) as crowd:
        for _ in range(3):
            own_redis.pause()
            try:
                eventually(lambda: one.breaker != "closed")
                crowd.more(20)
            finally:
                own_redis.resume()
            assert 1.0 + MARGIN > crowd.served_by_redis()
        crowd.stopped()
    # One timeout each until the breaker opens, and after that none.
    waits.usually(0.05)
    waits.within(TIMEOUT)


def test_a_short_hang_is_no_outage(
    node: MakeNode, own_redis: RedisServer, waits: Waits
) -> None:
    """A pause shorter than the timeout is waited for: no `UpstreamDown`, a Miss."""
    one = node(own_redis.url, timeout=5).subscribed()
    own_redis.pause()
    begun = time.perf_counter()
    running = one.begin("k", Load(1))
    eventually(lambda: time.perf_counter() - begun > 0.2)
    own_redis.resume()

    outcome = running.result(10)

    waits.add(time.perf_counter() - begun)
    assert isinstance(outcome, Miss)
    assert {Tier.MEMORY, Tier.REDIS} == outcome.stored
    waits.within(0.2)


def test_killed_and_restarted_with_its_data(node: MakeNode, waits: Waits) -> None:
    """With kill -9 and a start with an AOF: the entries serve again, nothing is loaded."""
    with RedisServer("--appendonly", "yes", "--appendfsync", "always") as server:
        one = node(server.url, timeout=TIMEOUT).subscribed()
        other = node(server.url, timeout=TIMEOUT).subscribed()
        load = Load(1)
        assert isinstance(one.outcome("k", load), Miss)
        assert isinstance(other.outcome("k", load), HitFresh)
        epochs = one.epoch, other.epoch

        server.kill()
        with waits.timed():
            away = one.outcome("k", load)
        server.start()
        eventually(lambda: one.epoch > epochs[0] and other.epoch > epochs[1])
        back = eventually(lambda: one.whole and other.whole)
        found = [reader.outcome("k", load) for reader in (one, other)]
        unread = node(server.url, memory=Memory()).outcome("k", load)

    assert isinstance(away, HitFresh)
    assert [1, 1] == [outcome.value for outcome in found]
    assert {"hit-fresh"} == {outcome.tag for outcome in found}
    assert isinstance(unread, HitFresh)
    assert 1 == load.calls
    assert 1.5 + MARGIN > back
    waits.within(TIMEOUT)


def test_killed_and_restarted_without_data_under_load(
    node: MakeNode, own_redis: RedisServer, waits: Waits
) -> None:
    """With kill -9 and an empty start, thrice: scripts, marker, leases are made anew."""
    one = node(own_redis.url, timeout=TIMEOUT).subscribed()
    other = node(own_redis.url, timeout=TIMEOUT).subscribed()
    with Crowd(one, other, waits=waits) as crowd:
        for _ in range(3):
            own_redis.kill()
            crowd.more(20)
            own_redis.start()
            assert 1.0 + MARGIN > crowd.served_by_redis()
        crowd.stopped()
        eventually(lambda: one.whole and other.whole)
    waits.usually(0.05)
    waits.within(TIMEOUT)
