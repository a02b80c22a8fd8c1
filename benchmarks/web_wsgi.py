"""WSGI applications to measure: one that only answers, and the same behind the cache.

Servers import them by name: ``benchmarks.web_wsgi:bare``, and so on.
"""

from collections.abc import Iterable
from typing import Any

from benchmarks.web import BODY, FIELDS, FIELDS_OF_A_HIT
from hybridcache import Cache, Memory
from hybridcache.http import WSGICacheMiddleware


def _as_text(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode(), value.decode()) for name, value in fields]


_FIELDS = _as_text(FIELDS)
_FIELDS_OF_A_HIT = _as_text(FIELDS_OF_A_HIT)


def bare(_environ: Any, start_response: Any) -> list[bytes]:
    """Answer with 1 KiB and the field lines of a hit."""
    start_response("200 OK", _FIELDS_OF_A_HIT[:])
    return [BODY]


def page(_environ: Any, start_response: Any) -> list[bytes]:
    """Answer with 1 KiB that may be kept."""
    start_response("200 OK", _FIELDS[:])
    return [BODY]


cached = WSGICacheMiddleware(page, cache=Cache(name="bench-wsgi", downstream=Memory()))
