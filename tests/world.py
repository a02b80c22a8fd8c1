"""A world that goes by a script: what Redis, the loader and the clock do to a flow.

It turns a list of small numbers into Redis's answers, loaders' behaviour, passing
time and what passes meanwhile; `tests/fakes.py` lets flows live in it.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, cast

import attrs

from hybridcache.core import blob
from hybridcache.core.policy import Policy
from hybridcache.core.reply import NOT_MODIFIED, NoStore, Store
from hybridcache.engine import records
from hybridcache.engine.channel_requests import ReadMarker
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context, Query, Remote
from hybridcache.engine.current import Loader, Raised
from hybridcache.engine.entry_requests import Found, Lost, Read, Write, Written
from hybridcache.engine.events import Event
from hybridcache.engine.figures import Figures
from hybridcache.engine.flights import Landing
from hybridcache.engine.form import Shape
from hybridcache.engine.heeding import heed
from hybridcache.engine.latch import Latch
from hybridcache.engine.lease_requests import (
    Acquire,
    Granted,
    Held,
    HeldOff,
    Record,
    Settle,
)
from hybridcache.engine.messages import Kind, Message
from hybridcache.engine.names import names_of
from hybridcache.engine.node import Node
from hybridcache.engine.request import Fault, Request, Trouble
from hybridcache.engine.tally import Tally
from tests.parts import MARKER, Words

A = TypeVar("A")
T = TypeVar("T")

KEY = "k"
PREFIX = "p:"
NAMES = names_of(PREFIX, KEY)
OTHER = "h" * 16
REDIS = Remote(PREFIX, 0.25, 1000)
POLICY = Policy(fresh_for=10, ttl=20, wait_for=5, retry_after=3)
EPOCH_US = 1_700_000_000_000_000
DOWN = Fault(Trouble.DOWN, "the script says down")
REFUSED = Fault(Trouble.REFUSED, "the script says no")


class Killed(BaseException):
    """Whoever ran the flow was cancelled, or died."""


class LoaderError(Exception):
    """The loader's own."""


STAMP = blob.stamp_of(MARKER)


def entry(value: bytes, age: float, *, marker: bytes = MARKER) -> bytes:
    """Lay out an entry that Redis holds, *age* seconds old at `EPOCH_US`."""
    written = EPOCH_US - int(age * 1e6)
    return blob.identity_of(NAMES.entry, version=written, instant_us=written) + (
        blob.rest(
            fresh_for=POLICY.fresh_for,
            ttl=POLICY.ttl,
            stamp=blob.stamp_of(marker),
            fingerprint=b"f" * 8,
            body=value,
        )
    )


BLOBS: Sequence[bytes | None] = (
    None,
    entry(b"redis-fresh", 1),
    entry(b"redis-stale", 12),
    entry(b"redis-expired", 25),
    entry(b"cleared", 1, marker=b"x" * 16),
    entry(b"?", 1),
    b"",
    b"garbage",
)


