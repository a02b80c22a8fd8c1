"""How a command ends: exit codes for scripts, and one line for people."""

import os
import re
import sys
from contextlib import suppress
from enum import IntEnum

from hybridcache.core.readable import printable


class Exit(IntEnum):
    """Exit codes; the command's help and docs/operations.md list them."""

    OK = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    FOREIGN = 4
    UNWRITTEN = 5


class Ended(Exception):  # noqa: N818 (an end, told in one line, not always a mistake)
    """The command ends with this code and this line."""

    def __init__(self, code: Exit, line: str) -> None:
        super().__init__(code, line)
        self.code = code
        self.line = line


def without_secrets(text: str) -> str:
    """Take user and password out of whatever URL is in *text*."""
    # To the last @, for a password may hold one, and anything else.
    text = re.sub(r"://.*@", "://***@", text, flags=re.DOTALL)
    return re.sub(r"([?&](?:password|username)=)[^&#]*", r"\1***", text)


def tell(text: str) -> None:
    """Print the answer. Where nobody reads it any more, that is no error.

    Raises:

        Ended: It could not be written, to a full disk for one.
    """
    try:
        print(text)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _fall_silent()
    except OSError as error:
        _fall_silent()
        line = f"the answer could not be written: {error.strerror}"
        raise Ended(Exit.UNWRITTEN, line) from None


def tell_aside(line: str) -> None:
    """Print a line for people; a reader that has gone misses it."""
    with suppress(OSError):
        print(f"hybridcache: {printable(line)}", file=sys.stderr, flush=True)


def _fall_silent() -> None:
    """Have the interpreter's own last flush go nowhere: it would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
