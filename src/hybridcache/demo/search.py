"""The slow function: searches the source of the standard library for a word."""

import os
import re
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs

SKIPPED = {"__pycache__", "dist-packages", "site-packages"}
TOP = 5


@attrs.frozen
class Hit:
    """How often one module has the word."""

    module: str
    count: int


@attrs.frozen
class Found:
    """What a search found.

    Attributes:

        word: What was searched for, in lower case.

        count: How often it occurs as a whole word, in upper or lower case.

        files: How many files were read.

        top: The modules that have it most often.
    """

    word: str
    count: int
    files: int
    top: tuple[Hit, ...]


def search(word: str) -> Found:
    """Search every file for *word*, line by line, as grep does."""
    whole = re.compile(rf"\b{re.escape(word)}\b")
    library = Path(sysconfig.get_path("stdlib"))
    counts: Counter[str] = Counter()
    files = 0
    for path in _sources(library):
        files += 1
        count = 0
        text = path.read_text(encoding="utf-8", errors="replace")
        for cased in text.splitlines():
            line = cased.lower()
            if word in line:
                count += len(whole.findall(line))
        if count:
            module = path.relative_to(library).with_suffix("")
            counts[".".join(module.parts)] = count
    # By name where counts are equal: the same answer whatever order files come in.
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    top = tuple(Hit(module, count) for module, count in ranked[:TOP])
    return Found(word, counts.total(), files, top)


def _sources(library: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(library):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in names:
            if name.endswith(".py"):
                yield Path(folder, name)
