"""Requests to a Redis Cluster: each to the primary of its key, redirections followed.

Every primary has an upstream of its own, as if it were alone. All of a request that
one of them has goes in one exchange.
"""

import asyncio
from math import inf
from time import monotonic
from typing import TypeAlias, TypeVar
from weakref import WeakKeyDictionary

import attrs

from hybridcache.adapters.upstream.awaiting import AwaitingUpstream
from hybridcache.adapters.upstream.blocking import BlockingUpstream
from hybridcache.adapters.upstream.queueing import Allowance
from hybridcache.adapters.upstream.replies import fault, read
from hybridcache.adapters.upstream.routing import Part, Plan
from hybridcache.adapters.upstream.slots import MOST_REDIRECTIONS, Address, SlotMap
from hybridcache.adapters.upstream.template import Template
from hybridcache.engine.request import Command, Fault, Request, Trouble

A = TypeVar("A")
_Learning: TypeAlias = "asyncio.Future[BaseException | None]"

_SLOTS = (Command("", ("CLUSTER", "SLOTS")),)
_LOST = Fault(Trouble.DOWN, "the cluster redirects without end")


@attrs.define(eq=False)
class BlockingCluster:
    """Asks a Redis Cluster from any thread. Making one connects nothing."""

    template: Template
    timeout: float
    _slots: SlotMap = attrs.field(init=False)
    _nodes: dict[Address, BlockingUpstream] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        """Prepare the first node: wrong options are told of now."""
        self._slots = SlotMap(self.template.startup)
        self._node(self.template.startup[0])

    def _node(self, address: Address) -> BlockingUpstream:
        node = self._nodes.get(address)
        if node is None:
            made = BlockingUpstream(self.template.at(address), self.timeout)
            node = self._nodes.setdefault(address, made)
        return node

    def ask(self, request: Request[A], timeout: float) -> A | Fault:
        """Send what *request* says to who has its key, and read what comes.

        All within *timeout* seconds, redirections included. Where each call has an
        answer of its own, one node that hangs takes none of the others' time.
        """
        try:
            plan = Plan(self._slots, request)
            ends_at = monotonic() + timeout
            for _ in range(MOST_REDIRECTIONS):
                if not plan.is_known:
                    self._learn(ends_at)
                for part in plan.parts():
                    left = timeout if request.in_parts else ends_at - monotonic()
                    self._do(plan, part, left)
                if not plan.redirected():
                    lost = plan.lost()
                    return read(request, plan.replies) if lost is None else lost
        except Exception as error:  # noqa: BLE001 (a credential provider raises any)
            return fault(error, timeout)
        return _LOST

    def _do(self, plan: Plan, part: Part, timeout: float) -> None:
        try:
            node = self._node(plan.address_of(part))
            calls = plan.calls_of(part)
            replies = node.exchange(calls, timeout, asking=part.asking)
        except Exception as error:  # noqa: BLE001 (as above)
            plan.failed(part, error, timeout)
        else:
            plan.answered(part, replies)

    def _learn(self, ends_at: float) -> None:
        last: Exception | None = None
        for address in self._slots.known():
            try:
                replies = self._node(address).exchange(_SLOTS, ends_at - monotonic())
                self._slots.learn(replies[0])
            except Exception as error:  # noqa: BLE001 (as above)
                self._slots.doubt(address)
                last = error
                if monotonic() >= ends_at:
                    break
            else:
                return
        if last is not None:
            raise last

    def end(self) -> None:
        """Close the idle connections, and those in use when they come back."""
        for node in list(self._nodes.values()):
            node.end()

    def forked(self) -> None:
        """Leave the parent's connections to the parent."""
        for node in self._nodes.values():
            node.forked()


@attrs.define(eq=False)
class AwaitingCluster:
    """Asks a Redis Cluster from any task of any loop. Making one connects nothing."""

    template: Template
    timeout: float
    _slots: SlotMap = attrs.field(init=False)
    _nodes: dict[Address, AwaitingUpstream] = attrs.field(factory=dict, init=False)
    # What a loop's requests wait for while one of them asks for the map.
    _learning: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Learning]" = attrs.field(
        factory=WeakKeyDictionary, init=False
    )

    def __attrs_post_init__(self) -> None:
        """Start with nothing known."""
        self._slots = SlotMap(self.template.startup)

    def _node(self, address: Address) -> AwaitingUpstream:
        node = self._nodes.get(address)
        if node is None:
            made = AwaitingUpstream(self.template.at(address), self.timeout)
            node = self._nodes.setdefault(address, made)
        return node

    async def ask(
        self, request: Request[A], timeout: float, patience: float = inf
    ) -> A | Fault:
        """Send what *request* says to who has its key, and read what comes.

        All within *timeout* seconds, redirections included. Where each call has an
        answer of its own, one node that hangs takes none of the others' time.
        """
        try:
            plan = Plan(self._slots, request)
            allowance = Allowance(timeout, patience)
            for _ in range(MOST_REDIRECTIONS):
                if not plan.is_known:
                    await self._learn_once(allowance)
                for part in plan.parts():
                    own = (
                        Allowance(timeout, patience) if request.in_parts else allowance
                    )
                    await self._do(plan, part, own)
                if not plan.redirected():
                    lost = plan.lost()
                    return read(request, plan.replies) if lost is None else lost
        except Exception as error:  # noqa: BLE001 (a credential provider raises any)
            return fault(error, timeout)
        return _LOST

    async def _do(self, plan: Plan, part: Part, allowance: Allowance) -> None:
        try:
            node = self._node(plan.address_of(part))
            calls = plan.calls_of(part)
            replies = await node.exchange(calls, allowance, asking=part.asking)
        except Exception as error:  # noqa: BLE001 (as above)
            plan.failed(part, error, allowance.seconds)
        else:
            plan.answered(part, replies)

    async def _learn_once(self, allowance: Allowance) -> None:
        """Learn the map, or what came of it where another does so already."""
        loop = asyncio.get_running_loop()
        while (learning := self._learning.get(loop)) is not None:
            error = await asyncio.shield(learning)
            if not isinstance(error, asyncio.CancelledError):
                if error is not None:
                    raise error
                return
        learning = self._learning[loop] = loop.create_future()
        error = asyncio.CancelledError()
        try:
            await self._learn(allowance)
            error = None
        except Exception as raised:
            error = raised
            raise
        finally:
            del self._learning[loop]
            learning.set_result(error)

    async def _learn(self, allowance: Allowance) -> None:
        last: Exception | None = None
        for address in self._slots.known():
            try:
                replies = await self._node(address).exchange(_SLOTS, allowance)
                self._slots.learn(replies[0])
            except Exception as error:  # noqa: BLE001 (as above)
                self._slots.doubt(address)
                last = error
                if allowance.left < 0:
                    break
            else:
                return
        if last is not None:
            raise last

    async def close(self) -> None:
        """Close the idle connections of this loop."""
        for node in list(self._nodes.values()):
            await node.close()

    def end(self) -> None:
        """Keep no connection from now on: each is closed after its request."""
        for node in list(self._nodes.values()):
            node.end()

    def forked(self) -> None:
        """Leave the parent's connections to the parent."""
        self._learning = WeakKeyDictionary()
        for node in self._nodes.values():
            node.forked()