@attrs.define(eq=False)
class World:
    """One node, one manual clock, and the script."""

    script: Iterator[int]
    node: Node
    policy: Policy = POLICY
    shape: Shape[str] = attrs.field(factory=Words)
    deaths: bool = True
    now: float = 0.0
    order: int = 0
    invalidated_at: int = -1
    not_modified: bool = False
    events: list[Event] = attrs.field(factory=list)
    begun: dict[str, int] = attrs.field(factory=dict)
    errors: list[BaseException] = attrs.field(factory=list)
    granted: set[str] = attrs.field(factory=set)
    closed: set[str] = attrs.field(factory=set)
    lost: list[bytes] = attrs.field(factory=list)
    asked: list[Request[object]] = attrs.field(factory=list)
    latches: list[Latch[Landing]] = attrs.field(factory=list)
    pending: list[Flow[None]] = attrs.field(factory=list)
    _tokens: Iterator[int] = attrs.field(factory=itertools.count)

    def context(self) -> Context:
        """Give flows this world."""
        return Context(
            cache="c",
            node=self.node,
            redis=None if self.node.channel is None else REDIS,
            now=lambda: self.now,
            draw=lambda: 0.5,
            token=lambda: f"{next(self._tokens):016}",
            observe=self.events.append,
            warn=lambda _, __: None,
            closed=lambda: False,
            figures=Figures(threading.Lock()),
        )

    def query(
        self, loader: Loader | None = None, *, bypass: bool = False
    ) -> Query[str]:
        """Ask for the one key."""
        return Query(
            KEY, self.policy, self.shape, loader or self.load, Tally(), "f", bypass
        )

    def draw(self, choices: Sequence[T]) -> T:
        """Take the script's next choice; the first once it has ended."""
        return choices[next(self.script, 0) % len(choices)]

    def step(self) -> None:
        """Let something happen meanwhile: time, a message, death."""
        self.now += self.draw([0.0, 0.0, 0.0, 0.01, 0.3, 4.0, 11.0, 30.0])
        nothing: Callable[[], object] = int
        happening = self.draw(
            [
                nothing,
                nothing,
                nothing,
                nothing,
                self.invalidate,
                self.invalidate,
                self.node.distrust,
                lambda: self.node.subscribed(MARKER),
                lambda: self.node.sweep(self.now),
                self.die if self.deaths else nothing,
            ]
        )
        happening()

    def invalidate(self) -> None:
        """Have an invalidation pass."""
        self.node.invalidated(KEY)
        self.order += 1
        self.invalidated_at = self.order

    def die(self) -> None:
        """End whoever is at it."""
        raise Killed

    def ask(self, request: Request[A]) -> A | Fault:
        """Answer as Redis might."""
        self.asked.append(request)
        if isinstance(request, Acquire):
            # Whatever becomes of the reply, Redis may have granted it.
            self.granted.add(request.token)
        self.step()
        answer = self._answer(request)
        if isinstance(request, Acquire) and answer == REFUSED:
            # The script takes the lease with its last command, or not at all.
            self.granted.discard(request.token)
        self.step()
        return cast("A | Fault", answer)

    def _answer(self, request: object) -> object:
        now_us = EPOCH_US + int(self.now * 1e6)
        match request:
            case Read():
                found = self.draw([*BLOBS, None])
                marker = None if request.marker is None else MARKER
                if found is not None and request.header_only:
                    found = found[: blob.HEADER_SIZE]
                return self.draw([Found(found, now_us, marker)] * 8 + [DOWN, REFUSED])
            case Acquire():
                return self._claim(request, now_us)
            case ReadMarker():
                return self.draw([MARKER, MARKER, MARKER, DOWN, REFUSED])
            case Write():
                assert request.token in self.granted
                version = now_us if self.now > 0 else EPOCH_US
                stored = Written(version, version)
                answer = self.draw([stored, stored, stored, Lost(), DOWN, REFUSED])
                if isinstance(answer, Lost):
                    self.lost.append(request.rest)
                if not isinstance(answer, Fault):
                    self.closed.add(request.token)
                return answer
            case Settle():
                done = self.draw([True, True, False, DOWN])
                if not isinstance(done, Fault):
                    self.closed.add(request.token)
                return done
            case _:
                return self.draw([True, True, DOWN])

    def _claim(self, request: Acquire, now_us: int) -> object:
        found = [Found(one, now_us) for one in BLOBS if one]
        failure = records.of_failure(STAMP, ValueError("elsewhere"))
        answer = self.draw(
            [
                *[Granted()] * 8,
                *found,
                Held(OTHER, 2.0),
                Held(OTHER, 0.1),
                HeldOff(1.0),
                Record(records.of_value(STAMP, b"elsewhere", b"f" * 8)),
                Record(records.of_value(b"s" * 8, b"elsewhere", b"f" * 8)),
                Record(records.of_value(STAMP, b"elsewhere", b"g" * 8)),
                Record(failure),
                Record(failure, 1.0),
                Record(b"nonsense"),
                DOWN,
                REFUSED,
            ]
        )
        if not isinstance(answer, Granted | Fault):
            self.closed.add(request.token)
        elif isinstance(answer, Granted):
            self.closed.discard(request.token)
        return answer

    def load(self) -> object:
        """Behave as a loader might."""
        self.order += 1
        value = f"load-{len(self.begun)}"
        self.begun[value] = self.order
        self.now += self.draw([0.0, 0.0, 0.1, 6.0, 16.0])
        behaviour = self.draw(["value"] * 4 + ["no", "store", "raise", "same", "!"])
        if behaviour == "raise":
            error = LoaderError(value)
            self.errors.append(error)
            raise error
        if behaviour == "same":
            self.not_modified = True
            return NOT_MODIFIED
        if behaviour == "!":
            # Nothing encodes it: still the caller's.
            self.begun[value + "!"] = self.order
        answers = {"no": NoStore(value), "store": Store(value, fresh_for=1, ttl=15)}
        return answers.get(behaviour, value + "!" if behaviour == "!" else value)

    def called(self, loader: Loader) -> object:
        """Call a loader as the adapters do."""
        self.step()
        try:
            answer = loader()
        except Exception as error:  # noqa: BLE001 (as the adapters do)
            answer = Raised(error, None)
        self.step()
        return answer

    def waited(self, latch: Latch[T], until: float) -> T | None:
        """End a wait: by an answer in time, by a message, or by the clock."""
        settled = Message(Kind.SETTLED, OTHER, OTHER, KEY)
        if latch.answer is None and self.draw([True, False]):
            heed(self.node, settled)
        if latch.answer is None:
            self.now = max(self.now, until)
        return latch.answer if self.now <= until else None
