"""What every flow is given: the node, the clock, the dice, and one lookup's facts."""

import itertools
from collections.abc import Callable
from math import inf
from typing import Final, Generic, TypeVar, cast

import attrs

from hybridcache.core.errors import Unencodable
from hybridcache.core.outcome import Tier
from hybridcache.core.policy import Policy, Suppress
from hybridcache.engine.command import Ask, Flow
from hybridcache.engine.current import Loader
from hybridcache.engine.events import Observer, UndecodableFound, UpstreamAsked
from hybridcache.engine.figures import Figures
from hybridcache.engine.form import Form, Shape
from hybridcache.engine.names import Names, names_of
from hybridcache.engine.node import Node
from hybridcache.engine.request import Fault, Request, Trouble
from hybridcache.engine.tally import Tally
from hybridcache.engine.tracing import NoTracing, Tracing

A = TypeVar("A")
V = TypeVar("V")


# A request that nobody waited for any longer says something of Redis only if it was
# waited for as long as this share of its timeout.
ENOUGH: Final = 0.5
OUT_OF_TIME: Final = Fault(Trouble.DOWN, "the caller had no time left to ask")

_readers = itertools.count()


def _reader() -> bytes:
    return next(_readers).to_bytes(8, "big")


@attrs.frozen
class Remote:
    """What the flows must know of the upstream.

    Attributes:

        prefix: Of all its names.

        timeout: Longest time for one request, seconds.

        max_value_bytes: A longer encoding is not stored.
    """

    prefix: str
    timeout: float
    max_value_bytes: int


@attrs.frozen
class Context:
    """Everything that is the same in both colours.

    Attributes:

        cache: The cache's name.

        node: The machines.

        redis: The upstream, or None.

        now: Monotonic clock, seconds.

        draw: Dice, from [0, 1).

        token: Makes a random token of 16 characters.

        observe: Takes every event.

        warn: Says for people what was not stored and why.

        closed: Whether the cache was closed meanwhile.

        figures: Counts; of what is hot it is told directly, where nobody else hears.

        heard: Whether anybody else takes the events; what is hot makes none if not.

        tracing: Where spans go.

        reader: Tells it from every other: only one cache's lookups share a read. A
            sync lookup on a loop's own thread would wait for ever for a task's.
    """

    cache: str
    node: Node
    redis: Remote | None
    now: Callable[[], float]
    draw: Callable[[], float]
    token: Callable[[], str]
    observe: Observer
    warn: Callable[[str, Unencodable], None]
    closed: Callable[[], bool]
    figures: Figures
    heard: bool = True
    tracing: Tracing = attrs.field(factory=NoTracing)
    reader: bytes = attrs.field(factory=_reader)

    def undecodable(self, reason: str) -> None:
        """Report bytes that are no entry of ours."""
        self.observe(UndecodableFound(self.cache, reason))


@attrs.frozen
class Query(Generic[V]):
    """One lookup.

    Attributes:

        key: The cache key.

        policy: How its value lives.

        shape: The codec, bound to the declared type.

        loader: Makes the value.

        tally: Where it is counted.

        function: The decorated function's name, or empty.

        bypass: Read and write nothing.
    """

    key: str
    policy: Policy
    shape: Shape[V]
    loader: Loader
    tally: Tally
    function: str = ""
    bypass: bool = False

    @property
    def alone(self) -> bool:
        """Whether its load stands beside others, even in this process."""
        return self.bypass or self.policy.suppress is Suppress.NONE

    def open(self, form: Form[object]) -> V:
        """Take the value out of a form that was made under this shape."""
        # Memory and flights hold forms of all types; a record or a flight is only
        # found by a query whose shape has the same fingerprint.
        return cast("V", form.open())

    def names(self, redis: Remote) -> Names:
        """Return the Redis names of the key."""
        return names_of(redis.prefix, self.key)


def deadline_of(ctx: Context, query: Query[V], begun: float) -> float:
    """Fix until when the caller waits: all that it waits for ends by then."""
    slack = 0.0 if ctx.redis is None else ctx.redis.timeout
    return begun + query.policy.wait_for + slack


def ask(
    ctx: Context, redis: Remote, request: Request[A], deadline: float = inf
) -> Flow[A | Fault]:
    """Ask Redis through the breaker; count and report what became of it.

    Whoever asks waits until *deadline* at most; without time left nothing is asked.
    """
    begun = ctx.now()
    timeout = redis.timeout
    if deadline - begun < timeout:
        timeout = deadline - begun
        if timeout <= 0.0:
            return OUT_OF_TIME
    gate = ctx.node.gate
    ticket = gate.admit(shed=request.shed, now=begun)
    if isinstance(ticket, Fault):
        return ticket
    try:
        answer = yield from Ask(request, timeout, deadline - begun)
    except GeneratorExit:
        # Its event loop is gone: that says nothing of Redis.
        raise
    except BaseException as error:
        # Cancelled: callers with less patience than the timeout find Redis down too.
        ended = ctx.now()
        if ended - begun >= ENOUGH * redis.timeout:
            cause = f"no answer within {ended - begun:.3g} s ({type(error).__name__})"
            gate.given_up(ticket, cause, begun=begun, now=ended)
        _tell(ctx, request, "cancelled", "", ended - begun)
        raise
    ended = ctx.now()
    fault = answer if isinstance(answer, Fault) else None
    if fault is None or not _too_short(redis, timeout, ended - begun):
        gate.count(ticket, fault, writes=request.writes, now=ended)
    if fault is None:
        _tell(ctx, request, "ok", "", ended - begun)
    else:
        _tell(ctx, request, fault.trouble.value, fault.cause, ended - begun)
    return answer


def _tell(
    ctx: Context, request: Request[A], result: str, cause: str, seconds: float
) -> None:
    """Trace, count and tell what became of a request."""
    ctx.tracing.asked(request.operation, result, seconds)
    if ctx.heard or cause:
        ctx.observe(UpstreamAsked(ctx.cache, request.operation, result, seconds, cause))
    else:
        ctx.figures.asked(ctx.cache, request.operation, result, seconds)


def _too_short(redis: Remote, timeout: float, took: float) -> bool:
    """Whether no answer came only because the caller had so little time left."""
    return timeout < ENOUGH * redis.timeout and took >= timeout


NOWHERE: frozenset[Tier] = frozenset()
