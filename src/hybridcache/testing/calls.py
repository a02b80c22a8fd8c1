"""The callers of a simulated cluster, as a workload says."""

from functools import partial
from typing import Any, cast

from hybridcache.core.outcome import HitFresh, Invalidated, Outcome, Peeked, Tier
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Query
from hybridcache.engine.form import Whole
from hybridcache.engine.invalidate import clear, invalidate
from hybridcache.engine.lookup import look_up, refresh
from hybridcache.engine.observed import observed
from hybridcache.engine.peek import peek
from hybridcache.engine.recall import fresh_in_memory, fresh_until
from hybridcache.engine.tally import Tally, served_by
from hybridcache.testing import history as past
from hybridcache.testing.faults import Faults
from hybridcache.testing.fibers import Cancelled, Fiber
from hybridcache.testing.history import History
from hybridcache.testing.loads import Loads
from hybridcache.testing.process import Process
from hybridcache.testing.scheduler import Scheduler
from hybridcache.testing.values import KINDS as VALUES
from hybridcache.testing.workload import Workload


def _tier_of(found: Outcome[Any] | Peeked[Any]) -> Tier:
    # Nobody's outcome but a peek's is a Miss[None]; it tells no tier.
    return served_by(cast("Outcome[object]", found))


class Calls:
    """Starts calls and writes down what became of them.

    Attributes:

        open: Calls that have not ended.

        loads: What their loaders do.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        history: History,
        workload: Workload,
        faults: Faults,
        processes: list[Process],
    ) -> None:
        self._scheduler, self._dice = scheduler, scheduler.dice
        self._history = history
        self._workload, self._faults = workload, faults
        self._values = VALUES[workload.values]
        # The cluster's own list: another process takes a dead one's place there.
        self._processes = processes
        self._keys = list(history.policies)
        self._count = 0
        self._tally = Tally()
        self.loads = Loads(scheduler, history, workload, self._nested)
        self.open: dict[int, Process] = {}

    def schedule(self) -> None:
        """Draw all calls and when they begin."""
        workload, dice = self._workload, self._dice
        at = 0.0
        for _ in range(workload.calls):
            if not dice.random() < workload.burst:
                at = dice.uniform(0.0, workload.span)
            # The same moment, or within a round trip or two of it.
            near = dice.choice((0.0, 0.0, dice.uniform(0.0, 0.006)))
            # Within the span: what begins after the healing would be cut off at the end.
            self._scheduler.after(min(at + near, workload.span), self._begin)

    def died(self, process: Process) -> None:
        """Forget the calls of a process that is gone."""
        for call in [call for call, where in self.open.items() if where is process]:
            del self.open[call]

    # Calls

    def _begin(self) -> None:
        workload, dice = self._workload, self._dice
        process = dice.choice(self._processes)
        key = dice.choice(self._keys)
        draw = dice.random()
        kinds = (
            (workload.invalidate, "invalidate"),
            (workload.clear, "clear"),
            (workload.refresh, "refresh"),
            (workload.peek, "peek"),
        )
        kind = "look up"
        for share, name in kinds:
            if draw < share:
                kind = name
                break
            draw -= share
        fiber = self._call(process, key, kind)
        if self._scheduler.chance(self._faults.cancelled):
            process.after(dice.choice((0.0, 0.001, 0.3)) * dice.random(), fiber.cancel)

    def _call(self, process: Process, key: str, kind: str) -> Fiber:
        self._count += 1
        call = self._count
        self.open[call] = process

        def flow() -> Flow[object]:
            if kind == "invalidate":
                return self._invalidate(process, call, key)
            if kind == "clear":
                return self._invalidate(process, call, None)
            return self._look_up(process, call, key, kind)

        def ended(_: object, error: object) -> None:
            self.open.pop(call, None)
            if isinstance(error, BaseException) and not isinstance(error, Cancelled):
                self._history.breaches.append(f"rule 5: call {call} raised {error!r}")

        return process.start(flow, ended)

    def _invalidate(self, process: Process, call: int, key: str | None) -> Flow[object]:
        history, clock = self._history, self._scheduler
        at = process.number
        history.add(past.Invalidating(history.next, clock.now, at, call, key))
        flow = clear(process.ctx) if key is None else invalidate(process.ctx, key)
        done: Invalidated = yield from flow
        history.add(
            past.Invalidated(history.next, clock.now, at, call, key, done.reached_redis)
        )
        return done

    def _look_up(
        self,
        process: Process,
        call: int,
        key: str,
        kind: str,
        *,
        nested: bool = False,
    ) -> Flow[object]:
        history, clock = self._history, self._scheduler
        at, paused = process.number, process.paused_for
        history.add(
            past.LookupBegan(history.next, clock.now, at, call, key, kind, nested)
        )
        outcome, tier, value, raised = "", "", None, ""
        number, altered = None, ""
        failure: Exception | None = None
        try:
            found = yield from self._looked_up(process, key, kind)
            outcome, value = found.tag, found.value
            tier = _tier_of(found).value
            if value is not None:
                number = self._values.number(value)
                altered = self._values.altered(value)
        except Exception as error:  # noqa: BLE001 (what the caller sees)
            failure, raised = error, type(error).__name__
        history.add(
            past.LookupEnded(
                history.next,
                clock.now,
                at,
                call,
                key,
                outcome,
                tier,
                number,
                raised,
                process.paused_for - paused,
                altered,
            )
        )
        if value is not None and not self._history.policies[key].share:
            # As a caller may with what is its own.
            self._values.change(value)
        if failure is not None and nested:
            raise failure
        return value

    def _looked_up(
        self, process: Process, key: str, kind: str
    ) -> Flow[Outcome[Any] | Peeked[Any]]:
        ctx, policy = process.ctx, self._history.policies[key]
        loader = partial(self.loads.load, process, key)
        shape = self._values.shape
        query: Query[Any] = Query(key, policy, shape, loader, self._tally)
        if kind == "peek":
            return (yield from peek(ctx, query))
        if kind == "refresh":
            return (yield from observed(ctx, query, refresh(ctx, query)))
        # The two short ways of a memory hit, as the faces take them.
        now = ctx.now()
        kept = process.index.get(key)
        if kept is None or not now < kept.until:
            kept = fresh_in_memory(ctx, key, policy, shape.fingerprint, now)
            if kept is not None and isinstance(kept.form, Whole):
                kept.value = kept.form.open()
                until = fresh_until(kept, policy)
                ctx.node.index(kept, process.index, key, until)
        if kept is not None:
            age = now - kept.written_at
            return HitFresh(query.open(kept.form), tier=Tier.MEMORY, age=age)
        return (yield from observed(ctx, query, look_up(ctx, query)))

    def _nested(self, process: Process, key: str) -> Flow[object]:
        self._count += 1
        return (
            yield from self._look_up(process, self._count, key, "look up", nested=True)
        )
