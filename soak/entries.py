"""The entry decoder under hostile bytes: header, checksum, and body of many types."""

import struct
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from random import Random
from typing import Any, Final
from uuid import UUID
from zlib import crc32

import attrs

from hybridcache.adapters.codec import JSON, MSGPACK, Shape, shape_of
from hybridcache.core import blob
from hybridcache.core.errors import Undecodable, Unencodable

KEY_NAME: Final = "fuzz:{k}"
STAMP: Final = blob.stamp_of(b"0123456789abcdef")


class Colour(Enum):
    """An enum's member."""

    RED = "red"
    BLUE = 2


@attrs.frozen
class Leaf:
    """One half of a union."""

    label: str
    weight: float = 0.0


@attrs.frozen
class Item:
    """A record of all sorts of fields."""

    id: int
    uid: UUID
    price: Decimal
    colour: Colour
    made_at: datetime
    day: date
    lasts: timedelta
    tags: frozenset[str]
    pair: tuple[int, bytes]
    leaf: "Leaf | None"
    by_number: dict[int, list[float]]


ITEM: Final = Item(
    7,
    UUID(int=7),
    Decimal("9.50"),
    Colour.BLUE,
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    date(2026, 1, 2),
    timedelta(seconds=1.5),
    frozenset({"a"}),
    (2**70, b"\x00"),
    Leaf("x", 0.5),
    {1: [1.0, 2.0]},
)

SHAPES: Final[dict[str, Shape[Any]]] = {
    "int": shape_of(int),
    "text": shape_of(str),
    "list": shape_of(list[int]),
    "dict": shape_of(dict[str, float]),
    "item": shape_of(Item, MSGPACK),
    "json": shape_of(Item, JSON),
    "union": shape_of(int | str | Leaf | Item | list[Leaf] | None),
    "any": shape_of(Any),
}
SAMPLES: Final[dict[str, tuple[object, ...]]] = {
    "int": (0, -(2**63), 2**100),
    "text": ("", "h\u00e9llo \U0001f600"),
    "list": ([], [1, -1, 2**64]),
    "dict": ({}, {"a": 1.0, "b": float("inf")}),
    "item": (ITEM, attrs.evolve(ITEM, leaf=None, by_number={})),
    "json": (ITEM,),
    "union": (5, "s", Leaf("x"), ITEM, [Leaf("y")], None),
    "any": ({"a": [1, 2.5, None, True, b"b", "t"]}, [[[]]]),
}


def laid_out(shape: Shape[Any], body: bytes) -> bytes:
    """Lay out an entry as writer and script do together."""
    rest = blob.rest(
        fresh_for=60.0,
        ttl=3600.0,
        stamp=STAMP,
        fingerprint=shape.fingerprint,
        body=body,
    )
    head = blob.identity_of(KEY_NAME, version=1_700_000_000, instant_us=1_700_000_000)
    return head + rest


class Entries:
    """What is thrown at the entry decoder, and what it may do with it."""

    name = "entry"

    def __init__(self) -> None:
        self._known: set[bytes] = set()

    def seeds(self) -> dict[str, bytes]:
        """Give good entries by name; what is before the first dash names the type."""
        return {
            f"{kind}-good-{number}": laid_out(SHAPES[kind], SHAPES[kind].encode(value))
            for kind, values in SAMPLES.items()
            for number, value in enumerate(values)
        }

    def learn(self, data: bytes) -> None:
        """Take *data* for bytes that our encoder may have made."""
        self._known.add(data[blob.IDENTITY_SIZE :])

    def forge(self, random: Random, stem: str, data: bytes) -> bytes | None:
        """Make prelude, lifetimes and checksum right again, as no accident does."""
        if len(data) < blob.HEADER_SIZE or random.random() < 0.3:
            return None
        kind = stem.partition("-")[0]
        # Mostly right lifetimes, too, so that what is behind them is reached.
        tail = bytearray(data[blob.IDENTITY_SIZE + 4 :])
        if random.random() < 0.9:
            tail[:34] = blob.rest(
                fresh_for=60.0,
                ttl=3600.0,
                stamp=STAMP,
                fingerprint=SHAPES[kind].fingerprint,
                body=b"",
            )[4:]
        crc = struct.pack(">I", crc32(tail))
        instants = data[12 : blob.IDENTITY_SIZE]
        return blob.prelude(KEY_NAME) + instants + crc + bytes(tail)

    def check(self, stem: str, data: bytes, *, forged: bool) -> bool:
        """Decode; True if a value came of it. What is not right is an error."""
        shape = SHAPES[stem.partition("-")[0]]
        whole = _is_whole(data, shape.fingerprint)
        try:
            header, body = blob.parse(data, KEY_NAME, shape.fingerprint)
        except Undecodable:
            assert not whole, "a whole entry was refused"
            return False
        assert whole, "an entry that is not whole was accepted"
        # Version, instant and flags lie before the checksum: read as they stand.
        numbers = data[12:20], data[20:28]
        told = header.version, header.instant_us
        assert told == tuple(int.from_bytes(one) for one in numbers), "wrong numbers"
        assert data.endswith(body), "a wrong body"
        assert len(body) == len(data) - blob.HEADER_SIZE, "a wrong body"
        if self._known and not forged:
            tail = data[blob.IDENTITY_SIZE :]
            assert tail in self._known, "damage behind the numbers was not seen"
        try:
            value = shape.decode(body)
        except Undecodable:
            assert forged or not self._known, "what the encoder made was refused"
            return False
        _check_value(shape, value)
        return True


def _is_whole(data: bytes, fingerprint: bytes) -> bool:
    """Read the layout of design, section 7, once more, in another way."""
    if len(data) < blob.HEADER_SIZE or data[:3] != b"hC\x01":
        return False
    fresh_for, ttl = struct.unpack(">dd", data[32:48])
    return (
        data[4:12] == blob.key_check(KEY_NAME)
        and int.from_bytes(data[28:32]) == crc32(data[32:])
        and data[12:20] >= data[20:28]
        and 0.0 <= fresh_for <= ttl < float("inf")
        and data[56:64] == fingerprint
        and data[64:66] == b"\0\0"
    )


def _check_value(shape: Shape[Any], value: object) -> None:
    """Have the encoder look at every node: only the declared types pass."""
    try:
        data = shape.encode(value)
    except Unencodable as error:
        # Only forged bytes nest deeper than what is ever stored.
        assert "too deep" in str(error), f"not of the declared type: {error}"
        return
    assert data == shape.encode(shape.decode(data)), "does not come back equal"
