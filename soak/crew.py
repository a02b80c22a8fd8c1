"""The processes of the soak: started, told, heard, killed and replaced."""

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import attrs

from soak.book import Report, Wait, Wrong
from soak.orders import Left, News, Order, Ready, Start
from soak.worker import main

STARTS_WITHIN = 60.0
LEAVES_WITHIN = 40.0
# A process has its memory filled and all its threads after so long, seconds.
WARM_AFTER = 15.0


@attrs.define(eq=False)
class Member:
    """One process, and what it has told so far."""

    name: str
    process: SpawnProcess
    pipe: "Connection[Order, News]"
    started: float = attrs.field(factory=time.monotonic)
    ready: threading.Event = attrs.field(factory=threading.Event)
    over: threading.Event = attrs.field(factory=threading.Event)
    killed: bool = False
    outcomes: "Counter[str]" = attrs.field(factory=Counter)
    wrongs: list[Wrong] = attrs.field(factory=list)
    waits: list[Wait] = attrs.field(factory=list)
    lag: float = 0.0
    warm_rss: list[int] = attrs.field(factory=list)
    last_rss: int = 0
    left: list[str] | None = None

    def listen(self) -> None:
        """Hear it out, in a thread of its own."""
        with suppress(EOFError, OSError):
            while self.left is None:
                self._hear(self.pipe.recv())
        self.over.set()

    def _hear(self, news: News) -> None:
        match news:
            case Ready():
                self.ready.set()
            case Report():
                self.outcomes += news.outcomes
                self.wrongs += news.wrongs
                self.lag = max(self.lag, news.lag)
                if news.longest is not None:
                    self.waits.append(news.longest)
                self.last_rss = news.rss
                if time.monotonic() - self.started > WARM_AFTER:
                    self.warm_rss.append(news.rss)
            case Left(behind):
                self.left = behind


class Crew:
    """All processes, those that were killed included."""

    def __init__(
        self, url: str, prefix: str, seed: int, count: int, rate: float
    ) -> None:
        self._url, self._prefix, self._seed = url, prefix, seed
        self._rate = rate / count
        self.members: list[Member] = []
        for _ in range(count):
            self.launch()
        for member in self.members:
            if not member.ready.wait(STARTS_WITHIN):
                msg = f"{member.name} did not start"
                raise TimeoutError(msg)

    def launch(self) -> None:
        """Start one more."""
        number = len(self.members)
        name = f"worker {number}"
        seed = self._seed * 1000 + number
        start = Start(name, self._url, self._prefix, seed, self._rate)
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=main, args=(theirs, start), daemon=True)
        process.start()
        theirs.close()
        member = Member(name, process, ours)
        self.members.append(member)
        threading.Thread(target=member.listen, daemon=True).start()

    def living(self) -> Iterator[Member]:
        """Give those that were not killed."""
        yield from (member for member in self.members if not member.killed)

    def tell(self, order: Order) -> None:
        """Tell all the same."""
        for member in self.living():
            with suppress(OSError):
                member.pipe.send(order)

    def kill(self, member: Member) -> None:
        """End one at once (SIGKILL)."""
        member.killed = True
        member.process.kill()
        member.process.join()

    def ended(self) -> list[str]:
        """Wait until all that live have closed their caches; say what is left there."""
        deadline = time.monotonic() + LEAVES_WITHIN
        behind = []
        for member in self.living():
            member.over.wait(max(0.0, deadline - time.monotonic()))
            left = member.left
            texts = ["it did not end as told"] if left is None else left
            behind += [f"{member.name}: {text}" for text in texts]
        return behind

    def close(self) -> None:
        """End all."""
        for member in self.members:
            member.pipe.close()
        for member in self.members:
            member.process.join(5.0)
            if member.process.is_alive():
                member.process.kill()
