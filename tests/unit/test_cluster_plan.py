"""Which part of a request goes where in a cluster."""

import pytest
from redis.exceptions import RedisError

from hybridcache.adapters.upstream.routing import Plan
from hybridcache.adapters.upstream.slots import SlotMap, slot_of
from hybridcache.engine.lease_requests import Renew, RenewMany
from hybridcache.engine.names import names_of
from hybridcache.engine.request import Command, Fault, Request, ServerError, Trouble

HERE, THERE = ("127.0.0.1", 1), ("127.0.0.1", 2)
KEYS = ["a", "b", "c"]
TOKEN = "t" * 16
RENEWALS = RenewMany(tuple(Renew(names_of("p:", key), TOKEN) for key in KEYS))


class Two(Request[bool]):
    """Two commands on keys of two slots."""

    operation = "two"

    def calls(self) -> tuple[Command, ...]:
        """Return them."""
        return (Command("a", ("GET", "a")), Command("b", ("GET", "b")))

    def parse(self, _: object) -> bool:
        """Take any replies."""
        return True


def lease_slot(key: str) -> int:
    """Return the slot that *key*'s lease is in."""
    return slot_of(names_of("p:", key).lease)


def slots_of(**ports: int) -> SlotMap:
    """Make a map in which the slots of these keys' leases are at these ports."""
    slots = SlotMap([HERE])
    slots.learn(
        [
            [lease_slot(key), lease_slot(key), [b"127.0.0.1", port]]
            for key, port in ports.items()
        ]
    )
    return slots


def test_a_part_that_nobody_serves_is_not_left_out() -> None:
    """A slot whose primary is not known fails the request: no reply may be missing."""
    slots = SlotMap([HERE])
    known = slot_of("a")
    slots.learn([[known, known, [b"127.0.0.1", 2]]])
    plan = Plan(slots, Two())
    first, second = plan.parts()

    assert (THERE, plan.calls[:1]) == (
        plan.address_of(first),
        tuple(plan.calls_of(first)),
    )
    with pytest.raises(RedisError, match=f"slot {slot_of('b')}"):
        plan.address_of(second)


def test_one_exchange_for_a_node() -> None:
    """All that one node has goes there at once, and each reply comes to its call."""
    plan = Plan(slots_of(a=1, b=2, c=1), RENEWALS)
    here, there = plan.parts()
    plan.answered(there, [0])
    plan.answered(here, [1, 1])

    assert (HERE, THERE) == (here.address, there.address)
    assert (True, False, True) == RENEWALS.parse(plan.replies)


def test_a_primary_that_hangs_fails_its_own_leases_alone() -> None:
    """Leases on other primaries are renewed though one primary does not answer."""
    slots = slots_of(a=1, b=2, c=1)
    plan = Plan(slots, RENEWALS)
    here, there = plan.parts()
    plan.failed(here, TimeoutError(), 0.25)
    plan.answered(there, [1])

    assert (None, True, None) == RENEWALS.parse(plan.replies)
    assert plan.lost() is None
    # It is asked for anew who has them, and of another.
    assert (None, THERE) == (slots.address(lease_slot("a")), slots.known()[0])


def test_no_primary_answers() -> None:
    """Where no part is answered the request as a whole is not."""
    plan = Plan(slots_of(a=1, b=2, c=1), RENEWALS)
    for part in plan.parts():
        plan.failed(part, TimeoutError(), 0.25)

    assert Fault(Trouble.DOWN, "TimeoutError: no answer within 0.25 s") == plan.lost()


def test_a_request_that_is_one_whole_fails_with_any_part() -> None:
    """Only a request with an answer for each call goes on without a part."""
    plan = Plan(SlotMap([HERE]), Two())
    part, *_ = plan.parts()

    with pytest.raises(TimeoutError):
        plan.failed(part, TimeoutError(), 0.25)


def test_every_move_is_learned_at_once() -> None:
    """Of many slots that have moved all are asked for at their new places next."""
    plan = Plan(slots_of(a=1, b=1, c=1), RENEWALS)
    [part] = plan.parts()
    moved = f"MOVED {lease_slot('a')} 127.0.0.1:2", f"ASK {lease_slot('c')} 127.0.0.1:2"
    plan.answered(part, [ServerError(moved[0]), 1, ServerError(moved[1])])

    assert plan.redirected()
    parts = [(one.address, one.asking, one.places) for one in plan.parts()]
    assert [(THERE, False, [0]), (HERE, False, [1]), (THERE, True, [2])] == parts
