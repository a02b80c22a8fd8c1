"""Attacks on a shared cache, and that the default policy stops each of them."""

import pytest

from hybridcache.core.http.admission import Bypass, admit
from hybridcache.core.http.answers import answer
from hybridcache.core.http.decision import (
    Hit,
    Miss,
    Revalidate,
    decide,
    may_serve_on_error,
)
from hybridcache.core.http.fields import lines
from hybridcache.core.http.invalidation import invalidates
from hybridcache.core.http.judgement import Again, Freshened, Keep, Pass, ServeOnce
from hybridcache.core.http.key import primary_key
from hybridcache.core.http.making import finished
from hybridcache.core.http.message import Head, Request, Stored
from hybridcache.core.http.policy import HTTPPolicy, cookies
from hybridcache.core.http.status import cache_status
from tests.httpish import CONFORMANT, SAFE, fields, get, head, judged, kept, terms_of

FRESH = "cache-control: max-age=100"
TAG = 'etag: "a"'


def served(stored: Stored, *lines_: str) -> bool:
    """Whether a request with these lines is answered from *stored* at once."""
    request = get(*lines_)
    return isinstance(decide(request, terms_of(request), stored, 0.0, SAFE), Hit)


def test_one_users_page_for_another_by_credentials() -> None:
    """What answers Authorization is not stored; what is stored does not answer it."""
    assert Pass("authorization") == judged(head(FRESH), get("authorization: a"))
    assert not served(kept(FRESH), "authorization: b")


def test_one_users_session_for_another_by_set_cookie() -> None:
    """A response that sets a cookie is not stored, in whatever case it is named."""
    for name in ("set-cookie", "Set-Cookie", "SET-COOKIE"):
        assert Pass("set-cookie", lasting=True) == judged(
            head(FRESH, f"{name}: session=1")
        )


def test_one_users_session_for_another_by_the_set_cookie_of_a_304() -> None:
    """It reaches the one who asked, and is not stored."""
    old = kept(FRESH, TAG)

    found = judged(head(TAG, "set-cookie: session=1", status=304), stored=old)

    assert isinstance(found, ServeOnce)
    assert (b"session=1",) == lines(found.stored.headers, b"set-cookie")


def test_one_users_page_for_another_as_the_application_forgot_vary() -> None:
    """What says nothing is never stored by default, nor by a default lifetime."""
    assert isinstance(judged(head()), Pass)
    lasting = HTTPPolicy(fresh_for=60)
    assert isinstance(judged(head(), get("cookie: session=1"), lasting), Pass)
    assert isinstance(judged(head(), get("authorization: x"), lasting), Pass)
    assert isinstance(judged(head("set-cookie: a=b"), get(), lasting), Pass)


def test_one_users_page_for_another_as_the_policy_likes_stale() -> None:
    """A page that says nothing is never served stale by a policy's defaults."""
    policy = HTTPPolicy.conformant(stale_while_revalidate=60, stale_if_error=60)
    stored = kept(TAG, request=get("cookie: session=1"), policy=policy)
    request = get("cookie: session=2", "cache-control: max-stale")
    terms = terms_of(request, policy)

    assert isinstance(decide(request, terms, stored, 1.0, policy), Revalidate)
    assert not may_serve_on_error(terms, stored, 1.0, policy)


def test_one_users_page_for_another_despite_vary_cookie() -> None:
    """The whole of Cookie selects (GHSA-3h9f-r86x-qvjx)."""
    stored = kept(FRESH, "vary: Cookie", request=get("cookie: session=1"))

    assert served(stored, "cookie: session=1")
    for other in ("cookie: session=2", "cookie: session=1; a=b", "cookie: SESSION=1"):
        assert not served(stored, other)
    assert not served(stored)


def test_sessions_may_be_kept_off_the_cache() -> None:
    """bypass_if=cookies(...)."""
    policy = HTTPPolicy(bypass_if=cookies("sessionid"))

    assert Bypass("bypass") == admit(get("cookie: a=b; sessionid=1"), policy)


