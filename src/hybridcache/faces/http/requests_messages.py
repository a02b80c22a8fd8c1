"""requests' requests and responses as the cache knows them, and back."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from hybridcache.core.http.message import Field, Head, Headers, Request
from hybridcache.core.http.status import Served
from hybridcache.faces.http.outgoing import request_to


def asked_of(request: requests.PreparedRequest) -> Request:
    """Return what the cache must know of a request."""
    parts = urlsplit(request.url or "")
    netloc = parts.netloc.rpartition("@")[2]
    return request_to(
        request.method or "",
        parts.scheme,
        netloc.encode("latin-1", "backslashreplace"),
        request.path_url.encode("latin-1", "backslashreplace"),
        _sent(request),
        content=request.body not in (None, b"", ""),
    )


def _sent(request: requests.PreparedRequest) -> Iterator[Field]:
    for name, value in request.headers.items():
        yield _octets(name), _octets(value)


def _octets(text: str | bytes) -> bytes:
    # What is not of Latin-1 is refused where it is sent, with an error of its own.
    return text if isinstance(text, bytes) else text.encode("latin-1", "replace")


def with_fields(
    request: requests.PreparedRequest, headers: Headers
) -> requests.PreparedRequest:
    """Return the same request with those fields."""
    made = request.copy()
    made.headers = CaseInsensitiveDict(
        {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    )
    return made


def head_of(response: requests.Response) -> Head:
    """Return the head of a response, each field line of its own."""
    headers = tuple(
        [(_octets(name), _octets(value)) for name, value in _lines(response)]
    )
    return Head(response.status_code, headers, _octets(response.reason or ""))


def _lines(response: requests.Response) -> Iterator[tuple[str, str]]:
    raw = response.raw
    if isinstance(raw, urllib3.BaseHTTPResponse):
        yield from raw.headers.iteritems()
    else:
        # Of an adapter that makes no HTTP of it.
        yield from response.headers.items()


def labelled(response: requests.Response, head: Head) -> requests.Response:
    """Have a response that is passed on as it is tell of the cache in its fields."""
    headers = urllib3.HTTPHeaderDict()
    for name, value in head.headers:
        headers.add(name.decode("latin-1"), value.decode("latin-1"))
    response.headers = CaseInsensitiveDict(headers)
    if isinstance(response.raw, urllib3.BaseHTTPResponse):
        response.raw.headers = headers
    return response


def marked(response: requests.Response, served: Served) -> requests.Response:
    """Have a response say what the cache did."""
    response.hybridcache = served  # type: ignore[attr-defined]  # documented as such
    return response
