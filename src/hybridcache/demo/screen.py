"""What is shown while it runs: a live table, or a line a second where none can be.

A row holds the calls of one act that no row had before: together they are all calls.
"""

import os
import sys
import textwrap
from collections import Counter
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from hybridcache.demo.board import Board
from hybridcache.demo.tally import ERRORS, TAGS

WIDTH = 78

# The calls by outcome, for each process.
Row: TypeAlias = list[Counter[str]]


class Screen(Protocol):
    """Where the demo says and shows what happens."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End, and leave the terminal as it was."""
        ...

    def say(self, text: str) -> None:
        """Print a paragraph that stays."""
        ...

    def show(self, act: str, seconds: float, row: Row, board: Board) -> None:
        """Show a row of *act*, *seconds* after the beginning."""
        ...


def screen() -> Screen:
    """Choose what the standard output can show."""
    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in {
        "dumb",
        "unknown",
    }:
        return LiveScreen()
    return PlainScreen()


def wrap(text: str, width: int = WIDTH) -> str:
    """Break lines at *width*; continue them under where they began."""
    lines: list[str] = []
    for line in text.splitlines():
        begin = len(line) - len(line.lstrip())
        indent = " " * begin
        lines += textwrap.wrap(line, width, subsequent_indent=indent) or [""]
    return "\n".join(lines)


class PlainScreen:
    """Lines of plain text: for files, pipes and dumb terminals."""

    def __init__(self) -> None:
        self._headed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pass

    def say(self, text: str) -> None:
        """Print a paragraph that stays."""
        print(wrap(text), flush=True)

    def show(self, act: str, seconds: float, row: Row, board: Board) -> None:  # noqa: ARG002 (a line has no room for totals)
        """Print it as a line."""
        columns = (*TAGS, ERRORS)
        if not self._headed:
            self._headed = True
            heads = "".join(f" {column}" for column in columns)
            print(f"\n{'calls since the row':<19}\n{'before, by outcome':<19}{heads}\n")
        together = sum(row, Counter[str]())
        cells = "".join(f"{together[column]:>{len(column) + 1},}" for column in columns)
        print(f"{seconds:3.0f} s {act:<13}{cells}", flush=True)


class LiveScreen:
    """A table that is drawn anew with every row."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._live = Live(
            console=self._console, auto_refresh=False, redirect_stderr=False
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # What was shown last is told in full by the account.
        self._live.update(Text(""), refresh=True)
        self._live.stop()

    def say(self, text: str) -> None:
        """Print a paragraph above the table."""
        width = min(WIDTH, self._console.width - 1)
        self._console.print(wrap(text, width))

    def show(self, act: str, seconds: float, row: Row, board: Board) -> None:
        """Draw the table."""
        total = board.total()
        table = Table(title=f"{act}, {seconds:.0f} s", title_justify="left")
        table.add_column("new calls")
        for number in range(board.processes):
            table.add_column(f"process {number + 1}", justify="right")
        table.add_column("together", justify="right", style="bold")
        table.add_column("so far", justify="right")
        for tag in TAGS:
            cells = [calls[tag] for calls in row]
            numbers = [*cells, sum(cells), total.of(tag).calls]
            table.add_row(
                tag, *(f"{number:,}" if number else "-" for number in numbers)
            )
        foot = (
            f"loads {total.loads:,}   requests to Redis {total.requests:,}"
            f"   errors {total.errors:,}"
        )
        self._live.update(Group(Text(""), table, Text(foot)), refresh=True)
