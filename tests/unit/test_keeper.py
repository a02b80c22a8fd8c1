"""The keeper: when the subscription is whole, and what is due."""

import itertools
from contextlib import suppress

import attrs
import pytest

from hybridcache.core.breaker import Breaker, Signal, State
from hybridcache.engine.channel_requests import Echo, Ping, ReadMarker
from hybridcache.engine.keeper import (
    ECHO_WITHIN,
    RENEW_AT_ONCE,
    RENEW_EVERY,
    RESUBSCRIBE_AFTER,
    Chore,
    Keeper,
    Subscribe,
)
from hybridcache.engine.lease_requests import Renew, RenewMany, Settle
from hybridcache.engine.leases import Lease
from hybridcache.engine.messages import Kind, Message, encode
from hybridcache.engine.names import names_of
from hybridcache.engine.node import Node
from hybridcache.engine.rounds import Listen, rounds
from tests.parts import (
    CHANNEL,
    MARKER,
    node_of,
)
from tests.world import (
    DOWN,
    KEY,
    NAMES,
    OTHER,
    REFUSED,
)

TOKEN = "t" * 16


def keeper() -> Keeper:
    """Make one whose subscription was never open."""
    node = node_of(None, redis=True)
    node.distrust()
    node.marker = None
    return Keeper(node, CHANNEL, lambda: TOKEN)


def whole(one: Keeper, now: float = 0.0) -> Keeper:
    """Take it through a subscription's opening."""
    one.opened(now)
    one.confirmed(CHANNEL.events, now)
    one.confirmed(CHANNEL.echo, now)
    one.due(now)
    one.answered(ReadMarker(CHANNEL, TOKEN), MARKER, now)
    return one


def state_of(one: Keeper) -> State:
    """Say where the breaker is now."""
    return one.node.gate.breaker.state


def due(one: Keeper, now: float, *kinds: type) -> list[object]:
    """Return what is due now of these kinds."""
    return [chore for chore in one.due(now) if isinstance(chore, kinds)]


def told(kind: Kind, origin: str = OTHER, token: str = TOKEN, key: str = KEY) -> bytes:
    """Make a message."""
    return encode(Message(kind, origin, token, key))


def test_silence_is_noticed_however_often_all_is_cleared() -> None:
    """To read the marker, by another connection, is no sign of the subscription."""
    one = whole(keeper())
    now = 0.0
    while now < ECHO_WITHIN:
        assert one.node.whole
        one.node.cleared(None)
        for chore in due(one, now, ReadMarker):
            assert isinstance(chore, ReadMarker)
            one.answered(chore, MARKER, now)
        now += 0.5
    one.due(now)

    assert not one.node.whole


def test_becomes_whole() -> None:
    """Trust begins with both channels confirmed and the marker read after that."""
    one = keeper()
    assert [Subscribe()] == due(one, 0.0, Subscribe)
    one.opened(0.0)
    one.confirmed(CHANNEL.events, 0.0)
    assert [] == due(one, 0.1, ReadMarker)
    one.confirmed(CHANNEL.echo, 0.1)
    (read,) = due(one, 0.1, ReadMarker)
    assert not one.node.whole
    assert isinstance(read, ReadMarker)
    one.answered(read, MARKER, 0.1)

    assert (True, MARKER) == (one.node.whole, one.node.marker)
    assert [] == due(one, 0.5, ReadMarker, Subscribe)


def test_marker_again() -> None:
    """A marker that was not answered is asked for again."""
    one = keeper()
    one.opened(0.0)
    one.confirmed(CHANNEL.events, 0.0)
    one.confirmed(CHANNEL.echo, 0.0)
    (read,) = due(one, 0.0, ReadMarker)
    assert isinstance(read, ReadMarker)
    one.answered(read, DOWN, 0.0)

    assert not one.node.whole
    assert [read] == due(one, RESUBSCRIBE_AFTER, ReadMarker)


def test_subscribes_again() -> None:
    """A subscription that could not be opened is tried again after a while."""
    one = keeper()
    assert [Subscribe()] == due(one, 0.0, Subscribe)

    assert [] == due(one, RESUBSCRIBE_AFTER / 2, Subscribe)
    assert [Subscribe()] == due(one, RESUBSCRIBE_AFTER, Subscribe)


