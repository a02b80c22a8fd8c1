"""Durations, sizes and rows as people read them: 80 columns, nothing unprintable."""

import textwrap
from collections.abc import Iterable
from typing import Final

WIDTH: Final = 80
_MARGIN: Final = 12
# A shorter duration is written in milliseconds.
_SHORT: Final = 0.1


def seconds(duration: float) -> str:
    """Write a duration with two or three digits, or all that are before the point."""
    if 0.0 < duration < _SHORT:
        ms = duration * 1000
        return f"{ms:.2g} ms" if ms < 10.0 else f"{ms:.0f} ms"  # noqa: PLR2004 (places)
    digits = 2 if duration < 10.0 else 1 if duration < 100.0 else 0  # noqa: PLR2004 (places)
    return f"{duration:.{digits}f}".removesuffix(".00") + " s"


def size(count: int) -> str:
    """Write a number of bytes."""
    return f"{count:,} byte{'' if count == 1 else 's'}"


def printable(text: str) -> str:
    """Escape what a terminal would not print but obey."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def page(rows: Iterable[tuple[str, str]]) -> str:
    """Lay out rows of a word and what there is to say of it; empty rows are left out.

    A row without a word goes on with the one before.
    """
    return "\n".join(
        textwrap.fill(
            printable(text),
            WIDTH,
            initial_indent=word.ljust(_MARGIN),
            subsequent_indent=" " * _MARGIN,
            break_on_hyphens=False,
        )
        for word, text in rows
        if text
    )
