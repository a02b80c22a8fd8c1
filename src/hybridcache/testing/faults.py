"""What goes wrong in a simulated run, how often: a frozen value, drawn from the seed.

Shares are probabilities at each step of their kind; counts are the expected number
of such events in a run's span.
"""

from collections.abc import Iterable
from typing import Final

import attrs

MANY: Final = 1e6
"""More than any run has of anything."""


def _in_order(strikes: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    return tuple((what, at) for what, at in strikes)


@attrs.frozen(kw_only=True)
class Faults:
    """The faults of a run; none unless set.

    Attributes:

        request_lost: Share of requests that never arrive.

        reply_lost: Share of replies lost after the effect happened.

        late: Share of requests or replies that take longer than the timeout.

        reset: Share of requests whose connection breaks, before or after the effect.

        garbled: Share of requests of whose replies one comes as no server sends it.

        message_lost: Share of messages that one subscriber never gets.

        message_twice: Share of messages that arrive twice.

        message_late: Share of messages that take up to a second.

        cancelled: Share of calls that are cancelled a moment after they began.

        cut_short: Share of requests of flows at which who waits for the reply is
            cancelled; a load that runs by itself is nobody's to cancel.

        dying: Share of requests of flows at which the process dies, before the reply
            or after.

        stopped: Share of requests of flows at which the process stands still for up to
            four seconds, before the reply or after.

        dropped: Count of subscriptions whose connection breaks.

        silent: Count of subscriptions that break without anybody being told.

        crashes: Count of processes that die; a new one takes their place.

        pauses: Count of processes that stand still for up to four seconds.

        outages: Count of times that Redis refuses connections.

        hangs: Count of times that Redis takes requests and answers none.

        restarts: Count of restarts of Redis without its data.

        failovers: Count of failovers to a replica that lacks the last writes.

        evictions: Count of names that Redis evicts.

        corruptions: Count of entries whose bytes are damaged or another's.

        flushes: Count of SCRIPT FLUSH.

        refusals: Count of times that Redis refuses writes: it is full, or a replica.

        partitions: Count of times that one process cannot reach Redis, nor is heard.

        spoils: Count of leases, records and markers whose bytes are damaged.

        skew: Largest offset of a process's clock, seconds.

        drift: Largest share by which a process's clock runs fast or slow.

        strikes: Further events: the name of a count above, and its second.
    """

    request_lost: float = 0.0
    reply_lost: float = 0.0
    late: float = 0.0
    reset: float = 0.0
    garbled: float = 0.0
    message_lost: float = 0.0
    message_twice: float = 0.0
    message_late: float = 0.0
    cancelled: float = 0.0
    cut_short: float = 0.0
    dying: float = 0.0
    stopped: float = 0.0
    dropped: float = 0.0
    silent: float = 0.0
    crashes: float = 0.0
    pauses: float = 0.0
    outages: float = 0.0
    hangs: float = 0.0
    restarts: float = 0.0
    failovers: float = 0.0
    evictions: float = 0.0
    corruptions: float = 0.0
    flushes: float = 0.0
    refusals: float = 0.0
    partitions: float = 0.0
    spoils: float = 0.0
    skew: float = 0.0
    drift: float = 0.0
    strikes: tuple[tuple[str, float], ...] = attrs.field(
        default=(), converter=_in_order
    )

    def __attrs_post_init__(self) -> None:
        """Refuse a share that is none, a count below 0, and a strike of no kind."""
        for field in attrs.fields(type(self)):
            amount = getattr(self, field.name)
            if field.name == "strikes":
                check_strikes(amount)
            elif field.name in (*EVENTS, "skew"):
                check_amount(field.name, amount, "a number from 0 on", MANY)
            else:
                check_amount(field.name, amount, "a share from 0 to 1", 1.0)


EVENTS: Final = (
    "dropped",
    "silent",
    "crashes",
    "pauses",
    "outages",
    "hangs",
    "restarts",
    "failovers",
    "evictions",
    "corruptions",
    "flushes",
    "refusals",
    "partitions",
    "spoils",
)
"""The fields that are counts of events in a run's span."""


def check_amount(
    name: str, amount: float, kind: str, most: float, *, least: float = 0.0
) -> None:
    """Refuse an amount that is not between *least* and *most*.

    Raises:

        ValueError: It says which, and what it may be.
    """
    if not least <= amount <= most:
        msg = f"{name} must be {kind}, not {amount!r}"
        raise ValueError(msg)


def check_strikes(strikes: tuple[tuple[str, float], ...]) -> None:
    """Refuse a strike that is none of `EVENTS`, or at no second.

    Raises:

        ValueError: It says which, and what there are.
    """
    for what, at in strikes:
        check_amount(f"the second of {what!r}", at, "a number from 0 on", MANY)
        if what not in EVENTS:
            msg = f"strikes are of {', '.join(EVENTS)}; {what!r} is none of them"
            raise ValueError(msg)


CALM: Final = Faults()
CLOCKS: Final = Faults(skew=86_400.0, drift=0.0005)
CALLERS: Final = Faults(cancelled=0.3)
REQUESTS: Final = Faults(
    request_lost=0.02, reply_lost=0.02, late=0.02, reset=0.02, flushes=1.0
)
MESSAGES: Final = Faults(
    message_lost=0.05, message_twice=0.05, message_late=0.05, dropped=1.0, silent=0.5
)
SUBSCRIPTIONS: Final = Faults(dropped=2.0, silent=1.0)
PROCESSES: Final = Faults(crashes=1.0, pauses=1.0, cancelled=0.1)
REDIS: Final = Faults(outages=0.7, hangs=0.7, restarts=0.5, evictions=2.0, flushes=0.5)
FAILOVER: Final = Faults(failovers=1.0)
BYTES: Final = Faults(corruptions=4.0, evictions=2.0)
REPLIES: Final = Faults(garbled=0.05)
REFUSALS: Final = Faults(refusals=1.5)
MOMENTS: Final = Faults(cut_short=0.1, stopped=0.01)
CRASHES: Final = Faults(crashes=0.5, dying=0.005)
PARTITIONS: Final = Faults(partitions=1.0)
NAMES: Final = Faults(spoils=4.0)
STORM: Final = Faults(
    request_lost=0.01,
    reply_lost=0.01,
    late=0.01,
    reset=0.01,
    message_lost=0.02,
    message_twice=0.02,
    message_late=0.02,
    cancelled=0.1,
    dropped=0.5,
    silent=0.3,
    crashes=0.5,
    pauses=0.5,
    outages=0.3,
    hangs=0.3,
    restarts=0.3,
    failovers=0.3,
    evictions=0.5,
    corruptions=0.5,
    flushes=0.3,
    skew=3600.0,
    drift=0.0005,
)
TEMPEST: Final = attrs.evolve(
    STORM,
    garbled=0.01,
    cut_short=0.03,
    dying=0.002,
    stopped=0.003,
    refusals=0.5,
    partitions=0.5,
    spoils=1.0,
)

KINDS: Final = {
    "calm": CALM,
    "clocks": CLOCKS,
    "callers": CALLERS,
    "requests": REQUESTS,
    "messages": MESSAGES,
    "subscriptions": SUBSCRIPTIONS,
    "processes": PROCESSES,
    "redis": REDIS,
    "failover": FAILOVER,
    "bytes": BYTES,
    "storm": STORM,
    "replies": REPLIES,
    "refusals": REFUSALS,
    "moments": MOMENTS,
    "crashes": CRASHES,
    "partitions": PARTITIONS,
    "names": NAMES,
    "tempest": TEMPEST,
}
"""Faults by name; each family alone, for what one excuses would hide another."""
