"""A Redis by script: it answers, hangs, refuses and loses as a test says.

Behind it is the model of Redis; before it no socket, no thread and no real time: a
request that hangs moves the clock on by its timeout.
"""

import itertools
import math
from typing import TypeVar

from hybridcache.adapters.upstream.replies import lacks_script, laid_out, read
from hybridcache.core.policy import Duration, seconds
from hybridcache.engine.keeper import Keeper
from hybridcache.engine.request import Fault, Request, ServerError, Trouble
from hybridcache.faces.upstream import (
    DEFAULT_MAX_VALUE_BYTES,
    DEFAULT_TIMEOUT,
    Connected,
    Redis,
    Upstream,
)
from hybridcache.testing.clock import ManualClock
from hybridcache.testing.redis_model import RedisModel
from hybridcache.testing.stepped_keeper import SteppedKeeper

A = TypeVar("A")

_serial = itertools.count(1)
_REFUSED = Fault(Trouble.DOWN, "ConnectionRefusedError: refused by script")
_TIMED_OUT = Fault(Trouble.DOWN, "TimeoutError: timed out by script")


class ScriptedUpstream(Upstream):
    """Stands where Redis does: ``Cache(upstream=...)``, ``AsyncCache(upstream=...)``.

    It keeps what caches store, grants leases and tells all caches on it of
    invalidations, as Redis does; caches with a `Memory` each are so many processes.
    Faults last until `heal` or, where a test said how long, until the clock is
    there. After one has ended, ``clock.advance(1)`` lets the caches notice.

    .. code-block:: python

        redis = ScriptedUpstream()
        cache = Cache(name="shop", upstream=redis, clock=redis.clock)
        redis.hang(10)
        cache.outcome("k", load, policy)  # UpstreamDown, at once
        redis.clock.advance(11)

    Args:

        clock: Of this and of all caches on it; a new one if left out.

        timeout: Of each request, in the clock's seconds.

        failures: Failed requests in a row that open a cache's breaker.

        max_value_bytes: A value with a longer encoding is not stored.

    Raises:

        TypeError: An option is of the wrong type.

        ValueError: It is out of the range that `Redis` allows.
    """

    def __init__(
        self,
        clock: ManualClock | None = None,
        *,
        timeout: Duration = DEFAULT_TIMEOUT,
        failures: int = 3,
        max_value_bytes: int = DEFAULT_MAX_VALUE_BYTES,
    ) -> None:
        # What is refused in production is refused here, in the same words.
        options = Redis(
            "redis://script",
            timeout=timeout,
            failures=failures,
            max_value_bytes=max_value_bytes,
        )
        self.clock = ManualClock() if clock is None else clock
        self.timeout = options.timeout
        self.failures = options.failures
        self.max_value_bytes = options.max_value_bytes
        self._clock_off = 0.0
        self.model = RedisModel(self._now_us, self._publish)
        self.asked: list[str] = []
        self._identity = f"scripted:{next(_serial)}"
        self._keepers: list[SteppedKeeper] = []
        self._hangs_until = -math.inf
        self._refuses_until = -math.inf
        self._delay = 0.0
        self._lost_replies = 0
        self._refusal: ServerError | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r})"

    # Faults

    def hang(self, duration: Duration | None = None) -> None:
        """Answer nothing, for a while or until `heal`; each request times out."""
        self._hangs_until = self._end_of(duration)

    def refuse(self, duration: Duration | None = None) -> None:
        """Refuse connections, for a while or until `heal`; subscriptions end too."""
        self._refuses_until = self._end_of(duration)
        self._cut()

    def answer_slowly(self, delay: Duration) -> None:
        """Answer every request *delay* later, or not in time; it takes effect."""
        self._delay = _length("delay", delay)

    def lose_next_reply(self, count: int = 1) -> None:
        """Carry out the next request, or *count*, and never answer."""
        if isinstance(count, bool) or not isinstance(count, int):
            msg = f"count must be a whole number, not {count!r}"
            raise TypeError(msg)
        if count < 1:
            msg = f"count must be at least 1, not {count!r}"
            raise ValueError(msg)
        self._lost_replies += count

    def refuse_writes(
        self, error: str = "OOM command not allowed when used memory > 'maxmemory'."
    ) -> None:
        """Answer reads, and *error* to each request that writes."""
        refusal = ServerError(error)
        if not refusal.code:
            msg = f"error must begin with its code, such as OOM, not {error!r}"
            raise ValueError(msg)
        self._refusal = refusal

    def step_clock(self, offset: Duration) -> None:
        """Have Redis's own clock jump by *offset*, back if that is negative.

        As when it is set, or after a failover to a server whose clock is another. It
        stays so.
        """
        step = seconds(offset)
        if not math.isfinite(step):
            msg = f"offset must be finite seconds, not {offset!r}"
            raise ValueError(msg)
        self._clock_off += step

    def restart(self, *, keep_data: bool = False) -> None:
        """Lose the scripts, the subscriptions and, unless told otherwise, the data."""
        with self.clock.lock:
            self.model.restart(keep_data)
            self._cut()

    def heal(self) -> None:
        """End every fault."""
        self._hangs_until = self._refuses_until = -math.inf
        self._delay, self._lost_replies, self._refusal = 0.0, 0, None

    def _now_us(self) -> int:
        return round((self.clock() + self._clock_off) * 1e6)

    def _end_of(self, duration: Duration | None) -> float:
        if duration is None:
            return math.inf
        return self.clock() + _length("duration", duration)

    def _cut(self) -> None:
        with self.clock.lock:
            for keeper in self._keepers:
                keeper.cut()

    # What a cache asks

    @property
    def identity(self) -> str:
        """Tell this one from any other."""
        return self._identity

    def connect(self, keeper: Keeper) -> Connected:
        """Make what one node needs."""
        stepped = SteppedKeeper(keeper, self, self.clock)
        return Connected(_Blocking(self), _Awaiting(self), stepped)

    def attach(self, keeper: SteppedKeeper) -> None:
        """Publish to *keeper* what it subscribes to, and cut it off in a fault."""
        self._keepers.append(keeper)

    def detach(self, keeper: SteppedKeeper) -> None:
        """Know it no more: its cache is closed."""
        if keeper in self._keepers:
            self._keepers.remove(keeper)

    @property
    def reachable(self) -> bool:
        """Whether a request would be answered now."""
        return max(self._hangs_until, self._refuses_until) <= self.clock()

    def answer(self, request: Request[A], timeout: float) -> A | Fault:
        """Answer *request*; time passes as the script says."""
        began = self.clock()
        with self.clock.lock:
            self.asked.append(request.operation)
            if self._refuses_until > began:
                return _REFUSED
            answers_at = max(began, self._hangs_until) + self._delay
            late = answers_at > began + timeout
            if late and self._hangs_until > began:
                return self._time_out(began + timeout)
            answer = self._carry_out(request)
            if late or self._lost_replies:
                self._lost_replies -= not late
                return self._time_out(began + timeout)
            self._pass_to(answers_at)
            return answer

    def answer_keeper(self, request: Request[A]) -> A | Fault:
        """Answer a keeper, which waits beside all others: no time passes."""
        with self.clock.lock:
            return self._carry_out(request) if self.reachable else _TIMED_OUT

    def _carry_out(self, request: Request[A]) -> A | Fault:
        calls = request.calls()
        if request.writes and self._refusal is not None:
            return read(request, [self._refusal] * len(calls))
        replies = [self.model.call(*words) for words in laid_out(calls)]
        if lacks_script(replies):
            sources = laid_out(calls, with_source=True)
            replies = [self.model.call(*words) for words in sources]
        for keeper in self._keepers:
            keeper.listen()
        return read(request, replies)

    def _publish(self, channel: str, data: bytes) -> int:
        return sum(keeper.published(channel, data) for keeper in self._keepers)

    def _time_out(self, instant: float) -> Fault:
        self._pass_to(instant)
        return _TIMED_OUT

    def _pass_to(self, instant: float) -> None:
        """Move the clock there, unless another that waited has already."""
        self.clock.advance(max(0.0, instant - self.clock()))


