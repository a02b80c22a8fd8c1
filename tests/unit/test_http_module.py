"""The public module of HTTP caching."""

import subprocess
import sys

import pytest

import hybridcache.http
from hybridcache.http import CacheAdapter, CacheTransport, HTTPPolicy

WITHOUT = """
import sys
for name in {names!r}:
    sys.modules[name] = None
import hybridcache.http
from hybridcache.http import HTTPPolicy, CacheMiddleware
try:
    from hybridcache.http import {face}
except ImportError as error:
    print(error)
"""


def test_faces_are_there() -> None:
    """A face is found by its name, and found again."""
    assert CacheTransport is hybridcache.http.CacheTransport
    assert "hybridcache.faces.http.requests_adapter" == CacheAdapter.__module__
    assert HTTPPolicy.private() == hybridcache.http.HTTPPolicy.private()


def test_its_names_are_listed() -> None:
    """What the module has is what it lists."""
    assert sorted(hybridcache.http.__all__) == dir(hybridcache.http)


def test_other_names_are_no_attributes() -> None:
    """A name that is not there is an AttributeError, as everywhere."""
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        hybridcache.http.Nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("face", "needs"),
    [
        ("CacheTransport", "httpx"),
        ("AsyncCacheTransport", "httpx"),
        ("CacheAdapter", "requests"),
    ],
)
def test_what_is_missing_is_named(face: str, needs: str) -> None:
    """Without its library a face says what to install; all else works."""
    code = WITHOUT.format(names=("httpx", "requests", "urllib3"), face=face)

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    missing = f"needs {needs}, which is not installed: pip install {needs}"
    assert f"hybridcache.http.{face} {missing}" == said.strip()


def test_nothing_is_imported_that_is_not_used() -> None:
    """The module alone imports no client and no server's face."""
    code = (
        "import sys, hybridcache.http\n"
        "print([name for name in sys.modules if name.partition('.')[0] in"
        " {'httpx', 'requests'} or 'faces.http.' in name])"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout

    assert "[]" == said.strip()
