"""What is sent from storage: whole, in part, or as a 304."""

import pytest

from hybridcache.core.http.answers import Answer, answer, gateway_timeout
from hybridcache.core.http.fields import joined, lines
from hybridcache.core.http.message import Stored
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.status import (
    cache_status,
    hit_status,
    with_status,
)
from tests.httpish import CONFORMANT, SAFE, at, fields, get, kept, terms_of

FRESH = "cache-control: max-age=100"
MODIFIED = at(-1000)


def answered(
    stored: Stored,
    *wanted: str,
    age: float = 5.9,
    method: str = "GET",
    policy: HTTPPolicy = SAFE,
) -> Answer:
    """Answer a request with these field lines."""
    request = get(*wanted, method=method)
    terms = terms_of(request, policy)
    return answer(stored, request, terms, age, b"hybridcache; hit", policy)


def test_a_stored_response_is_sent_as_it_came() -> None:
    """With Age in whole seconds, Cache-Status and a length at its end."""
    stored = kept("Date: " + at(0), "Cache-Control: max-age=100", "X: 1", "x: 2")

    assert Answer(
        200,
        (
            *fields("Date: " + at(0), "Cache-Control: max-age=100", "X: 1", "x: 2"),
            *fields("content-length: 10", "age: 5", "cache-status: hybridcache; hit"),
        ),
        b"0123456789",
    ) == answered(stored)


def test_age_is_never_negative() -> None:
    """RFC 9111, section 5.1."""
    assert b"0" == joined(answered(kept(FRESH), age=-3.0).headers, b"age")


def test_head_has_the_length_and_no_body() -> None:
    """RFC 9110, section 9.3.2."""
    found = answered(kept(FRESH), method="HEAD")

    assert (200, b"") == (found.status, found.body)
    assert b"10" == joined(found.headers, b"content-length")


@pytest.mark.parametrize(
    ("tag", "asked"),
    [
        ('"a"', '"a"'),
        ('"a"', 'W/"a"'),
        ('W/"a"', '"a"'),
        ('"a"', '"x", "a", "y"'),
        ('"a"', "*"),
    ],
)
def test_a_matching_tag_makes_it_a_304(tag: str, asked: str) -> None:
    """Weak comparison, lists and ``*`` (RFC 9110, section 13.1.2)."""
    found = answered(kept(FRESH, f"etag: {tag}"), f"if-none-match: {asked}")

    assert (304, b"") == (found.status, found.body)


def test_another_tag_makes_it_a_200() -> None:
    """And If-Modified-Since is not asked then (RFC 9110, section 13.1.3)."""
    stored = kept(FRESH, 'etag: "a"', f"last-modified: {MODIFIED}")

    found = answered(stored, 'if-none-match: "b"', f"if-modified-since: {at(0)}")

    assert 200 == found.status


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (at(-1000), 304),
        (at(-999), 304),
        (at(-1001), 200),
        ("yesterday", 200),
        (f"{at(-1)}, {at(-1)}", 200),
    ],
)
def test_if_modified_since_is_compared_with_last_modified(
    since: str, status: int
) -> None:
    """RFC 9111, section 4.3.2."""
    stored = kept(FRESH, f"last-modified: {MODIFIED}")

    assert status == answered(stored, f"if-modified-since: {since}").status


def test_without_last_modified_date_counts() -> None:
    """RFC 9111, section 4.3.2."""
    stored = kept(FRESH, f"date: {at(-50)}")

    assert 304 == answered(stored, f"if-modified-since: {at(-50)}").status
    assert 200 == answered(stored, f"if-modified-since: {at(-51)}").status


def test_what_is_no_success_is_never_a_304() -> None:
    """RFC 9110, section 13.2.1."""
    stored = kept(FRESH, 'etag: "a"', status=404)

    assert 404 == answered(stored, "if-none-match: *").status
    assert 404 == answered(stored, f"if-modified-since: {at(0)}").status


def test_a_304_carries_what_it_must() -> None:
    """RFC 9110, section 15.4.5, and nothing of the content."""
    names = ["Cache-Control: max-age=9", f"Date: {at(0)}", "Content-Location: /x"]
    names += ['ETag: "a"', f"Expires: {at(9)}", "Vary: accept"]
    stored = kept(*names, "Content-Type: text/plain", "X-Other: 1")

    found = answered(stored, 'if-none-match: "a"')

    end = fields("age: 5", "cache-status: hybridcache; hit")
    assert (*fields(*names), *end) == found.headers