def _length(name: str, value: Duration) -> float:
    """Turn how long a fault lasts into seconds; infinity is for ever."""
    length = seconds(value)
    if not length >= 0.0:
        msg = f"{name} must be seconds from 0, not {value!r}"
        raise ValueError(msg)
    return length


class _Blocking:
    """For threads."""

    def __init__(self, upstream: ScriptedUpstream) -> None:
        self._upstream = upstream

    def ask(self, request: Request[A], timeout: float) -> A | Fault:
        """Answer, within *timeout* seconds of the clock."""
        return self._upstream.answer(request, timeout)

    def end(self) -> None:
        """Have nothing to close."""

    def forked(self) -> None:
        """Have nothing to leave behind."""


class _Awaiting:
    """For tasks."""

    def __init__(self, upstream: ScriptedUpstream) -> None:
        self._upstream = upstream

    async def ask(
        self,
        request: Request[A],
        timeout: float,
        patience: float,  # noqa: ARG002 (a port; nobody waits for a turn)
    ) -> A | Fault:
        """Answer, within *timeout* seconds of the clock."""
        return self._upstream.answer(request, timeout)

    async def close(self) -> None:
        """Have nothing to close."""

    def end(self) -> None:
        """Have nothing to close."""

    def forked(self) -> None:
        """Have nothing to leave behind."""
