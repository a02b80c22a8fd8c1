"""Whether whoever asks would wait for itself: for a load that it is part of."""

from hybridcache.core.errors import ReentrantLoad, WouldBlockLoop
from hybridcache.engine.command import Await, Flow
from hybridcache.engine.context import Context
from hybridcache.engine.current import CURRENT
from hybridcache.engine.flights import Flight, check_cycle
from hybridcache.engine.foresee import Circle
from hybridcache.engine.inquiry import Inquiry
from hybridcache.engine.own_lease import check_own_lease


def circle_of(ctx: Context, inquiry: Inquiry) -> Flow[Circle | None]:
    """Say what keeps the caller from waiting for a load of the key, if anything does."""
    node = ctx.node
    with node.lock:
        flight = node.flights.look(inquiry.key, ctx.now())
    if flight is not None and not inquiry.fits(flight.fingerprint):
        flight = None
    parent = CURRENT.get()
    if parent is not None and flight is not None:
        with node.lock:
            if _closes(parent.flight, flight):
                return Circle.OWN_LOAD
    try:
        check_own_lease(ctx, inquiry.key, inquiry.policy, bypass=inquiry.bypass)
    except ReentrantLoad:
        return Circle.OWN_LEASE
    if flight is None:
        return None
    try:
        # No time to wait: it only learns whether it may.
        yield from Await(flight.latch, 0.0)
    except WouldBlockLoop:
        return Circle.OWN_LOOP
    return None


def _closes(waiting: Flight, awaited: Flight) -> bool:
    try:
        check_cycle(waiting, awaited)
    except ReentrantLoad:
        return True
    return False