def test_a_304_carries_the_targeted_field_too() -> None:
    """A cache beyond this one may be its target."""
    policy = CONFORMANT.evolve(targets=("CDN-Cache-Control",))
    stored = kept("CDN-Cache-Control: max-age=9", 'etag: "a"', policy=policy)

    found = answered(stored, 'if-none-match: "a"', policy=policy)

    assert b"max-age=9" == joined(found.headers, b"cdn-cache-control")


@pytest.mark.parametrize(
    ("asked", "body", "where"),
    [
        ("bytes=0-1", b"01", b"bytes 0-1/10"),
        ("bytes=8-", b"89", b"bytes 8-9/10"),
        ("bytes=-3", b"789", b"bytes 7-9/10"),
        ("bytes=5-99", b"56789", b"bytes 5-9/10"),
    ],
)
def test_a_range_is_cut_from_the_whole(asked: str, body: bytes, where: bytes) -> None:
    """RFC 9110, section 14.2."""
    found = answered(kept(FRESH), f"range: {asked}")

    assert (206, body) == (found.status, found.body)
    assert where == joined(found.headers, b"content-range")
    assert (b"%d" % len(body),) == lines(found.headers, b"content-length")


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "lines=1-2", "bytes=x", "bytes=5-1"]
)
def test_a_range_that_is_not_one_is_ignored(asked: str) -> None:
    """All of it is always right (RFC 9110, section 14.2)."""
    assert 200 == answered(kept(FRESH), f"range: {asked}").status


def test_a_range_past_the_end_is_refused() -> None:
    """With the length that there is (RFC 9110, section 15.5.17)."""
    found = answered(kept(FRESH), "range: bytes=10-")

    assert (416, b"") == (found.status, found.body)
    assert b"bytes */10" == joined(found.headers, b"content-range")
    assert b"0" == joined(found.headers, b"content-length")


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"a"', 206), ('"b"', 200), ('W/"a"', 200), (at(-1000), 200)],
)
def test_if_range_wants_the_same_strong_tag(condition: str, status: int) -> None:
    """RFC 9110, section 13.1.5."""
    stored = kept(FRESH, 'etag: "a"', f"last-modified: {MODIFIED}")

    found = answered(stored, "range: bytes=0-1", f"if-range: {condition}")

    assert status == found.status


def test_a_condition_comes_before_a_range() -> None:
    """RFC 9110, section 13.2.2."""
    stored = kept(FRESH, 'etag: "a"')

    found = answered(stored, "range: bytes=0-1", 'if-none-match: "a"')

    assert 304 == found.status


def test_only_a_get_of_a_200_has_ranges() -> None:
    """RFC 9110, section 14.2."""
    assert 200 == answered(kept(FRESH), "range: bytes=0-1", method="HEAD").status
    assert 404 == answered(kept(FRESH, status=404), "range: bytes=0-1").status


def test_a_204_has_neither_content_nor_length() -> None:
    """RFC 9110, section 8.6."""
    stored = kept(FRESH, "content-length: 0", status=204, body=b"")

    assert () == lines(answered(stored).headers, b"content-length")


def test_nothing_cached_is_a_504() -> None:
    """RFC 9111, section 5.2.1.7."""
    found = gateway_timeout(b"hybridcache; fwd=miss")

    assert 504 == found.status
    assert b"hybridcache; fwd=miss" == joined(found.headers, b"cache-status")


def test_cache_status_says_what_happened() -> None:
    """RFC 9211."""
    assert b"hybridcache; hit; ttl=94" == hit_status(94.9)
    assert b"hybridcache; hit; ttl=-1" == hit_status(-0.5)
    assert b"hybridcache; fwd=method" == cache_status("method")
    assert b"hybridcache; fwd=uri-miss; fwd-status=200; stored" == cache_status(
        "uri-miss", status=200, stored=True
    )
    assert (
        b'hybridcache; fwd=stale; collapsed; key="a\\"b?"; detail=why'
    ) == cache_status("stale", collapsed=True, key='a"b\n', detail="why")


def test_cache_status_comes_after_those_nearer_the_origin() -> None:
    """RFC 9211, section 2."""
    headers = with_status(fields("Cache-Status: a; hit", "x: y"), b"hybridcache; hit")

    assert b"a; hit, hybridcache; hit" == joined(headers, b"cache-status")
