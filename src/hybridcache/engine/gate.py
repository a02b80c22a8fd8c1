"""The breakers between the flows and Redis: one for all, one for writes.

A request passes with a ticket and its answer is counted against the ticket, so that
it counts once and only against the state that it began in.
"""

from collections.abc import Callable
from math import inf

import attrs

from hybridcache.core.breaker import (
    Breaker,
    Signal,
    State,
    failed,
    signalled,
    succeeded,
)
from hybridcache.engine.latch import Lock
from hybridcache.engine.request import Fault, Trouble

# Seconds between probes of a breaker that is open: "within a second lookups use it
# again" (design, section 6) leaves room for a slow answer.
PROBE_EVERY = 0.2
# A server that refuses writes answers reads; ask it again for writes this often.
WRITES_AGAIN_AFTER = 1.0


@attrs.frozen
class Ticket:
    """Under which generation of the breaker a request began."""

    generation: int


def _nobody(_: Breaker) -> None:
    """Hear of no change."""


@attrs.define(eq=False)
class Gate:
    """Who may ask Redis right now; *moved* hears when the breaker opens or closes."""

    _lock: Lock
    breaker: Breaker = attrs.field(factory=Breaker)
    refusals: int = attrs.field(default=0, init=False)
    refused_until: float = attrs.field(default=0.0, init=False)
    refusal: str = attrs.field(default="", init=False)
    answered_at: float = attrs.field(default=-inf, init=False)
    _failed_at: float = attrs.field(default=-inf, init=False)
    _spoke_at: float = attrs.field(default=-inf, init=False)
    moved: Callable[[Breaker], None] = attrs.field(default=_nobody, init=False)

    @property
    def up(self) -> bool:
        """Whether Redis is asked, and answered somebody since it failed to."""
        breaker = self.breaker
        if breaker.state is not State.CLOSED:
            return False
        return not breaker.failures or self._spoke_at > self._failed_at

    def barred(self) -> Fault | None:
        """Say why nobody may ask; None if the way is free."""
        breaker = self.breaker
        if breaker.state is State.CLOSED:
            return None
        return Fault(Trouble.DOWN, f"breaker open: {breaker.cause}")

    def admit(self, *, shed: bool, now: float) -> Ticket | Fault:
        """Let a request pass, or say why not."""
        breaker = self.breaker
        barred = self.barred()
        if barred is not None:
            return barred
        if shed and now < self.refused_until:
            return Fault(Trouble.REFUSED, self.refusal)
        return Ticket(breaker.generation)

    def count(
        self, ticket: Ticket, fault: Fault | None, *, writes: bool, now: float
    ) -> None:
        """Count what became of a request."""
        if fault is None or fault.trouble is Trouble.REFUSED:
            self.answered_at = self._spoke_at = now
        else:
            self._failed_at = now
        if fault is None and not self.refusals and not self.breaker.failures:
            return
        with self._lock:
            before = self.breaker
            if fault is not None and fault.trouble is Trouble.DOWN:
                self.breaker = failed(
                    before, generation=ticket.generation, cause=fault.cause
                )
            else:
                self.breaker = succeeded(before, generation=ticket.generation)
                if writes:
                    self._count_write(fault, now)
            after = self.breaker
        self._tell(before, after)

    def spoke(self, now: float) -> None:
        """Note that Redis spoke to the keeper: it is there.

        That ends no row of failures. What callers ask for may be too much for it.
        """
        self._spoke_at = now

    def given_up(self, ticket: Ticket, cause: str, *, begun: float, now: float) -> None:
        """Count a request whose caller waits no longer, if Redis may be to blame.

        While it answers others, the caller has waited for its turn or for itself.
        """
        if self.answered_at < begun:
            self.count(ticket, Fault(Trouble.DOWN, cause), writes=False, now=now)

    def _count_write(self, fault: Fault | None, now: float) -> None:
        if fault is None:
            self.refusals = 0
            return
        self.refusals += 1
        if self.refusals >= self.breaker.threshold:
            self.refused_until = now + WRITES_AGAIN_AFTER
            self.refusal = fault.cause

    def signal(self, signal: Signal) -> None:
        """Follow what the keeper's probe says."""
        with self._lock:
            before = self.breaker
            self.breaker = after = signalled(before, signal)
        self._tell(before, after)

    def _tell(self, before: Breaker, after: Breaker) -> None:
        """Say that the way was barred or freed; that a probe goes out is no news."""
        if (before.state is State.CLOSED) is not (after.state is State.CLOSED):
            self.moved(after)

    def reset(self) -> None:
        """Start anew, in the child of a fork."""
        self.breaker = Breaker(threshold=self.breaker.threshold)
        self.refusals, self.refused_until = 0, 0.0