def test_a_subscription_opened_anew_waits_for_its_own_confirmation() -> None:
    """Trust never comes of a confirmation to the parent of a fork."""
    one = keeper()
    one.opened(0.0)
    one.confirmed(CHANNEL.events, 0.0)
    one.confirmed(CHANNEL.echo, 0.0)
    # As `KeeperThread.forked` leaves it: the parent would have read the marker next.
    one.connected = False
    one.opened(0.1)

    assert [] == due(one, 0.1, ReadMarker)


def test_silence() -> None:
    """Without an echo for two seconds nothing is trusted; with one it is."""
    one = whole(keeper())
    one.received(told(Kind.ECHO, CHANNEL.origin), 1.5)
    one.due(1.5 + ECHO_WITHIN - 0.1)
    assert one.node.whole
    epoch = one.node.epoch

    one.due(1.5 + ECHO_WITHIN)

    assert (False, False) == (one.node.whole, one.connected)
    assert one.node.epoch > epoch


@pytest.mark.parametrize(
    "data",
    [told(Kind.ECHO), told(Kind.SETTLED, CHANNEL.origin), b"", b"E", b"noise" * 20],
)
def test_only_an_echo_is_an_echo(data: bytes) -> None:
    """Neither another's echo nor any other message breaks the silence."""
    one = whole(keeper())
    one.received(data, 1.9)
    one.due(ECHO_WITHIN)

    assert not one.node.whole


def test_confirmed_again() -> None:
    """A second confirmation means that messages may have been missed."""
    one = whole(keeper())
    one.confirmed(CHANNEL.events, 0.5)

    assert not one.node.whole
    assert [Subscribe()] == due(one, 0.5 + RESUBSCRIBE_AFTER, Subscribe)
    assert whole(one, 1.0).node.whole


def test_echoes() -> None:
    """An echo is sent once a second while there is a subscription."""
    one = whole(keeper())
    sent = []
    for tick in range(10):
        one.received(told(Kind.ECHO, CHANNEL.origin), tick / 2)
        sent += due(one, 0.1 + tick / 2, Echo)

    assert 4 <= len(sent) <= 5


def test_invalidations_arrive() -> None:
    """Another node's invalidation spoils what is under way here, one's own does not."""
    one = whole(keeper())
    fill = one.node.open_fill(KEY)
    one.received(told(Kind.INVALIDATED, CHANNEL.origin), 0.1)
    assert not fill.spoiled
    one.received(told(Kind.INVALIDATED), 0.1)

    assert fill.spoiled


def test_two_clears() -> None:
    """Of two clears Redis tells which it carried out last, not their messages."""
    one = whole(keeper())
    one.node.cleared(None)
    one.received(told(Kind.CLEARED, CHANNEL.origin, "2" * 16, ""), 0.1)
    one.received(told(Kind.CLEARED, token="1" * 16, key=""), 0.1)

    assert one.node.marker is None
    [read] = due(one, 0.1, ReadMarker)
    assert isinstance(read, ReadMarker)
    one.answered(read, b"1" * 16, 0.2)
    assert b"1" * 16 == one.node.marker


def test_an_older_clear_told_late() -> None:
    """A message older than a clear() that has returned does not undo that clear."""
    one = whole(keeper())
    one.node.cleared(None)
    one.received(told(Kind.CLEARED, token="1" * 16, key=""), 0.1)

    assert one.node.marker is None


def test_a_clear_while_the_marker_is_read() -> None:
    """A marker that was read before a clear() returned is not believed after it."""
    one = whole(keeper())
    one.node.cleared(None)
    [read] = due(one, 0.1, ReadMarker)
    assert isinstance(read, ReadMarker)
    one.node.cleared(None)
    one.answered(read, b"1" * 16, 0.2)

    assert one.node.marker is None
    assert [ReadMarker] == [type(chore) for chore in due(one, 0.2, ReadMarker)]


