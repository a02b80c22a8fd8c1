"""A simulated cluster: processes, callers and one Redis on one virtual clock.

Everything that happens follows from the seed: the calls, the loaders, the faults
and the order of all steps. Equal arguments give equal runs.
"""

from hybridcache.core.policy import RunIn
from hybridcache.testing import history as past
from hybridcache.testing.calls import Calls
from hybridcache.testing.checker import Judge
from hybridcache.testing.faults import CALM, Faults
from hybridcache.testing.history import History, Violation
from hybridcache.testing.network import Network
from hybridcache.testing.process import TIMEOUT, Process
from hybridcache.testing.scheduler import Scheduler
from hybridcache.testing.strikes import LASTING, Strikes
from hybridcache.testing.values import KINDS as VALUES
from hybridcache.testing.witness import Witness
from hybridcache.testing.workload import USUAL, Workload
from hybridcache.testing.written import written

# After the span: all is healed, what is under way ends, leases lapse, memory is swept.
QUIET = 5.0


class Cluster:
    """Some processes with their callers on one Redis, and all that goes wrong.

    Args:

        seed: Of all dice.

        nodes: How many processes.

        workload: What is called.

        faults: What goes wrong.

    Raises:

        ValueError: There are no nodes.

    Attributes:

        history: What happened so far.

        judge: Judges each record of it when it is taken down.

        strikes: What befalls it.
    """

    def __init__(
        self,
        *,
        seed: int,
        nodes: int = 3,
        workload: Workload = USUAL,
        faults: Faults = CALM,
    ) -> None:
        if nodes < 1:
            msg = f"nodes must be 1 or more, not {nodes!r}"
            raise ValueError(msg)
        self.seed, self.nodes = seed, nodes
        self._ran = False
        self.workload, self.faults = workload, faults
        self.scheduler = Scheduler(seed)
        self.keys = [f"k{number}" for number in range(workload.keys)]
        dice = self.scheduler.dice
        self.policies = {key: dice.choice(workload.policies) for key in self.keys}
        self.history = History(self.policies, TIMEOUT)
        self.judge = Judge(self.history)
        self.history.told = self.judge.saw
        self.network = Network(self.scheduler, faults, self.note)
        self.network.witness = Witness(
            self.history,
            self.scheduler,
            self.network.model,
            VALUES[workload.values],
        ).saw
        self._numbers = 0
        self.processes: list[Process] = []
        self.strikes = Strikes(
            self.network,
            self.scheduler,
            self.processes,
            self.keys,
            self.note,
            self.crash,
        )
        self.processes += [self._new_process() for _ in range(nodes)]
        self.calls = Calls(
            self.scheduler, self.history, workload, faults, self.processes
        )
        self._buried: list[Process] = []

    def __repr__(self) -> str:
        unusual = [f"seed={self.seed}"]
        if self.nodes != 3:  # noqa: PLR2004 (the default)
            unusual.append(f"nodes={self.nodes}")
        if self.workload != USUAL:
            unusual.append(f"workload={written(self.workload)}")
        if self.faults != CALM:
            unusual.append(f"faults={written(self.faults)}")
        return f"{type(self).__name__}({', '.join(unusual)})"

    def _new_process(self) -> Process:
        self._numbers += 1
        number, faults = self._numbers, self.faults
        dice = self.scheduler.dice

        def seen(key: str | None) -> None:
            history = self.history
            history.add(past.CarriedOut(history.next, self.scheduler.now, number, key))

        def seen_lost(token: str) -> None:
            history = self.history
            history.add(past.LeaseLost(history.next, self.scheduler.now, number, token))

        process = Process(
            number,
            self.scheduler,
            self.network,
            offset=1000.0 + faults.skew * dice.random(),
            rate=1.0 + faults.drift * dice.uniform(-1.0, 1.0),
            max_items=self.workload.max_items,
            max_bytes=self.workload.max_bytes,
            seen=seen,
            seen_lost=seen_lost,
            breach=self.history.breaches.append,
        )
        process.asked = self.strikes.at_request
        return process

    # Running

    def run(self) -> History:
        """Run to the end and judge what happened.

        Raises:

            Violation: A rule was broken; the message ends with what replays it.

            RuntimeError: It ran already: equal arguments make another that is equal.
        """
        if self._ran:
            msg = f"this cluster has run; make another to run it again: {self!r}"
            raise RuntimeError(msg)
        self._ran = True
        try:
            self._run()
            found = [*self.history.breaches, *self.judge.whole()]
        except Exception as error:
            msg = f"the run itself failed: {error!r}\n{self!r}.run()"
            raise Violation(msg) from error
        if found:
            lines = "\n".join(found[:10])
            msg = f"{lines}\n{self!r}.run()"
            raise Violation(msg)
        return self.history

    def _run(self) -> None:
        self.strikes.schedule(self.workload.span)
        self.calls.schedule()
        self.scheduler.run(self.workload.span)
        self._heal()
        longest = max(policy.wait_for for policy in self.policies.values())
        # One more call's time each for those whose load was handed over.
        until = self.scheduler.now + 2.0 * longest + LASTING + 2.0
        self.scheduler.run(until, self._is_idle)
        self.scheduler.run(self.scheduler.now + QUIET)
        self._close()

    def _is_idle(self) -> bool:
        return not self.calls.open and not any(
            process.fibers for process in self.processes
        )

    def _heal(self) -> None:
        quiet = Faults(skew=self.faults.skew, drift=self.faults.drift)
        self.network.faults = quiet
        self.strikes.heal()

    def _close(self) -> None:
        """Close every process and write down what is left."""
        left, hanging = self.history.left_behind, self.calls.loads.hanging
        for process in self.processes:
            # A load that hangs keeps its own, one of each.
            spare = hanging[process.number]
            left += [
                f"{process}: {n} {what}, and {spare} of its loads hang"
                for what, n in process.holds().items()
                if n > spare
            ]
            left += [f"{process}: expired {key!r}" for key in process.expired()]
            process.close()
        self.scheduler.run(self.scheduler.now + 1.0)
        inline = any(one.run_in is RunIn.CALLER for one in self.policies.values())
        if not (hanging and inline):
            # A loader that hangs in its caller takes that along.
            left += [f"call {call} never ended" for call in sorted(self.calls.open)]
        leases = [
            name for name in self.network.model.names() if name.endswith(":lease")
        ]
        if len(leases) > sum(hanging[process.number] for process in self.processes):
            left += [f"in Redis: {name}" for name in leases]

    def note(self, process: int, what: str) -> None:
        """Take down a fault."""
        history = self.history
        history.add(past.Trouble(history.next, self.scheduler.now, process, what))

    def crash(self, place: int) -> None:
        """Have a process die and a new one take its place."""
        victim = self.processes[place]
        self.note(victim.number, "crashed")
        victim.die()
        # Its flows are not closed: the dead do not clean up.
        self._buried.append(victim)
        self.calls.died(victim)
        self.processes[place] = self._new_process()
