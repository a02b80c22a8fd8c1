"""One script of calls and faults, in both colours."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from hybridcache import (
    HitFresh,
    HitStale,
    LoadTimeout,
    Miss,
    Outcome,
    Policy,
    Suppressed,
    UpstreamDown,
)
from hybridcache.testing.server import RedisServer
from tests.eventually import eventually
from tests.integration.faults.timing import Waits
from tests.integration.nodes import COLOURS, POLICY, Load, LoopThread, Node

Said: TypeAlias = tuple[object, ...]
TIMEOUT = 0.25
STALE = Policy(fresh_for=0, ttl=600, wait_for=10, retry_after=60)

BRIEF = POLICY.evolve(wait_for=0.05, abandon_after=60)


def told(outcome: Outcome[int]) -> Said:
    """Say what an outcome says, but for times and addresses."""
    match outcome:
        case HitFresh(value, tier=tier):
            return "fresh", value, tier.value
        case HitStale(value, tier=tier, refresh=refresh):
            return "stale", value, tier.value, refresh.value
        case Miss(value, stored=stored):
            return "miss", value, *sorted(tier.value for tier in stored)
        case Suppressed(value, scope=scope):
            return "suppressed", value, scope.value
        case UpstreamDown(value, tier=tier):
            return "down", value, tier.value


def raised(call: Callable[[], object]) -> Said:
    """Say what *call* raises."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 (that is the question)
        return type(error).__name__, *map(str, error.args[:0])
    return ("nothing",)


def script(one: Node, other: Node, server: RedisServer, waits: Waits) -> Iterator[Said]:  # noqa: PLR0915 (a script, top to bottom)
    """Look up through good times and bad, and say what each call said."""

    def look(node: Node, key: str, value: int, policy: Policy = POLICY) -> Said:
        with waits.timed():
            return told(node.outcome(key, Load(value), policy))

    yield look(one, "a", 1)
    yield look(one, "a", 2)
    yield look(other, "a", 3)
    yield look(one, "stale", 1, STALE)
    failing = Load(error=OSError("disk"))
    yield told(one.outcome("stale", failing, STALE))
    failing.begun()
    eventually(lambda: told(one.outcome("stale", failing, STALE))[3] == "held-off")
    yield look(one, "stale", 9, STALE)
    yield raised(lambda: one.outcome("error", failing))
    slow = Load(4, held=True)
    yield raised(lambda: one.outcome("slow", slow, BRIEF))
    slow.release()
    eventually(lambda: one.in_memory("slow"))
    yield look(one, "slow", 5)
    yield look(other, "slow", 5)
    yield ("invalidated", one.invalidate("a").reached_redis)
    eventually(lambda: other.lacks("a"))
    yield look(other, "a", 4)
    # It hangs.
    server.pause()
    for number in range(4):
        yield look(one, f"hung {number}", number)
    yield look(one, "a", 7)
    yield look(one, "slow", 7)
    yield ("invalidated", one.invalidate("slow").reached_redis)
    yield look(one, "slow", 8)
    server.resume()
    eventually(lambda: one.breaker == "closed" and one.whole and other.whole)
    yield look(one, "back", 1)
    yield look(other, "back", 2)
    # It dies, and comes back empty.
    held = Load(6, held=True)
    leader = one.begin("dying", held)
    held.begun()
    one.joined("dying", 1)
    follower = one.begin("dying", held)
    one.joined("dying", 2)
    epoch = one.epoch
    server.kill()
    held.release()
    yield told(leader.result(10))
    yield told(follower.result(10))
    yield look(one, "dying", 9)
    eventually(lambda: one.past(epoch))
    yield look(one, "refused", 1)
    server.start()
    eventually(lambda: one.whole and other.whole)
    yield look(one, "back", 5)
    yield look(other, "back", 6)
    yield ("cleared", one.clear().reached_redis)
    yield look(one, "back", 7)


def test_one_script_in_both_colours(
    prefix: str, own_redis: RedisServer, loop: LoopThread, waits: Waits
) -> None:
    """Threads and tasks are told the same by every call, in good times and in bad."""
    said = {}
    for colour in COLOURS:
        own_redis.restart()
        nodes = [
            Node(colour, own_redis.url, f"{prefix}{colour}:", loop, timeout=TIMEOUT)
            for _ in range(2)
        ]
        for node in nodes:
            node.subscribed()
        said[colour] = list(script(nodes[0], nodes[1], own_redis, waits))
        for node in nodes:
            node.close()

    assert said["sync"] == said["async"]
    assert (LoadTimeout.__name__,) in said["sync"]
    assert ("down", 0, "loader") in said["sync"]
    waits.within(TIMEOUT)
