"""Which part of a request goes where in a cluster."""

import pytest
from redis.exceptions import RedisError

from hybridcache.adapters.upstream.clustered import _Plan
from hybridcache.adapters.upstream.slots import SlotMap, slot_of
from hybridcache.engine.request import Command


def test_a_part_that_nobody_serves_is_not_left_out() -> None:
    """A slot whose primary is not known fails the request: no reply may be missing."""
    slots = SlotMap([("127.0.0.1", 1)])
    known = slot_of("a")
    slots.learn([[known, known, [b"127.0.0.1", 2]]])
    calls = [Command("a", ("GET", "a")), Command("b", ("GET", "b"))]
    plan = _Plan(slots, calls)
    parts = plan.parts()

    assert (("127.0.0.1", 2), calls[:1], False) == next(parts)
    with pytest.raises(RedisError, match=f"slot {slot_of('b')}"):
        next(parts)
