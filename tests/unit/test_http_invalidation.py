"""What an unsafe request makes invalid, and what a POST may leave for a GET."""

import pytest

from hybridcache.core.http.invalidation import invalidates, serves_later_get
from hybridcache.core.http.message import Request
from hybridcache.core.http.reference import resolve, without_dots
from tests.httpish import SAFE, fields, get, head


def targets(*lines: str, method: str = "POST", status: int = 200) -> list[str]:
    """Name the targets that a request to /a/b?c makes invalid."""
    request = get(method=method, target="/a/b?c")
    found = invalidates(request, head(*lines, status=status), SAFE)
    assert all("GET" == one.method for one in found)
    return [one.target for one in found]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "x"])
def test_an_unsafe_method_invalidates_its_target(method: str) -> None:
    """Unknown methods too (RFC 9111, section 4.4)."""
    assert ["/a/b?c"] == targets(method=method)
    assert ["/a/b?c"] == targets(method=method, status=303)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_safe_method_invalidates_nothing(method: str) -> None:
    """It changes nothing (RFC 9110, section 9.2.1)."""
    assert [] == targets("location: /x", method=method)


@pytest.mark.parametrize("status", [100, 400, 404, 500, 503])
def test_an_error_invalidates_nothing(status: int) -> None:
    """What failed changed nothing (RFC 9111, section 4.4)."""
    assert [] == targets("location: /x", status=status)


def test_location_and_content_location_are_invalid_too() -> None:
    """At the same origin (RFC 9111, section 4.4)."""
    found = targets(
        "Location: http://EXAMPLE.com:80/new#part",
        "Content-Location: ../other?q",
        "Location: http://example.org/theirs",
        "Location: https://example.com/secure",
        "Content-Location: //evil.example/x",
    )

    assert ["/a/b?c", "/new", "/other?q"] == found


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (b"", "/a/b?c"),
        (b"?d", "/a/b?d"),
        (b"c", "/a/c"),
        (b"./c/.", "/a/c/"),
        (b"../../../c", "/c"),
        (b"/c?", "/c?"),
        (b"http://example.com", "/"),
        (b"//example.com/a//b", "/a//b"),
        (b"/%2e%2e/x", "/%2e%2e/x"),
        (b"mailto:a@example.com", None),
        (b"http:/c", None),
        (b"http://user@example.com/", None),
        (b"http://example.com:8080/", None),
    ],
)
def test_references_are_resolved_and_stay_at_home(
    reference: bytes, expected: str | None
) -> None:
    """RFC 3986, section 5.2; nothing is decoded."""
    found = resolve(get(target="/a/b?c"), reference)

    assert expected == (None if found is None else found.target)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a/../b", "/b"), ("/a/.", "/a/"), ("/..", "/"), ("/a/...", "/a/...")],
)
def test_dot_segments_are_removed(path: str, expected: str) -> None:
    """RFC 3986, section 5.2.4."""
    assert expected == without_dots(path)


def posted(*lines: str, status: int = 200, method: str = "POST") -> Request | None:
    """Return the GET that the response to a POST may serve."""
    request = Request(
        method,
        "http",
        "example.com",
        "/a",
        fields("content-type: text/plain", "accept: x"),
        body=True,
    )
    return serves_later_get(request, head(*lines, status=status), SAFE)


def test_a_post_may_leave_a_response_for_a_get() -> None:
    """With explicit freshness, and its own URL for Content-Location (9110, 9.3.3)."""
    expected = Request("GET", "http", "example.com", "/a", fields("accept: x"))
    fresh = "cache-control: max-age=9"

    assert expected == posted(fresh, "content-location: /a")
    assert expected == posted(fresh, "content-location: http://example.com/a")
    assert posted(fresh) is None
    assert posted(fresh, "content-location: /b") is None
    assert posted("content-location: /a") is None
    assert posted("cache-control: max-age=0", "content-location: /a") is None
    assert posted(fresh, "content-location: /a", status=201) is None
    assert posted(fresh, "content-location: /a", method="PUT") is None