def test_renews() -> None:
    """Each lease is renewed once a second until it is lost or abandoned."""
    one = whole(keeper())
    one.node.leases.hold(Lease(NAMES, TOKEN, 60.0))
    renew = RenewMany((Renew(NAMES, TOKEN),))

    assert [renew] == due(one, RENEW_EVERY, RenewMany)
    assert [] == due(one, RENEW_EVERY * 1.5, RenewMany)
    one.answered(renew, DOWN, RENEW_EVERY * 1.5)
    assert [renew] == due(one, RENEW_EVERY * 2, RenewMany)
    one.answered(renew, (None,), RENEW_EVERY * 2)
    assert [renew] == due(one, RENEW_EVERY * 3, RenewMany)
    one.answered(renew, (False,), RENEW_EVERY * 3)
    assert [] == due(one, RENEW_EVERY * 4, RenewMany)


def lease(number: int) -> Lease:
    """Return one of many leases, each of a key of its own."""
    return Lease(names_of("p:", f"k{number}"), f"{number:016d}", 1000.0)


def sent(one: Keeper, until: float, answer: object = None) -> list[Chore | Listen]:
    """Drive *one* to an instant; each renewal is answered so and takes no time."""
    done: list[Chore | Listen] = []
    now = [0.0]
    work = rounds(one, lambda: now[0], lambda: now[0] > until)
    told: object = None
    while True:
        try:
            chore = work.send(told)
        except StopIteration:
            return done
        done.append(chore)
        told = None
        if isinstance(chore, Listen):
            now[0] += chore.wait
        elif isinstance(chore, Echo):
            one.received(told_echo(), now[0])
        elif isinstance(chore, RenewMany | Settle):
            told = answer


def told_echo() -> bytes:
    """Make the node's own echo."""
    return told(Kind.ECHO, CHANNEL.origin)


def test_renews_many_at_once() -> None:
    """Many leases take few round trips, and messages are heard between them."""
    one = whole(keeper())
    leases = [lease(number) for number in range(2 * RENEW_AT_ONCE + 50)]
    for each in leases:
        one.node.leases.hold(each)
    chores = sent(one, RENEW_EVERY * 1.5, (True,) * RENEW_AT_ONCE)
    places = [
        place for place, chore in enumerate(chores) if isinstance(chore, RenewMany)
    ]
    renewals = [chore for chore in chores if isinstance(chore, RenewMany)]

    assert [each.token for each in leases] == [
        renewal.token for many in renewals for renewal in many.renewals
    ]
    assert [RENEW_AT_ONCE, RENEW_AT_ONCE, 50] == [
        len(many.renewals) for many in renewals
    ]
    for place, following in itertools.pairwise(places):
        assert Listen(0.0) in chores[place:following]


@pytest.mark.parametrize("answer", [DOWN, (None,) * RENEW_AT_ONCE])
def test_a_renewal_that_fails_starves_no_other(answer: object) -> None:
    """Each lease is tried in each second though the first ones always fail."""
    one = whole(keeper())
    for number in range(RENEW_AT_ONCE + 1):
        one.node.leases.hold(lease(number))
    last = lease(RENEW_AT_ONCE).token
    chores = sent(one, RENEW_EVERY * 3.5, answer)

    assert 3 == sum(
        renewal.token == last
        for chore in chores
        if isinstance(chore, RenewMany)
        for renewal in chore.renewals
    )


def test_a_renewal_that_fails_starves_no_echo() -> None:
    """A subscription stays whole while renewals fail: its echo is sent all the same."""
    one = whole(keeper())
    one.node.leases.hold(lease(0))
    sent(one, 10.0, DOWN)

    assert one.node.whole


def test_a_release_that_fails_starves_no_other() -> None:
    """Every unwanted lease is given back though giving back the first one fails."""
    one = whole(keeper())
    for number in range(3):
        one.node.leases.unwanted(lease(number).names, lease(number).token, 1000.0)
    chores = sent(one, 0.5, DOWN)

    assert {lease(number).token for number in range(3)} == {
        chore.token for chore in chores if isinstance(chore, Settle)
    }


