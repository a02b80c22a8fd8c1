"""What both colours do with a request: lay out its commands, read its replies.

redis-py makes the connections and proves who we are. What then goes over them is
packed and read here, by hiredis: redis-py's own way costs more than all the rest of
a round trip (measured).
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import hiredis
from redis.exceptions import InvalidResponse, ReadOnlyError
from redis.exceptions import TimeoutError as TookTooLong

from hybridcache.engine.request import (
    Argument,
    Call,
    Command,
    Fault,
    Garbled,
    Request,
    ServerError,
    Trouble,
)

A = TypeVar("A")

NOSCRIPT: Final = "NOSCRIPT"
# Its stub has tuples of one member only.
_pack: Callable[[tuple[Argument, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]
# Bytes taken from a socket at once.
CHUNK: Final = 65536
# The server answers, and refuses this write: reads may go on (design, section 6).
# TRYAGAIN: the slot of a script's keys is moving to another primary right now.
REFUSALS: Final = frozenset(
    {"OOM", "READONLY", "NOPERM", "MISCONF", "NOREPLICAS", "TRYAGAIN"}
)


def laid_out(
    calls: Sequence[Command | Call], *, with_source: bool = False, asking: bool = False
) -> list[tuple[Argument, ...]]:
    """Return what to send: scripts by their SHA, or by their source.

    *asking*, each command is preceded by ASKING: the slot is moving to that node.
    """
    commands = [
        call.args if isinstance(call, Command) else _script(call, with_source)
        for call in calls
    ]
    if not asking:
        return commands
    return [part for command in commands for part in (("ASKING",), command)]


def _script(call: Call, with_source: bool) -> tuple[Argument, ...]:
    word, script = (
        ("EVAL", call.script.source) if with_source else ("EVALSHA", call.script.sha)
    )
    return (word, script, len(call.names), *call.names, *call.args)


def packed(commands: Sequence[tuple[Argument, ...]]) -> bytes:
    """Return *commands* as bytes to send."""
    return b"".join([_pack(command) for command in commands])


class Replies:
    """Reads replies out of what arrives on one connection.

    Bytes that no server sends raise InvalidResponse, which is a RedisError.
    """

    def __init__(self) -> None:
        self._reader = hiredis.Reader(
            protocolError=InvalidResponse,
            replyError=ServerError,  # type: ignore[arg-type]  # need not be raised
            notEnoughData=self,
        )

    @property
    def is_clear(self) -> bool:
        """Whether nothing is left that nobody asked for."""
        return not self._reader.has_data()

    def fed(self, data: bytes, replies: list[object], wanted: int) -> bool:
        """Move what *data* completes to *replies*; True once as many are there."""
        self._reader.feed(data)
        while len(replies) < wanted:
            try:
                reply = self._reader.gets()
            except TypeError as error:
                # A map or a set of what cannot be in one: none of our commands'.
                raise InvalidResponse(str(error)) from error
            if reply is self:
                return False
            replies.append(reply)
        return True


def check_primary(replies: Sequence[object]) -> None:
    """Have whoever the sentinels called the primary asked for anew if it is none.

    Raises:

        ReadOnlyError: It is a replica by now.
    """
    for reply in replies:
        if isinstance(reply, ServerError) and reply.code == "READONLY":
            raise ReadOnlyError(reply.text)


def lacks_script(replies: Sequence[object]) -> bool:
    """Whether the server does not know a script: it was restarted or flushed."""
    # A loop, for this is asked after every exchange and any() costs four times that.
    for reply in replies:
        if isinstance(reply, ServerError) and reply.code == NOSCRIPT:
            return True
    return False


def read(request: Request[A], replies: Sequence[object]) -> A | Fault:
    """Read the replies, or say what is wrong with them."""
    for reply in () if request.in_parts else replies:
        if isinstance(reply, ServerError) and reply.code != "WRONGTYPE":
            refused = request.writes and _is_refusal(reply)
            if refused and request.reads_anyway and isinstance(replies[-1], bytes):
                break
            trouble = Trouble.REFUSED if refused else Trouble.DOWN
            return Fault(trouble, _without_names(reply.text, request))
    try:
        return request.parse(replies)
    except Garbled as error:
        cause = f"a reply that {request.operation} cannot have: {error}"
        return Fault(Trouble.REFUSED, cause, unsure=True)


def _is_refusal(error: ServerError) -> bool:
    # An error inside a script comes as "ERR ..." with the code further on, from
    # Redis 7 on as the code itself.
    words = set(error.text.replace("-", " ").split())
    return error.code in REFUSALS or bool(words & REFUSALS) or error.code == "ERR"


def _without_names(text: str, request: Request[object]) -> str:
    """Return what a server says, but for the keys: a cause is logged."""
    text = _without_arguments(text)
    for call in request.calls():
        for name in (call.name,) if isinstance(call, Command) else call.names:
            if name:
                text = text.replace(name, "...")
    return text


def _without_arguments(text: str) -> str:
    # Of a command that it does not know, a server repeats the arguments: keys, values,
    # and a password where the command is HELLO.
    return text.partition(", with args beginning with")[0]


def fault(error: BaseException, timeout: float) -> Fault:
    """Name an exchange that came to nothing, or not within *timeout* seconds."""
    if isinstance(error, (TimeoutError, TookTooLong)):
        return Fault(Trouble.DOWN, f"TimeoutError: no answer within {timeout:g} s")
    said = _without_arguments(str(error))
    return Fault(Trouble.DOWN, f"{type(error).__name__}: {said}")