@pytest.mark.parametrize("vary", ["*", "accept, *", "*, accept", " * "])
def test_vary_star_cached(vary: str) -> None:
    """No request ever matches it (CVE-2026-6907, CVE-2014-1418)."""
    for policy in (SAFE, CONFORMANT):
        assert isinstance(judged(head(FRESH, f"vary: {vary}"), policy=policy), Pass)


def test_absent_taken_for_empty() -> None:
    """Two variants (CVE-2026-113593)."""
    assert not served(kept(FRESH, "vary: foo", request=get("foo: ")))
    assert not served(kept(FRESH, "vary: foo"), "foo: ")


@pytest.mark.parametrize(
    "name",
    [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-original-url",
        "x-rewrite-url",
        "x_http_method_override",
    ],
)
def test_fields_outside_the_key_that_make_it_another_request(name: str) -> None:
    """Such a request goes past the cache."""
    assert Bypass("bypass") == admit(get(f"{name}: DELETE"), SAFE)


def test_fields_outside_the_key_may_be_put_into_it() -> None:
    """X-Forwarded-Host, or a flag of a framework (CVE-2026-44572)."""
    policy = HTTPPolicy(key_headers=("x-nextjs-data",))

    assert primary_key(get("x-nextjs-data: 1"), policy) != primary_key(get(), policy)


def test_a_poisoned_host() -> None:
    """It is in the key; without one, the cache is not used."""
    poisoned = Request("GET", "http", "evil.example", "/")

    assert primary_key(poisoned, SAFE) != primary_key(get(), SAFE)
    assert Bypass("bypass") == admit(Request("GET", "http", "", "/"), SAFE)
    assert Bypass("bypass") == admit(poisoned, HTTPPolicy(hosts=("example.com",)))


def test_cache_key_confusion() -> None:
    """An encoded question mark is none, and Host cannot reach into the path."""
    pairs = [
        (get(target="/a%3Fb"), get(target="/a?b")),
        (get(target="/a/../b"), get(target="/b")),
        (Request("GET", "http", "a", "/b/c"), Request("GET", "http", "a/b", "/c")),
        (get(target="/a%00"), get(target="/a")),
    ]

    for one, other in pairs:
        assert primary_key(one, SAFE) != primary_key(other, SAFE)
    assert Bypass("bypass") == admit(get(target="http://evil.example/"), SAFE)


def test_web_cache_deception() -> None:
    """Nothing is stored for how its path or its type looks."""
    request = get("cookie: session=1", target="/me/x.css")
    old = "last-modified: Wed, 01 Jan 2020 00:00:00 GMT"

    assert isinstance(judged(head("content-type: text/css"), request), Pass)
    found = judged(head("content-type: text/css", old), request)
    assert isinstance(found, Keep)
    assert 0.0 == found.template.lifetime


@pytest.mark.parametrize("status", [204, 400, 404, 405, 413, 414, 431, 500, 503])
def test_a_poisoned_error_page(status: int) -> None:
    """No error is stored that does not say so (CVE-2024-46982, CVE-2025-49826)."""
    assert isinstance(judged(head(status=status)), Pass)
    assert isinstance(
        judged(head(status=status), policy=HTTPPolicy(fresh_for=60)), Pass
    )


def test_a_bodiless_response_as_the_page() -> None:
    """Neither a 304 nor a 206 is ever stored as the whole."""
    for status in (304, 206, 103):
        assert isinstance(judged(head(FRESH, status=status)), Pass)


@pytest.mark.parametrize(
    "lines_", [["content-length: 5"], ["transfer-encoding: chunked"]]
)
def test_a_fat_get(lines_: list[str]) -> None:
    """A GET with content goes past the cache."""
    assert Bypass("bypass") == admit(get(*lines_), SAFE)
    assert Bypass("bypass") == admit(
        Request("GET", "http", "a", "/", (), body=True), SAFE
    )


@pytest.mark.parametrize(
    "line", ["cache-control: no-cache", "cache-control: max-age=0", "pragma: no-cache"]
)
def test_a_client_that_forces_misses(line: str) -> None:
    """A server's cache does not obey it."""
    assert served(kept(FRESH), line)


