"""Requests and responses for tests of HTTP caching, short to write."""

from email.utils import formatdate
from typing import Final

from hybridcache.core.http.admission import Terms, admit
from hybridcache.core.http.judgement import Freshened, Judgement, Keep
from hybridcache.core.http.making import finished
from hybridcache.core.http.message import Head, Headers, Request, Stored
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.receive import judge

NOW: Final = 1_800_000_000.0
SAFE: Final = HTTPPolicy.safe()
CONFORMANT: Final = HTTPPolicy.conformant()
PRIVATE: Final = HTTPPolicy.private()


def at(seconds: float) -> str:
    """Return the date that lies so many seconds after NOW."""
    return formatdate(NOW + seconds, usegmt=True)


def fields(*lines: str) -> Headers:
    """Return field lines written as ``name: value``."""
    split = (line.partition(":") for line in lines)
    return tuple(
        (name.encode("latin-1"), value.strip().encode("latin-1"))
        for name, _, value in split
    )


def get(*lines: str, method: str = "GET", target: str = "/") -> Request:
    """Return a request for ``http://example.com`` with these field lines."""
    return Request(method, "http", "example.com", target, fields(*lines))


def terms_of(request: Request, policy: HTTPPolicy = SAFE) -> Terms:
    """Return the terms of a request that is admitted."""
    admitted = admit(request, policy)
    assert isinstance(admitted, Terms)
    return admitted


def head(*lines: str, status: int = 200) -> Head:
    """Return a response head with these field lines."""
    return Head(status, fields(*lines), b"")


def judged(
    came: Head,
    request: Request | None = None,
    policy: HTTPPolicy = SAFE,
    *,
    stored: Stored | None = None,
    age: float = 0.0,
    received_at: float = NOW,
) -> Judgement:
    """Say what becomes of a response that came at once."""
    asked = get() if request is None else request
    return judge(
        asked,
        terms_of(asked, policy),
        policy,
        came,
        stored=stored,
        age=age,
        requested_at=received_at,
        received_at=received_at,
    )


def kept(
    *lines: str,
    body: bytes = b"0123456789",
    request: Request | None = None,
    policy: HTTPPolicy = SAFE,
    status: int = 200,
) -> Stored:
    """Return what is stored of a response with these field lines."""
    came = head(*lines, status=status)
    verdict = judged(came, request, policy)
    assert isinstance(verdict, Keep), verdict
    stored = finished(verdict.template, body, came)
    assert stored is not None
    return stored


def freshened(verdict: Judgement) -> Stored:
    """Return what a 304 made fresh."""
    assert isinstance(verdict, Freshened), verdict
    return verdict.stored
