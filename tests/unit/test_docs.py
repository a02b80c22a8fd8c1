"""The pages' code, run as it stands: a page's blocks share one namespace.

A block that needs what a test has not (a Redis, a web framework) is marked as
``python no-run``.
"""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("README.md")])

_BLOCK = re.compile(
    r"^```(?P<info>[^\n`]*)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)
_LINK = re.compile(r"\]\((?P<target>[^)#\s:]+)(?:#[^)]*)?\)")


def _blocks(text: str) -> list[str]:
    """Give the code of every block that runs, at the line where it stands."""
    return [
        "\n" * text.count("\n", 0, found.start("code")) + found["code"]
        for found in _BLOCK.finditer(text)
        if found["info"].strip() == "python"
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block of a page runs after those before it, and its asserts hold."""
    module = ModuleType(f"page_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    for code in _blocks(page.read_text(encoding="utf-8")):
        exec(compile(code, page, "exec"), module.__dict__)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there."""
    links = [found["target"] for found in _LINK.finditer(page.read_text("utf-8"))]

    assert [] == [link for link in links if not (page.parent / link).exists()]


def test_only_marked_blocks_are_left_out() -> None:
    """A block runs unless its fence says otherwise; its lines keep their numbers."""
    text = "a\n```python\nb\n```\n```python no-run\nc\n```\n```text\nd\n```\n"

    assert ["\n\nb\n"] == _blocks(text)
