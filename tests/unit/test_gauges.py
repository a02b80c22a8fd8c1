"""What the gauges say of caches that share a name, a memory or nothing."""

from collections.abc import Mapping

from hybridcache.core.breaker import Breaker, Signal, signalled
from hybridcache.engine.flights import Flight
from hybridcache.engine.form import Whole
from hybridcache.engine.gauges import GAUGES, Gauge, standings
from hybridcache.engine.kept import Kept
from hybridcache.engine.names import names_of
from hybridcache.engine.node import Node
from hybridcache.engine.request import Fault, Trouble
from tests.parts import Opened, memory_tier, node_of


def _shown(*caches: Opened) -> Mapping[str, float]:
    """Give every value by the gauge's short name and its labels."""
    return {
        ":".join((gauge.name.removeprefix("hybridcache_"), *labels)): value
        for gauge, standing in standings(caches).items()
        for labels, value in standing.items()
    }


def _put(node: Node, key: str, size: int) -> None:
    kept = Kept(
        (node.namespace, key),
        size,
        60.0,
        form=Whole(1),
        fingerprint=b"f",
        written_at=0.0,
        fresh_for=60.0,
        ttl=60.0,
    )
    assert node.tier is not None
    assert node.tier.put(kept, 0.0)


def _fly(node: Node, key: str) -> Flight:
    flight, _ = node.join(node.flights, key, b"f", now=0.0, owned_for=9.0)
    return flight


def test_a_cache_says_how_its_tiers_stand() -> None:
    """Memory, flights, breaker, subscription and backlog are read as they are."""
    node = node_of(memory_tier(), redis=True)
    _put(node, "a", 100)
    _put(node, "b", 20)
    flight = _fly(node, "c")
    node.leases.unwanted(names_of("p:", "k"), "t" * 16, 9.0)

    whole = {
        "memory_entries:c": 2,
        "memory_bytes:c": 120,
        "flights:c": 1,
        "breaker_state:c:closed": 1,
        "breaker_state:c:open": 0,
        "breaker_state:c:half_open": 0,
        "blind:c": 0,
        "recovery_backlog:c": 1,
        "upstream_up:c": 1,
    }
    assert whole == _shown(Opened("c", node))

    node.flights.leave(flight)
    node.leases.released("t" * 16)
    node.distrust()
    assert 0 == _shown(Opened("c", node))["blind:c"]
    # There is nothing to be missed before its keeper was started.
    node.listens = True
    fault = Fault(Trouble.DOWN, "no")
    for _ in range(3):
        ticket = node.gate.admit(shed=False, now=0.0)
        assert not isinstance(ticket, Fault)
        node.gate.count(ticket, fault, writes=False, now=0.0)
    changed = {
        "flights:c": 0,
        "breaker_state:c:closed": 0,
        "breaker_state:c:open": 1,
        "blind:c": 1,
        "recovery_backlog:c": 0,
        "upstream_up:c": 0,
    }
    assert {**whole, **changed} == _shown(Opened("c", node))


def test_one_unanswered_request_is_not_up() -> None:
    """Redis is not up from the first failure on, before the breaker opens."""
    node = node_of(None, redis=True)
    ticket = node.gate.admit(shed=False, now=0.0)
    assert not isinstance(ticket, Fault)
    node.gate.count(ticket, Fault(Trouble.DOWN, "no"), writes=False, now=0.0)

    shown = _shown(Opened("c", node))
    assert (1, 0) == (shown["breaker_state:c:closed"], shown["upstream_up:c"])

    node.gate.count(ticket, None, writes=False, now=1.0)
    assert 1 == _shown(Opened("c", node))["upstream_up:c"]

    node.gate.count(ticket, Fault(Trouble.DOWN, "no"), writes=False, now=2.0)
    node.gate.spoke(3.0)
    assert 1 == _shown(Opened("c", node))["upstream_up:c"]
    # What callers ask for may be too much for it: that goes on being counted.
    assert 1 == node.gate.breaker.failures


def test_a_tier_that_is_not_there_has_no_gauges() -> None:
    """Without Redis nothing is said of it, without memory nothing of memory."""
    alone = _shown(Opened("c", node_of(None, redis=False)))
    assert {"flights:c": 0} == alone

    memory = _shown(Opened("c", node_of(memory_tier(), redis=False)))
    assert {"flights:c", "memory_entries:c", "memory_bytes:c"} == memory.keys()


def test_caches_of_one_name_are_shown_as_one() -> None:
    """Distinct nodes and memories add up, a shared one counts once; the worst shows."""
    first, second = (node_of(memory_tier(), redis=True) for _ in range(2))
    _put(first, "a", 10)
    _put(second, "a", 30)
    _fly(first, "a")
    _fly(second, "a")
    beside = Node("other", first.lock, first.tier, None)
    second.gate.breaker = signalled(Breaker(), Signal.TRIPPED)
    first.distrust()
    first.listens = True
    caches = [Opened("c", first), Opened("c", first), Opened("c", second)]

    shown = _shown(*caches, Opened("c", beside), Opened("d", beside))

    assert {
        "memory_entries:c": 2,
        "memory_bytes:c": 40,
        "flights:c": 2,
        "breaker_state:c:closed": 0,
        "breaker_state:c:open": 1,
        "breaker_state:c:half_open": 0,
        "blind:c": 1,
        "recovery_backlog:c": 0,
        "upstream_up:c": 0,
        # Another cache on the same memory reports all of it.
        "memory_entries:d": 1,
        "memory_bytes:d": 10,
        "flights:d": 0,
    } == shown


def test_an_open_breaker_is_worse_than_one_that_probes() -> None:
    """Of two states the one further from closed is shown."""
    probing = signalled(signalled(Breaker(), Signal.TRIPPED), Signal.PROBING)
    first, second = (node_of(None, redis=True) for _ in range(2))
    second.gate.breaker = probing
    states = [_state(first, second)]
    first.gate.breaker = signalled(Breaker(), Signal.TRIPPED)
    states.append(_state(first, second))

    assert ["half_open", "open"] == states


def _state(*nodes: Node) -> str:
    shown = _shown(*(Opened("c", node) for node in nodes))
    (state,) = [
        name for name, value in shown.items() if value and "breaker_state" in name
    ]
    return state.rpartition(":")[2]


def test_a_closed_cache_has_no_gauges() -> None:
    """What is closed is not shown, whatever its node still holds."""
    node = node_of(memory_tier(), redis=True)

    assert {} == _shown(Opened("c", node, closed=True))


def test_gauges_are_named_as_gauges() -> None:
    """No gauge is named like a counter or a histogram, and each has a help text."""

    def well_named(gauge: Gauge) -> bool:
        suffixes = ("_total", "_sum", "_count", "_bucket")
        return gauge.help.endswith(".") and not gauge.name.endswith(suffixes)

    assert [] == [gauge.name for gauge in GAUGES if not well_named(gauge)]
