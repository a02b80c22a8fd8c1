"""Messages, records and replies under hostile bytes."""

import re
import struct
from random import Random
from typing import Any, Final

from redis.exceptions import InvalidResponse

from hybridcache.adapters.upstream.replies import Replies, read
from hybridcache.core import blob
from hybridcache.core.errors import Undecodable
from hybridcache.engine import messages, records
from hybridcache.engine.entry_requests import Found, Lost, Read, Write, Written
from hybridcache.engine.lease_requests import (
    Acquire,
    Granted,
    Held,
    HeldOff,
    Mode,
    Record,
)
from hybridcache.engine.messages import Kind, Message
from hybridcache.engine.names import channel_of, names_of
from hybridcache.engine.request import Fault, Request
from soak.entries import SHAPES, laid_out

TOKEN: Final = "0123456789abcdef"
FINGERPRINT: Final = bytes(range(8))
STAMP: Final = bytes(range(8, 16))


class Messages:
    """What may arrive on a channel."""

    name = "message"

    def seeds(self) -> dict[str, bytes]:
        """Give one good message of each kind, and one with a key beyond ASCII."""
        found = {
            f"{kind.name.lower()}-good": messages.encode(
                Message(kind, TOKEN, TOKEN[::-1], "items:7")
            )
            for kind in Kind
        }
        wide = Message(Kind.SETTLED, TOKEN, TOKEN, "\u20ac{}\0\U0001f600")
        return found | {"wide-good": messages.encode(wide)}

    def learn(self, data: bytes) -> None:
        """Nothing is to be learnt."""

    def forge(self, _: Random, __: str, ___: bytes) -> bytes | None:
        """There is nothing that forging could make right."""
        return None

    def check(self, stem: str, data: bytes, *, forged: bool) -> bool:  # noqa: ARG002 (one form for all)
        """Parse; True if it was a message, which then encodes to the same bytes."""
        message = messages.parse(data)
        assert (message is not None) == _is_message(data), "misjudged"
        assert message is None or messages.encode(message) == data, "misread"
        return message is not None


def _is_message(data: bytes) -> bool:
    try:
        data[33:].decode()
    except UnicodeDecodeError:
        return False
    head = data[:33]
    return len(head) == 33 and head[:1] in (b"S", b"I", b"C", b"E") and head.isascii()


class Records:
    """What may lie under a record's name."""

    name = "record"

    def seeds(self) -> dict[str, bytes]:
        """Give a value and a failure."""
        return {
            "value-good": records.of_value(STAMP, b"\x07", FINGERPRINT),
            "failure-good": records.of_failure(STAMP, KeyError("h\u00e9")),
        }

    def learn(self, data: bytes) -> None:
        """Nothing is to be learnt."""

    def forge(self, random: Random, _: str, data: bytes) -> bytes | None:
        """Make kind and fingerprint right again, now and then."""
        if random.random() < 0.5:
            return None
        return b"V" + STAMP + FINGERPRINT + data[17:]

    def check(self, stem: str, data: bytes, *, forged: bool) -> bool:  # noqa: ARG002 (one form for all)
        """Parse; True if it was a record."""
        try:
            record = records.parse(data, FINGERPRINT)
        except Undecodable:
            assert data[:1] != b"F" or len(data) < 9, "a failure was refused"
            assert data[:1] != b"V" or data[9:17] != FINGERPRINT, "a value was refused"
            return False
        assert data[1:9] == record.stamp, "misread"
        if isinstance(record, records.Value):
            assert data == b"V" + record.stamp + FINGERPRINT + record.body, "misread"
        else:
            kind, _, text = data[9:].partition(b"\0")
            told = record.kind, record.message
            assert told == (
                kind.decode(errors="replace"),
                text.decode(errors="replace"),
            )
            assert data[:1] == b"F", "misjudged"
        return True


_NAMES = names_of("fuzz:", "k")
_CHANNEL = channel_of("fuzz:", TOKEN)
# What is asked, and how many replies it has.
REQUESTS: Final[dict[str, tuple[Request[Any], int]]] = {
    "acquire": (Acquire(_NAMES, TOKEN, mode=Mode.LOAD), 1),
    "write": (Write(_NAMES, TOKEN, _CHANNEL, 1.0, b""), 1),
    "read": (Read(_NAMES), 2),
    "marked": (Read(_NAMES, marker="m", header_only=True), 3),
}
# Announced without limit, for which hiredis reserves memory before anything arrives:
# a server that would do so is beyond what a client can be protected from.
_LARGE: Final = re.compile(rb"[*~%>|]\d{5,}")
_WORDS: Final = (
    *(b"granted", b"entry", b"held", b"held-off", b"failed", b"result"),
    *(b"stored", b"lost", b"", b"1700000000", b"-1", TOKEN.encode(), b"9" * 30),
)


