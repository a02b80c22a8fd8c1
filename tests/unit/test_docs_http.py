"""What docs/http.md says of the tests is so."""

import ast
import re
from pathlib import Path

import attrs
import pytest

from hybridcache.http import HTTPPolicy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/http.md").read_text("utf-8")

_TEST = re.compile(r"`(?P<module>test_\w+)::(?P<name>\w+)`")
_ROW = re.compile(r"^\|(?P<cells>.+)\|$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


def section(heading: str) -> str:
    """Return the text below a heading, up to the next one as high."""
    marks = heading.split(" ", 1)[0]
    below = PAGE.split(f"\n{heading}\n")[1]
    return re.split(rf"^{marks} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def rows(heading: str) -> list[list[str]]:
    """Return the cells of a section's tables, without their heads."""
    found = [
        [cell.strip() for cell in row["cells"].split(" | ")]
        for row in _ROW.finditer(section(heading))
    ]
    dashes = [at for at, cells in enumerate(found) if set("".join(cells)) <= {*"-|"}]
    heads = {*dashes, *(at - 1 for at in dashes)}
    return [cells for at, cells in enumerate(found) if at not in heads]


def functions(module: str) -> set[str]:
    """Name the functions of a module of tests, wherever it is."""
    return {
        node.name
        for path in ROOT.glob(f"tests/*/{module}.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("module", sorted({m["module"] for m in _TEST.finditer(PAGE)}))
def test_every_test_that_is_named_exists(module: str) -> None:
    """A test that the page names is a function of a module of that name."""
    named = {m["name"] for m in _TEST.finditer(PAGE) if m["module"] == module}

    assert set() == named - functions(module)


@pytest.mark.parametrize(
    "heading", ["## RFC by RFC", "## Attacks, and what stops them"]
)
def test_what_is_supported_is_tested(heading: str) -> None:
    """Each row of the tables names a test, or says no."""
    untested = [
        cells[0]
        for cells in rows(heading)
        if not cells[1].startswith("no:") and not _TEST.search(cells[-1])
    ]

    assert [] == untested


def test_every_section_that_asks_something_of_a_cache_is_there() -> None:
    """The table goes through the sections 2 to 5 of RFC 9111."""
    sections = "\n".join(cells[0] for cells in rows("### RFC 9111, HTTP caching"))
    wanted = ["2", *(f"3.{at}" for at in range(1, 6)), "4.1"]
    wanted += [f"4.2.{at}" for at in range(1, 5)]
    wanted += [f"4.3.{at}" for at in range(1, 6)]
    wanted += ["4.4", "5.1", "5.2", "5.2.3", "5.3", "5.4", "5.5"]

    missing = [one for one in wanted if f"\n{one} " not in f"\n{sections}"]

    assert [] == missing


def test_all_options_are_described() -> None:
    """The table of options has each field of the policy, with its default."""
    described = {
        name: cells[1]
        for cells in rows("## Options")
        for name in _CODE.findall(cells[0])
    }
    # by_url() sets it.
    fields = {field.name: field for field in attrs.fields(HTTPPolicy)}
    del fields["forced"]

    assert set(fields) == set(described)
    for name, field in fields.items():
        if field.default is None or isinstance(field.default, bool):
            assert str(field.default) == described[name]


def test_what_a_head_says_of_the_page_it_is_in() -> None:
    """A section ends where the next one as high begins."""
    assert "### RFC 9110" in section("## RFC by RFC")
    assert "## Limits" not in section("## RFC by RFC")
    assert "### RFC 9110" not in section("### RFC 9111, HTTP caching")
