"""A request to a Redis Cluster: which of its calls go to which node, and the replies."""

from collections.abc import Sequence

import attrs
from redis.exceptions import ConnectionError as NoConnection

from hybridcache.adapters.upstream.replies import fault
from hybridcache.adapters.upstream.slots import Address, SlotMap, slot_of
from hybridcache.engine.request import Call, Command, Fault, Request


def _slot(call: Command | Call) -> int:
    return slot_of(call.name if isinstance(call, Command) else call.names[0])


@attrs.frozen
class Part:
    """What goes to one node in one exchange.

    Attributes:

        address: The node's; None where no primary is known.

        asking: Whether a slot is only moving there.

        places: Which of the request's calls.
    """

    address: Address | None
    asking: bool
    places: list[int] = attrs.field(factory=list)


@attrs.define(eq=False)
class Plan:
    """Where the parts of a request go, and what came of them.

    Attributes:

        slots: The map.

        request: Whose calls are sent.

        moving: Where the slots are asked for that are only moving there.

        replies: To the calls, in order.
    """

    slots: SlotMap
    request: Request[object]
    moving: dict[int, Address] = attrs.field(factory=dict, init=False)
    calls: Sequence[Command | Call] = attrs.field(init=False)
    replies: list[object] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        """Lay out what is sent."""
        self.calls = self.request.calls()

    @property
    def is_known(self) -> bool:
        """Whether every call has an address."""
        return all(self.slots.address(_slot(call)) is not None for call in self.calls)

    def parts(self) -> list[Part]:
        """Return the exchanges: one for each node, in the request's order."""
        self.replies = [None] * len(self.calls)
        parts: dict[tuple[Address | None, bool], Part] = {}
        for place, call in enumerate(self.calls):
            slot = _slot(call)
            moving = self.moving.get(slot)
            to = (moving or self.slots.address(slot), moving is not None)
            parts.setdefault(to, Part(*to)).places.append(place)
        return list(parts.values())

    def calls_of(self, part: Part) -> list[Command | Call]:
        """Return what to send."""
        return [self.calls[place] for place in part.places]

    def address_of(self, part: Part) -> Address:
        """Return where to send it.

        Raises:

            RedisError: None of the nodes serves it now, or another caller has just
                found that its primary is gone.
        """
        if part.address is None:
            msg = f"no primary is known that has slot {_slot(self.calls_of(part)[0])}"
            raise NoConnection(msg)
        return part.address

    def answered(self, part: Part, replies: Sequence[object]) -> None:
        """Put the replies to *part* where they belong."""
        for place, reply in zip(part.places, replies, strict=True):
            self.replies[place] = reply

    def failed(self, part: Part, error: Exception, timeout: float) -> None:
        """Go on without *part*, if the request has answers for each call alone.

        Raises:

            Exception: *error*, if the request is one whole.
        """
        if part.address is not None:
            self.slots.lose(part.address)
        if not self.request.in_parts:
            raise error
        self.answered(part, [fault(error, timeout)] * len(part.places))

    def redirected(self) -> bool:
        """Follow the redirections; whether there are any."""
        redirections = self.slots.redirected(self.replies)
        for one in redirections:
            if one.asking:
                self.moving[one.slot] = one.address
            else:
                self.moving.pop(one.slot, None)
        return bool(redirections)

    def lost(self) -> Fault | None:
        """Return the fault, where no part was answered."""
        first = self.replies[0]
        if isinstance(first, Fault) and all(
            isinstance(reply, Fault) for reply in self.replies
        ):
            return first
        return None