class Claims:
    """What a server may answer, as bytes of its protocol, to the scripts' callers."""

    name = "claim"

    def seeds(self) -> dict[str, bytes]:
        """Give each form that the scripts answer with."""
        entry = laid_out(SHAPES["int"], SHAPES["int"].encode(7))
        time = [b"1700000000", b"999999"]
        granted: dict[str, list[object]] = {
            "acquire-good-granted": [[b"granted"]],
            "acquire-good-entry": [[b"entry", *time, entry]],
            "acquire-good-held": [[b"held", TOKEN.encode(), 2999]],
            "acquire-good-off": [[b"held-off", 12]],
            "acquire-good-failed": [[b"failed", 12, b"F" + STAMP + b"KeyError\x00k"]],
            "acquire-good-result": [[b"result", b"V" + STAMP + FINGERPRINT]],
            "write-good-stored": [[b"stored", 1_700_000_000_000_000, 5]],
            "write-good-lost": [[b"lost"]],
            "read-good-found": [entry, time],
            "read-good-none": [None, time],
            "marked-good-found": [entry, time, TOKEN.encode()],
        }
        texts = {
            "read-good-type": b"-WRONGTYPE no\r\n" + packed(time),
            "acquire-error": b"-OOM no\r\n",
        }
        made = {
            stem: b"".join(packed(reply) for reply in replies)
            for stem, replies in granted.items()
        }
        return made | texts

    def learn(self, data: bytes) -> None:
        """Nothing is to be learnt."""

    def forge(self, random: Random, stem: str, _: bytes) -> bytes | None:
        """Nest replies of words and numbers that occur, at random."""
        if random.random() < 0.5:
            return None
        count = REQUESTS[stem.partition("-")[0]][1]
        return b"".join(packed(_nested(random, 0)) for _ in range(count))

    def check(self, stem: str, data: bytes, *, forged: bool) -> bool:  # noqa: ARG002 (one form for all)
        """Read replies and parse them; True if they were what the request may have."""
        request, wanted = REQUESTS[stem.partition("-")[0]]
        if _LARGE.search(data):
            return False
        replies: list[object] = []
        try:
            if not Replies().fed(data, replies, wanted):
                return False
        except InvalidResponse:
            return False
        answer = read(request, replies)
        if isinstance(answer, Fault):
            return False
        assert _told(answer, replies), f"{answer!r} out of {replies!r}"
        return True


def packed(reply: object) -> bytes:
    """Lay a reply out as Redis does."""
    match reply:
        case None:
            return b"$-1\r\n"
        case int():
            return b":%d\r\n" % reply
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(reply), reply)
        case list():
            return b"*%d\r\n" % len(reply) + b"".join(map(packed, reply))
        case _:
            raise TypeError(reply)


def _nested(random: Random, depth: int) -> object:
    draw = random.random()
    if draw < 0.35 and depth < 4:
        return [_nested(random, depth + 1) for _ in range(int(random.random() * 5))]
    if draw < 0.55:
        return int(random.choice((0, 1, -1, 1000, 2**31, 2**63 - 1, -(2**63))))
    return None if draw < 0.6 else random.choice(_WORDS)


def _told(answer: object, replies: list[object]) -> bool:
    """Whether *answer* says what the replies say, in numbers that can be used."""
    match answer, replies:
        case Granted(), [[b"granted"]]:
            return True
        case Held(token, left), [[b"held", bytes(holder), int(ms)]]:
            return token.encode("latin-1") == holder and left == ms / 1000
        case HeldOff(left), [[b"held-off", int(ms)]]:
            return left == ms / 1000
        case Record(data, float(left)), [[b"failed", int(ms), bytes(said)]]:
            return data == said and left == ms / 1000
        case Record(data, None), [[b"result", bytes(said)]]:
            return data == said
        case Lost(), [[b"lost"]]:
            return True
        case Written(version, instant), [[b"stored", *numbers]]:
            identity = blob.identity_of("n", version=version, instant_us=instant)
            return numbers == list(struct.unpack(">QQ", identity[12:]))
        case Found(now_us=now), [[b"entry", seconds, micros, bytes(said)]]:
            return answer.blob == said and now == _us(seconds, micros)
        case Found(now_us=now, marker=marker), [value, [seconds, micros], *rest]:
            good = answer.blob == value or not (value and isinstance(value, bytes))
            return good and now == _us(seconds, micros) and [marker] == (rest or [None])
        case _:
            return False


def _us(seconds: Any, micros: Any) -> int:
    return int(seconds) * 1_000_000 + int(micros)
