"""A network that is slow, thin, silent, cuts replies short or spoils them."""

import time

from hybridcache import HitFresh, Miss, Tier, UpstreamDown
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.conftest import MakeNode
from tests.integration.faults.crowd import Crowd
from tests.integration.faults.proxy import Proxy
from tests.integration.faults.timing import MARGIN, Waits
from tests.integration.nodes import Load, in_thread

TIMEOUT = 0.25
LEASE = 3.0


def test_latency_under_the_timeout_is_borne(
    node: MakeNode, proxy: Proxy, waits: Waits
) -> None:
    """Replies late by less than the timeout slow lookups down, and change nothing."""
    one = node(proxy.url, timeout=1.0).subscribed()
    proxy.latency = 0.1
    load = Load(1)

    with waits.timed():
        made = one.outcome("k", load)
    one.forget("k")
    with waits.timed():
        found = one.outcome("k", load)

    assert isinstance(made, Miss)
    assert {Tier.MEMORY, Tier.REDIS} == made.stored
    assert isinstance(found, HitFresh)
    assert Tier.REDIS is found.tier
    # A miss is three exchanges; each script is sent twice, for it is not known yet.
    waits.within(0.5)


def test_latency_over_the_timeout_is_an_outage(
    node: MakeNode, proxy: Proxy, waits: Waits
) -> None:
    """Replies later than the timeout are none: one timeout, then the breaker."""
    one = node(proxy.url, timeout=TIMEOUT).subscribed()
    with Crowd(one, waits=waits) as crowd:
        proxy.latency = 1.0
        eventually(lambda: one.breaker != "closed")
        crowd.more(20)
        proxy.heal()
        proxy.drop()
        assert 1.0 + MARGIN > crowd.served_by_redis()
        crowd.stopped()
    waits.within(TIMEOUT)


def test_a_thin_line_keeps_to_the_timeout(
    node: MakeNode, proxy: Proxy, own_redis: RedisServer, waits: Waits
) -> None:
    """A long reply that trickles in is given up at the timeout, however it trickles."""
    long = "x" * 200_000
    filler = node(own_redis.url)
    assert isinstance(filler.outcome("long", lambda: long), Miss)
    one = node(proxy.url, timeout=TIMEOUT).subscribed()
    proxy.rate = 20_000

    with waits.timed():
        outcome = one.outcome("long", lambda: long)

    assert isinstance(outcome, UpstreamDown)
    assert long == outcome.value
    assert "Timeout" in outcome.cause
    waits.within(TIMEOUT)


def test_half_open_connections(node: MakeNode, proxy: Proxy, waits: Waits) -> None:
    """Bytes vanish and nobody is told: a timeout a caller, then the breaker."""
    one = node(proxy.url, timeout=TIMEOUT).subscribed()
    with Crowd(one, waits=waits) as crowd:
        proxy.is_silent = True
        eventually(lambda: one.breaker != "closed")
        crowd.more(20)
        proxy.heal()
        assert 1.0 + MARGIN > crowd.served_by_redis()
        crowd.stopped()
    eventually(lambda: one.whole)
    waits.within(TIMEOUT)


def test_half_open_subscription_is_noticed(
    node: MakeNode, proxy: Proxy, own_redis: RedisServer, waits: Waits
) -> None:
    """Where messages alone vanish, an invalidation elsewhere is seen within 3 s."""
    one = node(proxy.url).subscribed()
    other = node(own_redis.url).subscribed()
    assert 1 == other.outcome("k", Load(1)).value
    assert isinstance(one.outcome("k", Load(9)), HitFresh)
    assert isinstance(one.outcome("k", Load(9)), HitFresh)

    proxy.mutes_subscriptions = True
    assert other.invalidate("k").reached_redis
    begun = time.perf_counter()
    eventually(lambda: one.outcome("k", Load(2)).value == 2, within=10)

    waits.add(time.perf_counter() - begun)
    assert not one.whole
    proxy.heal()
    eventually(lambda: one.whole)
    waits.within(3.0)


def test_reset_in_the_middle_of_a_reply(
    node: MakeNode, proxy: Proxy, waits: Waits
) -> None:
    """A reply cut short by a reset costs nobody the value, wherever it is cut."""
    one = node(proxy.url, timeout=TIMEOUT).subscribed()
    for cut_after in (0, 3, 17):
        with Crowd(one, waits=waits) as crowd:
            before = proxy.cut
            proxy.cut_after = cut_after
            eventually(lambda before=before: proxy.cut >= before + 4)  # type: ignore[misc]  # no inference
            crowd.more(10)
            proxy.heal()
            assert 1.0 + MARGIN > crowd.served_by_redis()
            crowd.stopped()
    waits.within(TIMEOUT)


def test_flipped_bits_never_make_a_wrong_value(
    node: MakeNode, proxy: Proxy, waits: Waits
) -> None:
    """One bit turned over in every third reply: a miss or an outage, and no more."""
    one = node(proxy.url, timeout=TIMEOUT).subscribed()
    with Crowd(one, waits=waits, pause=0) as crowd:
        proxy.flips = 0.3
        eventually(lambda: proxy.flipped >= 50, within=60)
        proxy.heal()
        # A length that grew is waited for until its timeout.
        proxy.drop()
        assert 1.0 + MARGIN > crowd.served_by_redis()
        crowd.stopped()
    # A message that is lost costs a waiter the rest of a lease at most.
    waits.within(LEASE + TIMEOUT)


def test_connections_reset_again_and_again(
    node: MakeNode, proxy: Proxy, waits: Waits
) -> None:
    """All connections reset every few lookups: no error, and Redis is used between."""
    one = node(proxy.url, timeout=TIMEOUT).subscribed()
    with Crowd(one, waits=waits) as crowd:
        for _ in range(20):
            proxy.drop(reset=True)
            crowd.more(4)
        assert 1.0 + MARGIN > crowd.served_by_redis()
        tags = crowd.stopped()

    assert tags["miss"] > 0
    eventually(lambda: one.whole)
    # Also of a lease whose grant, and whose release, went the same way.
    waits.within(LEASE)


def test_a_lost_reply_to_an_invalidation(
    node: MakeNode, proxy: Proxy, own_redis: RedisServer, waits: Waits
) -> None:
    """Without Redis's answer `invalidate` says so in a timeout, and is carried out."""
    one = node(proxy.url, timeout=TIMEOUT).subscribed()
    assert isinstance(one.outcome("k", Load(1)), Miss)
    # Redis knows the script now: it is sent in one go.
    assert one.invalidate("another").reached_redis
    proxy.latency = 2.0
    with waits.timed():
        said = one.invalidate("k")
    assert not said.reached_redis
    assert one.lacks("k")
    with own_redis.client() as client:
        assert not client.exists(one.names("k").entry)
    proxy.heal()
    later = in_thread(lambda: one.outcome("k", Load(2)))
    assert 2 == later.result(10).value
    waits.within(TIMEOUT)
