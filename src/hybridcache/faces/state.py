"""A cache's inside: its wiring, its functions, and whether it is open.

The same for both colours. No rule of freshness is here: it hands lookups to the
engine and says when the short way past it may not be taken.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import attrs

from hybridcache.adapters.codec import Codec, Shape, shape_of
from hybridcache.adapters.logs import Journal
from hybridcache.adapters.loops import LoopPorts, Tasks
from hybridcache.adapters.loops import NoUpstream as NobodyAwaited
from hybridcache.adapters.prometheus import Exposition
from hybridcache.adapters.threads import NoUpstream, ThreadPorts, Workers, called
from hybridcache.adapters.tracing import SpanTracing
from hybridcache.core.errors import Closed
from hybridcache.core.key_plan import KeyPlan
from hybridcache.core.keys import check_prefix
from hybridcache.engine.context import Context
from hybridcache.engine.events import LookupFailed, Observer, Reason
from hybridcache.engine.node import Node
from hybridcache.engine.tally import Tally
from hybridcache.faces.forks import start_anew_in_forks
from hybridcache.faces.memory import Memory
from hybridcache.faces.running import running_loop
from hybridcache.faces.station import Station, station_for, token
from hybridcache.faces.telling import Telling
from hybridcache.faces.upstream import Upstream

V = TypeVar("V")


@attrs.frozen
class Wiring:
    """What lookups run on; swapped whole by `override`."""

    ctx: Context
    station: Station
    threads: ThreadPorts
    loops: LoopPorts


class CacheState:
    """Everything of a cache but the colour."""

    def __init__(
        self,
        *,
        name: str,
        prefix: str | None,
        upstream: Upstream | None,
        downstream: Memory | None,
        codec: Codec,
        observer: Observer | None,
        exposition: Exposition,
        tracing: SpanTracing,
        clock: Callable[[], float],
    ) -> None:
        if upstream is not None and not name and prefix is None:
            msg = "a cache with an upstream needs name= or prefix=, for its Redis keys"
            raise ValueError(msg)
        self.name = name
        self.prefix = check_prefix(f"{name}:" if prefix is None else prefix)
        self.codec = codec
        self.observer = observer
        self.exposition = exposition
        self.tracing = tracing
        self.telling = Telling(
            name, exposition.figures.take, Journal(clock).take, observer
        )
        self.clock = clock
        self.closed = False
        self.workers = Workers()
        self.tasks = Tasks()
        self.bypassed: ContextVar[bool] = ContextVar(
            "hybridcache_bypass", default=False
        )
        self._by_passers = 0
        self._overridden: list[Wiring] = []
        self._left = False
        self._templates: dict[str, Callable[..., object]] = {}
        self._shapes: dict[object, Shape[object]] = {}
        self.wiring = self._wire(upstream, downstream, clock)
        start_anew_in_forks(self)
        exposition.watch(self)

    # Wiring

    def _wire(
        self,
        upstream: Upstream | None,
        downstream: Memory | None,
        clock: Callable[[], float],
    ) -> Wiring:
        station = station_for(upstream, downstream, self.prefix)
        if downstream is not None:
            evictions = self.exposition.figures.evictions(self.name)
            downstream.removals.count(station.node.namespace, evictions)
        link = station.link
        ctx = Context(
            cache=self.name,
            node=station.node,
            redis=None if link is None else link.remote,
            now=clock,
            draw=random.random,
            token=token,
            observe=self.telling.observe,
            warn=self.telling.warn,
            closed=lambda: self.closed,
            figures=self.exposition.figures,
            heard=self.observer is not None,
            tracing=self.tracing,
        )
        station.node.listeners.add(self.telling)
        threads = ThreadPorts(
            NoUpstream() if link is None else link.blocking, self.workers, running_loop
        )
        loops = LoopPorts(
            NobodyAwaited() if link is None else link.awaiting,
            self.tasks,
            self.workers.submit,
            called,
        )
        return Wiring(ctx, station, threads, loops)

    @contextmanager
    def override(
        self,
        upstream: Upstream | None,
        downstream: Memory | None,
        clock: Callable[[], float] | None,
    ) -> Iterator[None]:
        """Run on other tiers inside the block, in every thread and task."""
        self.check_open()
        before = self.wiring
        wiring = self._wire(upstream, downstream, clock or self.clock)
        self._overridden.append(before)
        self.disable_indexes()
        self.wiring = wiring
        try:
            yield
        finally:
            self.wiring = before
            if not self._left:
                self._overridden.remove(before)
                if self._leave(wiring):
                    wiring.station.end()

    @contextmanager
    def bypass(self) -> Iterator[None]:
        """Read and write no tier inside the block, in this context."""
        self._by_passers += 1
        self.disable_indexes()
        was = self.bypassed.set(True)
        try:
            yield
        finally:
            # Counted out first: reset() raises where the block is left in another context.
            self._by_passers -= 1
            self.bypassed.reset(was)

    @property
    def node(self) -> Node:
        """The machines that it runs on now."""
        return self.wiring.ctx.node

    # The short way of a memory hit

    @property
    def direct(self) -> bool:
        """Whether memory may serve without the engine: nobody wants to hear of it."""
        return not (
            self._by_passers
            or self.closed
            or self.observer is not None
            or self.tracing.recording()
        )

    @property
    def indexable(self) -> bool:
        """Whether memory may serve by arguments alone."""
        return self.direct and not self._overridden

    def disable_indexes(self) -> None:
        """Have every lookup look twice, until its record joins an index again."""
        self.wiring.ctx.node.disable_indexes()

    # Functions

    def register(
        self, plan: KeyPlan, function: Callable[..., object], label: str
    ) -> None:
        """Refuse a second function with keys of the same form.

        Two closures of one factory, or two lambdas, are two functions.
        """
        if plan.template_id is None:
            return
        other = self._templates.setdefault(plan.template_id, function)
        if other is not function:
            msg = (
                f"another function of the cache ({other!r}) has the keys"
                f" {plan.template_id!r} of {label}: the one's values would be served"
                " as the other's; give each its own key="
            )
            raise ValueError(msg)

    def shape(self, declared: object) -> Shape[object]:
        """Return the codec for a declared type, made once."""
        try:
            return self._shapes[declared]
        except KeyError:
            shape = self._shapes[declared] = shape_of(declared, self.codec)
            return shape
        except TypeError:
            return shape_of(declared, self.codec)

    def tally(self, function: str) -> Tally:
        """Return where the lookups of *function* are counted."""
        return self.exposition.figures.tally(self.name, function)

    def check_open(self, tally: Tally | None = None, function: str = "") -> None:
        """Refuse to work once closed.

        Raises:

            Closed: The cache was closed.
        """
        if not self.closed:
            return
        if tally is not None:
            tally.fail(Reason.CLOSED)
            self.telling.observe(LookupFailed(self.name, function, Reason.CLOSED))
        msg = f"the cache {self.name!r} is closed"
        raise Closed(msg)

    # The end

    def shut(self) -> bool:
        """Take no more calls; False if that was so before."""
        if self.closed:
            return False
        self.closed = True
        self.disable_indexes()
        return True

    def leave(self) -> tuple[list[Station], list[Station]]:
        """Leave all stations, overridden ones too; return them, and those to be ended.

        They are ended by the last cache that leaves.
        """
        self._left = True
        wirings = [*self._overridden, self.wiring]
        last = [wiring.station for wiring in wirings if self._leave(wiring)]
        return [wiring.station for wiring in wirings], last

    def _leave(self, wiring: Wiring) -> bool:
        wiring.station.node.listeners.remove(self.telling)
        return wiring.station.leave()

    def forked(self) -> None:
        """Start anew in the child of a fork."""
        self.workers.forked()
        self.tasks.forked()