def test_an_explosion_of_variants_and_keys() -> None:
    """Vary's names are bounded, and so is the length of a key."""
    many = ", ".join(f"x-{i}" for i in range(9))

    assert Pass("vary too long", lasting=True) == judged(head(FRESH, f"vary: {many}"))
    assert primary_key(get(target="/" + "?" * 8192), SAFE) is None


def test_a_huge_body() -> None:
    """Content-Length is enough to give it up."""
    assert isinstance(judged(head(FRESH, f"content-length: {10**12}")), Pass)
    assert isinstance(judged(head(FRESH, "content-length: " + "9" * 5000)), Pass)


def test_a_truncated_body() -> None:
    """What is shorter than Content-Length is not stored."""
    came = head(FRESH, "content-length: 100")
    verdict = judged(came)
    assert isinstance(verdict, Keep)

    assert finished(verdict.template, b"half", came) is None


@pytest.mark.parametrize(
    "field",
    [
        (b"x", b"a\r\nset-cookie: b=c"),
        (b"x", b"a\nb"),
        (b"x", b"a\0"),
        (b"x\r\ny", b"a"),
        (b"x y", b"a"),
        (b"", b"a"),
    ],
)
def test_response_splitting(field: tuple[bytes, bytes]) -> None:
    """Neither name nor value may end a line, of a response or of a 304."""
    came = Head(200, (*fields(FRESH), field))
    assert Pass("unsafe field", lasting=True) == judged(came)

    again = Head(304, (*fields(TAG), field))
    assert Again() == judged(again, stored=kept(FRESH, TAG))


def test_a_leak_of_the_key() -> None:
    """Cache-Status has it only where it is asked for, and it cannot end a line."""
    assert b"key" not in cache_status("uri-miss", status=200, stored=True)
    assert b"\n" not in cache_status("miss", key="a\r\nb", detail="a\r\nb")


def test_a_foreign_origin_drops_nothing_here() -> None:
    """Location at another origin invalidates nothing (RFC 9111, section 4.4)."""
    request = get(method="POST")
    found = invalidates(request, head("location: https://example.com/x"), SAFE)

    assert ["/"] == [one.target for one in found]


def test_a_collapsing_leak() -> None:
    """A follower gets only what would have been served to its own request."""
    leaders = kept(FRESH, "vary: accept-language", request=get("accept-language: de"))

    assert not served(leaders, "accept-language: en")
    assert not served(leaders, "accept-language: de", "authorization: x")
    request = get("accept-language: en")
    assert Miss("vary-miss") == decide(request, terms_of(request), leaders, 0.0, SAFE)


def test_a_reflected_origin_without_vary() -> None:
    """Where the application varies by Origin, so does the cache."""
    stored = kept(FRESH, "vary: origin", request=get("origin: https://a.example"))

    assert not served(stored, "origin: https://b.example")


def test_connection_names_a_field_to_hide_it() -> None:
    """What Connection lists is stripped from storage, and forbids all the same."""
    said = ["connection: set-cookie, cache-control", "cache-control: no-store"]
    assert isinstance(judged(head(*said)), Pass)
    assert isinstance(
        judged(head(FRESH, "connection: set-cookie", "set-cookie: a=b")), Pass
    )


def test_a_304_for_the_tag_of_an_attacker() -> None:
    """A client's own tag never makes fresh what is stored."""
    old, request = kept(FRESH, TAG), get('if-none-match: "evil"')

    for came in (head('etag: "evil"', status=304), head(status=304)):
        assert not isinstance(judged(came, request, stored=old), Freshened)


def test_ranges_that_overlap_or_are_many() -> None:
    """Several ranges are answered with the whole, once."""
    stored = kept(FRESH, body=b"x" * 1000)
    request = get("range: bytes=" + ",".join(["0-"] * 500))

    found = answer(stored, request, terms_of(request), 0.0, b"hybridcache; hit", SAFE)

    assert (200, 1000) == (found.status, len(found.body))
