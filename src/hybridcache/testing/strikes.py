"""The events of a fault schedule: when each strikes, and what it does."""

from collections.abc import Callable
from functools import partial

from hybridcache.core import blob
from hybridcache.engine.names import channel_of, names_of
from hybridcache.testing.faults import EVENTS
from hybridcache.testing.fibers import Fiber
from hybridcache.testing.keyspace import Refuses
from hybridcache.testing.network import Network
from hybridcache.testing.process import PREFIX, Process
from hybridcache.testing.redis_model import Snapshot
from hybridcache.testing.scheduler import Scheduler

MARKER = channel_of(PREFIX, "").marker
# Longest that a fault lasts, seconds.
LASTING = 4.0
# Drawn only where there are any: without them, seeds from before them give equal runs.
LATER = frozenset({"refusals", "partitions", "spoils"})
# What strikes a request does so within this long, seconds: before its effect, between
# that and the reply, or just after.
MOMENT = 0.003


class Strikes:
    """Has the counted faults of a cluster's schedule happen in its span."""

    def __init__(
        self,
        network: Network,
        scheduler: Scheduler,
        processes: list[Process],
        keys: list[str],
        note: Callable[[int, str], None],
        crash: Callable[[int], None],
    ) -> None:
        self._network = network
        self._scheduler, self._dice = scheduler, scheduler.dice
        self._processes, self._keys = processes, keys
        self._note, self._crash = note, crash
        self._damaged: set[bytes] = set()

    def schedule(self, span: float) -> None:
        """Draw how many of each there are, and when."""
        dice, faults = self._dice, self._network.faults
        for what in EVENTS:
            count: float = getattr(faults, what)
            if what in LATER and not count:
                continue
            for _ in range(int(count) + (dice.random() < count - int(count))):
                at = dice.uniform(0.0, span)
                self._scheduler.after(at, getattr(self, f"_{what}"))
        for what, at in faults.strikes:
            self._scheduler.after(at, getattr(self, f"_{what}"))

    def at_request(self, process: Process, fiber: Fiber) -> None:
        """Strike who asks, as often as the faults say."""
        faults, chance = self._network.faults, self._scheduler.chance
        cut_short = partial(self._cut_short, fiber, fiber.turn)
        for share, strike in (
            (faults.dying, partial(self._kill, process)),
            (faults.stopped, partial(self._stop, process)),
            (faults.cut_short, cut_short),
        ):
            if chance(share):
                self._scheduler.after(self._dice.uniform(0.0, MOMENT), strike)

    def _kill(self, victim: Process) -> None:
        if victim in self._processes:
            self._crash(self._processes.index(victim))

    def _cut_short(self, fiber: Fiber, turn: int) -> None:
        if fiber.turn == turn:
            fiber.cancel()

    def _dropped(self, *, silently: bool = False) -> None:
        victim = self._dice.choice(self._processes)
        for line in self._network.lines_of(victim):
            self._note(victim.number, "subscription dropped")
            self._network.drop(line, silently=silently)

    def _silent(self) -> None:
        self._dropped(silently=True)

    def _crashes(self) -> None:
        self._crash(self._dice.randrange(len(self._processes)))

    def _pauses(self) -> None:
        self._stop(self._dice.choice(self._processes))

    def _stop(self, victim: Process) -> None:
        if victim in self._processes and not victim.stands_still:
            self._note(victim.number, "paused")
            victim.pause()
            wake = partial(self._go_on, victim)
            self._scheduler.after(self._dice.uniform(0.1, LASTING), wake)

    def _go_on(self, victim: Process) -> None:
        if victim.stands_still:
            # What it was about when it stood still goes wrong only now.
            self._note(victim.number, "resumed")
            victim.go_on()

    def _outages(self) -> None:
        self._note(-1, "outages")
        self._network.go_down()
        self._scheduler.after(self._dice.uniform(0.05, LASTING), self._recover)

    def _hangs(self) -> None:
        self._note(-1, "hangs")
        self._network.stand_still()
        self._scheduler.after(self._dice.uniform(0.05, LASTING), self._recover)

    def _refusals(self) -> None:
        self._note(-1, "refusals")
        self._network.model.refuse(
            self._dice.choice((Refuses.MORE_MEMORY, Refuses.WRITES))
        )
        self._scheduler.after(self._dice.uniform(0.05, LASTING), self._recover)

    def _partitions(self) -> None:
        victim = self._dice.choice(self._processes)
        self._note(victim.number, "cut off")
        self._network.cut_off(victim)
        join = partial(self._join, victim)
        self._scheduler.after(self._dice.uniform(0.05, LASTING), join)

    def _join(self, victim: Process) -> None:
        if self._network.joins(victim):
            self._note(victim.number, "joined")

    def _recover(self) -> None:
        if self._network.ails:
            self._note(-1, "recovered")
            self._network.heal()

    def heal(self) -> None:
        """End all that lasts."""
        self._recover()
        for process in self._processes:
            self._go_on(process)
            self._join(process)

    def _restarts(self) -> None:
        self._note(-1, "restarted empty")
        self._network.drop_all()
        self._network.model.restart(keep_data=False)

    def _failovers(self) -> None:
        snapshot = self._network.model.snapshot()
        delay = self._dice.uniform(0.01, 1.0)
        self._scheduler.after(delay, lambda: self._fail_over(snapshot))

    def _fail_over(self, snapshot: Snapshot) -> None:
        self._note(-1, "failed over")
        self._network.drop_all()
        self._network.model.restore(snapshot)

    def _evictions(self) -> None:
        names = self._network.model.names()
        if names:
            name = self._dice.choice(names)
            self._note(-1, f"evicted {name}")
            self._network.model.evict(name)

    def _flushes(self) -> None:
        self._network.model.flush_scripts()

    def _spoils(self) -> None:
        entries = {names_of(PREFIX, key).entry for key in self._keys}
        # By what they are, or the marker, which is always there, would be most of them.
        kinds: dict[str, list[str]] = {}
        for name in self._network.model.names():
            if name not in entries:
                kinds.setdefault(name.split(":")[2], []).append(name)
        if kinds:
            name = self._dice.choice(kinds[self._dice.choice(sorted(kinds))])
            # For who holds or left it, it is gone.
            self._note(-1, f"evicted {name}")
            data = self._dice.randbytes(self._dice.randrange(40))
            # A list, now and then; which a marker would be until the next clear().
            value = data if name == MARKER else self._dice.choice((data, data, (data,)))
            self._network.model.damage(name, value)

    def _corruptions(self) -> None:
        dice, model = self._dice, self._network.model
        key, other = dice.choice(self._keys), dice.choice(self._keys)
        name = names_of(PREFIX, key).entry
        found = model.call("GET", names_of(PREFIX, other).entry)
        # Not twice: no checksum covers the instants that Redis writes, and two bits may
        # agree.
        data = b""
        if isinstance(found, bytes) and found not in self._damaged:
            data = found
        kind = dice.choice(("flipped", "cut", "foreign"))
        if kind == "flipped" and data:
            place = dice.choice((dice.randrange(len(data)), len(data) - 1))
            flipped = data[place] ^ (1 << dice.randrange(8))
            data = data[:place] + bytes([flipped]) + data[place + 1 :]
        elif kind == "cut":
            data = data[: dice.randrange(len(data) + 1)]
        elif key == other:
            data = dice.randbytes(dice.randrange(200))
        if key != other and blob.key_check(name) in data:
            # It came from here, as foreign: nobody puts back what was invalidated.
            data = b""
        self._note(-1, f"damaged {name}")
        self._damaged.add(data)
        model.put_raw(name, data)
