"""Requests to a Redis Cluster: each to the primary of its key, redirections followed.

Every primary has an upstream of its own, as if it were alone. All of a request that
touches one slot goes in one exchange.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from time import monotonic
from typing import TypeVar

import attrs
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import RedisError

from hybridcache.adapters.upstream.awaiting import AwaitingUpstream
from hybridcache.adapters.upstream.blocking import BlockingUpstream
from hybridcache.adapters.upstream.replies import fault, read
from hybridcache.adapters.upstream.slots import (
    MOST_REDIRECTIONS,
    Address,
    Redirection,
    SlotMap,
    slot_of,
)
from hybridcache.adapters.upstream.template import Template
from hybridcache.engine.request import Call, Command, Fault, Request, Trouble

A = TypeVar("A")

_SLOTS = (Command("", ("CLUSTER", "SLOTS")),)
_LOST = Fault(Trouble.DOWN, "the cluster redirects without end")


def _slot(call: Command | Call) -> int:
    return slot_of(call.name if isinstance(call, Command) else call.names[0])


@attrs.define(eq=False)
class _Plan:
    """Where the parts of a request go; a redirection overrides the map."""

    slots: SlotMap
    calls: Sequence[Command | Call]
    redirection: Redirection | None = None

    @property
    def is_known(self) -> bool:
        """Whether every part has an address."""
        return all(self.slots.address(_slot(call)) is not None for call in self.calls)

    def parts(self) -> Iterator[tuple[Address, list[Command | Call], bool]]:
        """Give address, calls and whether to ask, in the request's order.

        Raises:

            RedisError: Some slot has no primary that is known: none serves it now, or
                another caller has just found that its primary is gone.
        """
        for slot, calls in groupby(self.calls, _slot):
            part, address = list(calls), self.slots.address(slot)
            if self.redirection is not None and self.redirection.asking:
                # Only one slot moves at a time; its key comes first.
                yield self.redirection.address, part, True
                self.redirection = None
            elif address is not None:
                yield address, part, False
            else:
                msg = f"no primary is known that has slot {slot}"
                raise NoConnection(msg)


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

        All within *timeout* seconds, redirections included.
        """
        plan = _Plan(self._slots, request.calls())
        ends_at = monotonic() + timeout
        try:
            for _ in range(MOST_REDIRECTIONS):
                if not plan.is_known:
                    self._learn(ends_at)
                replies = [
                    reply
                    for address, calls, asking in plan.parts()
                    for reply in self._node(address).exchange(
                        calls, ends_at - monotonic(), asking=asking
                    )
                ]
                plan.redirection = self._slots.redirected(replies)
                if plan.redirection is None:
                    return read(request, replies)
        except (RedisError, OSError) as error:
            self._slots.forget()
            return fault(error)
        return _LOST

    def _learn(self, ends_at: float) -> None:
        last: Exception | None = None
        for address in self._slots.known():
            try:
                replies = self._node(address).exchange(_SLOTS, ends_at - monotonic())
                self._slots.learn(replies[0])
            except (RedisError, OSError) as error:
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

    def __attrs_post_init__(self) -> None:
        """Start with nothing known."""
        self._slots = SlotMap(self.template.startup)

    def _node(self, address: Address) -> AwaitingUpstream:
        node = self._nodes.get(address)
        if node is None:
            made = AwaitingUpstream(self.template.at(address), self.timeout)
            node = self._nodes.setdefault(address, made)
        return node

    async def ask(self, request: Request[A], timeout: float) -> A | Fault:
        """Send what *request* says to who has its key, and read what comes.

        All within *timeout* seconds, redirections included.
        """
        plan = _Plan(self._slots, request.calls())
        ends_at = monotonic() + timeout
        try:
            for _ in range(MOST_REDIRECTIONS):
                if not plan.is_known:
                    await self._learn(ends_at)
                replies = [
                    reply
                    for address, calls, asking in plan.parts()
                    for reply in await self._node(address).exchange(
                        calls, ends_at - monotonic(), asking=asking
                    )
                ]
                plan.redirection = self._slots.redirected(replies)
                if plan.redirection is None:
                    return read(request, replies)
        except (RedisError, OSError) as error:
            self._slots.forget()
            return fault(error)
        return _LOST

    async def _learn(self, ends_at: float) -> None:
        last: Exception | None = None
        for address in self._slots.known():
            try:
                left = ends_at - monotonic()
                replies = await self._node(address).exchange(_SLOTS, left)
                self._slots.learn(replies[0])
            except (RedisError, OSError) as error:
                self._slots.doubt(address)
                last = error
                if monotonic() >= ends_at:
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
        for node in self._nodes.values():
            node.forked()
