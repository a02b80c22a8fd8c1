"""How a command ends: exit codes for scripts, and one line for people."""

import re
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; the command's help and docs/operations.md list them."""

    OK = 0
    NO = 1
    USAGE = 2
    UNREACHABLE = 3
    FOREIGN = 4


class Ended(Exception):  # noqa: N818 (an end, told in one line, not always a mistake)
    """The command ends with this code and this line."""

    def __init__(self, code: Exit, line: str) -> None:
        super().__init__(code, line)
        self.code = code
        self.line = line


def without_secrets(text: str) -> str:
    """Take user and password out of whatever URL is in *text*."""
    # To the last @, for a password may hold one, and anything else.
    return re.sub(r"://.*@", "://***@", text, flags=re.DOTALL)
