"""What both colours do with a request: lay out its commands, read its replies."""

from collections.abc import Sequence
from typing import Final, TypeVar

from redis.exceptions import RedisError, ResponseError

from hybridcache.engine.protocol import (
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


def server_error(error: ResponseError | RedisError) -> ServerError:
    """Give an error that the server answered its code back."""
    code = getattr(error, "status_code", None)
    text = str(error)
    return ServerError(text if code is None else f"{code} {text}")


def lacks_script(replies: Sequence[object]) -> bool:
    """Whether the server does not know a script: it was restarted or flushed."""
    return any(
        isinstance(reply, ServerError) and reply.code == NOSCRIPT for reply in replies
    )


def read(request: Request[A], replies: Sequence[object]) -> A | Fault:
    """Read the replies, or say what is wrong with them."""
    for reply in replies:
        if isinstance(reply, ServerError) and reply.code != "WRONGTYPE":
            refused = request.writes and _is_refusal(reply)
            return Fault(Trouble.REFUSED if refused else Trouble.DOWN, reply.text)
    try:
        return request.parse(replies)
    except Garbled as error:
        return Fault(
            Trouble.REFUSED, f"a reply that {request.operation} cannot have: {error}"
        )


def _is_refusal(error: ServerError) -> bool:
    # An error inside a script comes as "ERR ..." with the code further on, from
    # Redis 7 on as the code itself.
    words = set(error.text.replace("-", " ").split())
    return error.code in REFUSALS or bool(words & REFUSALS) or error.code == "ERR"


def fault(error: BaseException) -> Fault:
    """Name an exchange that came to nothing."""
    return Fault(Trouble.DOWN, f"{type(error).__name__}: {error}")
