"""What a Redis server holds: names, their values, and when they expire.

Only what the shipped scripts and requests need, each command as Redis 6.2 does it.
A method is one command, without its name; an error that the server would answer is
raised as :class:`Refusal`. A value is bytes, or a tuple for a list.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final, TypeAlias

import attrs

Held: TypeAlias = bytes | tuple[bytes, ...]

WRONG_TYPE: Final = "WRONGTYPE Operation against a key holding the wrong kind of value"
NO_INTEGER: Final = "ERR value is not an integer or out of range"
SYNTAX: Final = "ERR syntax error"
FULL: Final = "OOM command not allowed when used memory > 'maxmemory'."
READ_ONLY: Final = "READONLY You can't write against a read only replica."
_LARGEST: Final = 2**63 - 1


class Refuses(Enum):
    """Which writes a server refuses: none, what needs memory, or all."""

    NOTHING = ""
    MORE_MEMORY = FULL
    WRITES = READ_ONLY


class Refusal(Exception):  # noqa: N818 (an answer of the server, not a mistake)
    """An error reply; its text is what the server would say."""


@attrs.frozen
class Item:
    """A value and the millisecond after which it is gone, or None."""

    value: Held
    until_ms: int | None = None


@attrs.define(eq=False)
class Keyspace:
    """The data of one server.

    Attributes:

        now_us: The server's clock, microseconds.

        items: What it holds, expired items included until they are touched.

        refuses: Which writes it refuses.

        has_written: Whether the present command has written already: a full server
            lets a script that has begun to write go on.
    """

    now_us: Callable[[], int]
    items: dict[bytes, Item] = attrs.field(factory=dict)
    refuses: Refuses = attrs.field(default=Refuses.NOTHING, init=False)
    has_written: bool = attrs.field(default=False, init=False)

    def now_ms(self) -> int:
        """Return the clock in whole milliseconds, by which things expire."""
        return self.now_us() // 1000

    def find(self, name: bytes) -> Item | None:
        """Return what stands under *name*; forget it if it has expired."""
        item = self.items.get(name)
        if item is None or item.until_ms is None or self.now_ms() <= item.until_ms:
            return item
        del self.items[name]
        return None

    def living(self) -> Mapping[bytes, Item]:
        """Return all that has not expired."""
        return {
            name: item
            for name in list(self.items)
            if (item := self.find(name)) is not None
        }

    def begin_write(self, *, more: bool) -> None:
        """Let a command write, *more* than before perhaps.

        Raises:

            Refusal: The server takes no such writes.
        """
        full = self.refuses is Refuses.MORE_MEMORY and more and not self.has_written
        if full or self.refuses is Refuses.WRITES:
            raise Refusal(self.refuses.value)
        self.has_written = True

    # Commands

    def time(self) -> list[bytes]:
        """Answer TIME."""
        seconds, micros = divmod(self.now_us(), 1_000_000)
        return [b"%d" % seconds, b"%d" % micros]

    def get(self, name: bytes) -> bytes | None:
        """Answer GET.

        Raises:

            Refusal: The name holds a list.
        """
        item = self.find(name)
        if item is None:
            return None
        if not isinstance(item.value, bytes):
            raise Refusal(WRONG_TYPE)
        return item.value

    def string(self, name: bytes) -> bytes | None:
        """Answer ``redis.pcall('GET')`` as the scripts read it: only a string."""
        item = self.find(name)
        if item is None or not isinstance(item.value, bytes):
            return None
        return item.value

    def get_range(self, name: bytes, first: bytes, last: bytes) -> bytes:
        """Answer GETRANGE.

        Raises:

            Refusal: The name holds a list, or an end is no integer.
        """
        start, end = integer(first), integer(last)
        value = self.get(name) or b""
        if start < 0 and end < 0 and start > end:
            return b""
        start = max(0, start + len(value) if start < 0 else start)
        end = max(0, end + len(value) if end < 0 else end)
        return value[start : end + 1]

    def set(
        self,
        name: bytes,
        value: bytes,
        *,
        px: bytes | None = None,
        only_new: bool = False,
    ) -> bytes | None:
        """Answer SET with PX and NX.

        Raises:

            Refusal: The time to live is none, or no writes are taken.
        """
        self.begin_write(more=True)
        until = None
        if px is not None:
            now, left = self.now_ms(), integer(px)
            if not 0 < left <= _LARGEST - now:
                msg = "ERR invalid expire time in set"
                raise Refusal(msg)
            until = now + left
        if only_new and self.find(name) is not None:
            return None
        self.items[name] = Item(value, until)
        return b"OK"

    def append(self, name: bytes, value: bytes) -> int:
        """Answer APPEND; what was left to live is left.

        Raises:

            Refusal: The name holds a list, or no writes are taken.
        """
        self.begin_write(more=True)
        whole = (self.get(name) or b"") + value
        item = self.items.get(name)
        self.items[name] = Item(whole, None if item is None else item.until_ms)
        return len(whole)

    def left_push(self, name: bytes, *values: bytes) -> int:
        """Answer LPUSH.

        Raises:

            Refusal: The name holds a string, or no writes are taken.
        """
        self.begin_write(more=True)
        item = self.find(name) or Item(())
        if isinstance(item.value, bytes):
            raise Refusal(WRONG_TYPE)
        whole = (*reversed(values), *item.value)
        self.items[name] = Item(whole, item.until_ms)
        return len(whole)

    def delete(self, *names: bytes) -> int:
        """Answer DEL.

        Raises:

            Refusal: No writes are taken.
        """
        self.begin_write(more=False)
        found = [name for name in dict.fromkeys(names) if self.find(name) is not None]
        for name in found:
            del self.items[name]
        return len(found)

    def left_ms(self, name: bytes) -> int:
        """Answer PTTL; 0 in the last millisecond."""
        item = self.find(name)
        if item is None:
            return -2
        if item.until_ms is None:
            return -1
        return item.until_ms - self.now_ms()

    def expire(self, name: bytes, left: bytes) -> int:
        """Answer PEXPIRE; no time left deletes.

        Raises:

            Refusal: The time to live is none, or no writes are taken.
        """
        self.begin_write(more=False)
        now, ms = self.now_ms(), integer(left)
        if ms > _LARGEST - now:
            msg = "ERR invalid expire time in pexpire"
            raise Refusal(msg)
        item = self.find(name)
        if item is None:
            return 0
        if ms <= 0:
            del self.items[name]
        else:
            self.items[name] = Item(item.value, now + ms)
        return 1


def integer(digits: bytes) -> int:
    """Read an argument as Redis reads a 64-bit integer.

    Raises:

        Refusal: It is none.
    """
    # Longer ones are out of range, and int() refuses thousands of digits.
    plain = digits[1:] if digits[:1] == b"-" else digits
    if plain.isdigit() and len(plain) <= 19 and (plain[:1] != b"0" or digits == b"0"):  # noqa: PLR2004 (2**63)
        number = int(digits)
        if -_LARGEST - 1 <= number <= _LARGEST:
            return number
    raise Refusal(NO_INTEGER)
