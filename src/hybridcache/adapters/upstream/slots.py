"""Which primary of a Redis Cluster has which slot, as far as is known.

Learned from CLUSTER SLOTS and from redirections; wrong knowledge costs a redirection,
never a wrong answer: a node refuses what is not its own.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import attrs
from redis.crc import key_slot

from hybridcache.engine.request import ServerError

Address: TypeAlias = tuple[str, int]

# MOVED once while the map is old, and once more while a failover is under way.
MOST_REDIRECTIONS: Final = 3


def slot_of(name: str) -> int:
    """Return the hash slot of a key."""
    slot: int = key_slot(name.encode())
    return slot


@attrs.frozen
class Redirection:
    """Where a node says that a *slot* is; *asking* if it is only moving there."""

    slot: int
    address: Address
    asking: bool


@attrs.define(eq=False)
class SlotMap:
    """The slots' primaries.

    Attributes:

        startup: Addresses to ask while nothing is known; never empty.
    """

    startup: Sequence[Address]
    _primaries: dict[int, Address] = attrs.field(factory=dict, init=False)
    _doubted: list[Address] = attrs.field(factory=list, init=False)

    def address(self, slot: int) -> Address | None:
        """Return the primary that should have *slot*; None if unknown."""
        return self._primaries.get(slot)

    def known(self) -> list[Address]:
        """Return every address worth asking for the map, the likeliest first."""
        known = list(dict.fromkeys([*self._primaries.values(), *self.startup]))
        # False before True; among the doubted, who was doubted longest ago.
        doubted = self._doubted
        return sorted(known, key=lambda one: one in doubted and 1 + doubted.index(one))

    def doubt(self, address: Address) -> None:
        """Ask *address* after all others next time: it did not answer.

        One that hangs takes all of a request's time, so that the next begins elsewhere.
        """
        self._doubted = [other for other in self._doubted if other != address]
        self._doubted.append(address)

    def learn(self, reply: object) -> None:
        """Take over a reply to CLUSTER SLOTS; what has another form is passed over."""
        if not isinstance(reply, list):
            return
        learned: dict[int, Address] = {}
        for entry in reply:
            match entry:
                case [int(first), int(last), [bytes(host), int(port), *_], *_]:
                    # An empty host means: the one that was asked.
                    address = (host.decode() or self.startup[0][0], port)
                    learned.update(dict.fromkeys(range(first, last + 1), address))
                case _:
                    continue
        if learned:
            self._primaries = learned
            self._doubted = []

    def redirected(self, replies: Sequence[object]) -> list[Redirection]:
        """Read where *replies* send us, and remember what has moved for good."""
        found = [
            self._read(reply)
            for reply in replies
            if isinstance(reply, ServerError) and reply.code in {"MOVED", "ASK"}
        ]
        return [redirection for redirection in found if redirection is not None]

    def _read(self, error: ServerError) -> Redirection | None:
        code, _, rest = error.text.partition(" ")
        slot, _, where = rest.partition(" ")
        host, _, port = where.rpartition(":")
        if not (slot.isdigit() and port.isdigit()):
            return None
        address = (host or self.startup[0][0], int(port))
        if code == "MOVED":
            self._primaries[int(slot)] = address
        return Redirection(int(slot), address, asking=code == "ASK")

    def lose(self, address: Address) -> None:
        """Forget what *address* had: it does not answer; doubt what it says."""
        self.doubt(address)
        known = self._primaries.items()
        self._primaries = {slot: one for slot, one in known if one != address}
