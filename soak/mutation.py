"""Bytes made worse: what a seeded generator does to an input of the corpus."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeAlias

Change: TypeAlias = Callable[[Random, bytearray, bytes], None]

MOST_CHANGES: Final = 4
LONGEST: Final = 4096
# Where numbers tip over: of signs, lengths, msgpack's types and RESP's.
TELLING: Final = (
    b"\x00\x01\x7f\x80\x81\x90\xa0\xc0\xc1\xc4\xc7\xd4\xd9\xdc\xff+-:$*(_#,%~>\r\n019"
)


def mutate(random: Random, data: bytes, other: bytes) -> bytes:
    """Change *data* at one to four places; *other* lends it bytes."""
    worse = bytearray(data)
    for _ in range(1 + int(random.random() * MOST_CHANGES)):
        CHANGES[int(random.random() * len(CHANGES))](random, worse, other)
    return bytes(worse[:LONGEST])


def _place(random: Random, data: Sequence[int]) -> int:
    return int(random.random() * (len(data) + 1))


def _span(random: Random, data: Sequence[int]) -> slice:
    start = _place(random, data)
    # Short ones more often: a long one destroys all structure.
    return slice(start, start + 1 + int(16 * random.random() ** 3))


def _flip(random: Random, data: bytearray, _: bytes) -> None:
    if data:
        data[int(random.random() * len(data))] ^= 1 << int(random.random() * 8)


def _set(random: Random, data: bytearray, _: bytes) -> None:
    if data:
        byte = TELLING[int(random.random() * len(TELLING))]
        data[int(random.random() * len(data))] = byte


def _insert(random: Random, data: bytearray, _: bytes) -> None:
    at = _place(random, data)
    data[at:at] = random.randbytes(1 + int(random.random() * 8))


def _remove(random: Random, data: bytearray, _: bytes) -> None:
    del data[_span(random, data)]


def _repeat(random: Random, data: bytearray, _: bytes) -> None:
    span = _span(random, data)
    data[span.start : span.start] = data[span]


def _cut(random: Random, data: bytearray, _: bytes) -> None:
    del data[_place(random, data) :]


def _overwrite(random: Random, data: bytearray, _: bytes) -> None:
    span = _span(random, data)
    data[span] = random.randbytes(len(data[span]))


def _borrow(random: Random, data: bytearray, other: bytes) -> None:
    data[_span(random, data)] = other[_span(random, other)]


def _cross(random: Random, data: bytearray, other: bytes) -> None:
    at = _place(random, data)
    data[at:] = other[min(at, len(other)) :]


CHANGES: Final[tuple[Change, ...]] = (
    *(_flip, _flip, _flip, _set, _set, _set),
    *(_insert, _remove, _repeat, _cut, _overwrite, _borrow, _cross),
)
