"""A request that only looks: all that Redis holds of one key, and its clock."""

from collections.abc import Sequence
from typing import ClassVar

import attrs

from hybridcache.engine.entry_requests import Found
from hybridcache.engine.names import Names
from hybridcache.engine.request import (
    Call,
    Command,
    Request,
    ServerError,
    integer,
    microseconds,
    optional_bytes,
    string_or_none,
)

# PTTL answers -1 for a name that never expires, -2 where there is none.
_FOR_EVER = -1


@attrs.frozen
class Kept:
    """A string that Redis keeps, and for how long.

    Attributes:

        data: The bytes.

        left: Seconds until Redis drops it; None for never.
    """

    data: bytes
    left: float | None


@attrs.frozen
class Inspected:
    """All that Redis holds of one key.

    Attributes:

        found: The entry, with Redis's clock and the marker.

        left: Seconds until Redis drops the entry; None for never.

        lease: The lease with its token; None if nobody holds it.

        failure: The record of a failure that holds the key.

        retry: Seconds that no refresh starts; 0 for none.
    """

    found: Found
    left: float | None
    lease: Kept | None
    failure: Kept | None
    retry: float


@attrs.frozen
class Inspect(Request[Inspected]):
    """Read all that Redis holds of a key, by commands that change nothing.

    The whole entry, as a lookup reads it: of damage only the checksum tells.
    """

    operation: ClassVar[str] = "inspect"
    writes: ClassVar[bool] = False

    names: Names
    marker: str

    def calls(self) -> tuple[Command | Call, ...]:
        """Return GET and PTTL for each name, and TIME."""
        names = self.names
        sent = [Command(names.entry, ("TIME",))]
        for name in (names.entry, names.lease, names.failure):
            sent += [Command(name, ("GET", name)), Command(name, ("PTTL", name))]
        return (
            *sent,
            Command(names.retry, ("PTTL", names.retry)),
            Command(self.marker, ("GET", self.marker)),
        )

    def parse(self, replies: Sequence[object]) -> Inspected:
        """Read the replies; what is of another type counts as the scripts count it."""
        time, entry, left, lease, lease_ms, failure, failure_ms, retry, marker = replies
        wrong_type = isinstance(entry, ServerError) and entry.code == "WRONGTYPE"
        return Inspected(
            Found(
                b"" if wrong_type else optional_bytes(entry),
                microseconds(time),
                string_or_none(marker),
            ),
            _left(left),
            _kept(lease, lease_ms),
            _kept(failure, failure_ms),
            max(0, integer(retry)) / 1000,
        )


def _left(ms: object) -> float | None:
    left = integer(ms)
    return None if left == _FOR_EVER else max(0, left) / 1000


def _kept(reply: object, ms: object) -> Kept | None:
    # To the scripts, too, a name of another type is absent.
    data = string_or_none(reply)
    return None if data is None else Kept(data, _left(ms))