def test_lets_go_of_a_load_that_lost_its_lease() -> None:
    """Who comes after a renewal was refused does not join the load, nor is it kept."""
    one = whole(keeper())
    node = one.node
    flight, _ = node.join(node.flights, KEY, b"shape", now=0.0, owned_for=60.0)
    node.leases.hold(Lease(NAMES, TOKEN, 60.0, flight))

    one.answered(RenewMany((Renew(NAMES, TOKEN),)), (False,), RENEW_EVERY)
    _, started = node.join(node.flights, KEY, b"shape", now=RENEW_EVERY, owned_for=60.0)

    assert started
    assert flight.fill.spoiled
    assert flight.latch.answer is None


@pytest.mark.parametrize(
    ("answer", "takes", "asked", "left"),
    [(True, 0.0, 4, 0), (REFUSED, 0.0, 4, 0), (DOWN, 0.0, 1, 4), (True, 0.1, 3, 1)],
)
def test_gives_leases_back_in_the_end(
    answer: object, takes: float, asked: int, left: int
) -> None:
    """Stopped, it releases what it holds and owes, until one fails or time is over."""
    one = whole(keeper())
    for number in range(3):
        one.node.leases.hold(lease(number))
    one.node.leases.unwanted(NAMES, TOKEN, 60.0)
    now = 1.0
    work = rounds(one, lambda: now, lambda: True)
    chores = [next(work)]
    with suppress(StopIteration):
        while len(chores) < 10:
            now += takes
            chores.append(work.send(answer))

    assert [Settle] * asked == [type(chore) for chore in chores]
    assert 0 == len(one.node.leases)
    assert left == len(one.node.leases.to_release(now))


def test_gives_nothing_back_while_the_breaker_is_open() -> None:
    """Stopped while Redis is down, it asks nothing more."""
    one = whole(keeper())
    one.node.leases.hold(Lease(NAMES, TOKEN, 60.0))
    one.node.gate.breaker = Breaker(state=State.OPEN)

    assert [] == list(rounds(one, lambda: 1.0, lambda: True))


def test_abandons() -> None:
    """A lease past its load's time is renewed no more."""
    one = whole(keeper())
    one.node.leases.hold(Lease(NAMES, TOKEN, 5.0))

    assert [] == due(one, 5.0, RenewMany)


def test_releases() -> None:
    """An unwanted lease is released, and again where that was not answered."""
    one = whole(keeper())
    one.node.leases.unwanted(NAMES, TOKEN, 60.0)
    release = Settle(NAMES, TOKEN, CHANNEL)

    assert [release] == due(one, 1.0, Settle)
    one.answered(release, DOWN, 1.0)
    assert [release] == due(one, 1.5, Settle)
    one.answered(release, REFUSED, 1.5)
    assert [] == due(one, 1.9, Settle)


def test_probes() -> None:
    """An open breaker is probed, and nothing else is asked; an answer closes it."""
    one = whole(keeper())
    one.node.gate.breaker = Breaker(State.OPEN)
    ping = Ping(CHANNEL)

    assert [ping] == one.due(1.0)
    assert State.HALF_OPEN is state_of(one)
    one.answered(ping, DOWN, 1.1)
    assert State.OPEN is state_of(one)
    assert [] == one.due(1.1)
    assert [ping] == one.due(1.2 + 1e-6)
    one.answered(ping, True, 1.2)
    assert State.CLOSED is state_of(one)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("connected", [True, False])
def test_wait(state: State, connected: bool) -> None:
    """The wait ends when something is due: never late, never spinning."""
    one = whole(keeper()) if connected else keeper()
    one.node.gate.breaker = Breaker(state)
    now = 0.0
    for _ in range(50):
        one.due(now)
        wait = one.wait(now)
        assert 0.0 <= wait <= 1.0
        now += max(wait, 1e-6)

    assert now >= 1.0


def test_signal_without_probe() -> None:
    """A probe's answer moves no breaker that did not probe."""
    node: Node = node_of(None, redis=True)
    node.gate.signal(Signal.PROBE_FAILED)

    assert attrs.evolve(Breaker()) == node.gate.breaker
