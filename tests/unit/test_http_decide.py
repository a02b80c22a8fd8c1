"""What is done with a stored response: served, revalidated, or left alone."""

import pytest

from hybridcache.core.http.admission import Bypass, Terms, admit
from hybridcache.core.http.decision import (
    GatewayTimeout,
    Hit,
    Miss,
    Revalidate,
    StaleHit,
    Verdict,
    absent,
    decide,
    matches,
    may_serve_on_error,
)
from hybridcache.core.http.message import Request, Stored
from hybridcache.core.http.policy import HTTPPolicy
from tests.httpish import CONFORMANT, PRIVATE, SAFE, fields, get, kept, terms_of

FRESH = "cache-control: max-age=100"
TAG = 'etag: "a"'


def verdict(
    stored: Stored,
    *lines: str,
    resident: float = 0.0,
    policy: HTTPPolicy = SAFE,
    method: str = "GET",
) -> Verdict:
    """Decide about *stored* for a request with these field lines."""
    request = get(*lines, method=method)
    return decide(request, terms_of(request, policy), stored, resident, policy)


def test_a_response_is_fresh_until_its_age_is_its_lifetime() -> None:
    """At max-age it is stale (RFC 9111, section 4.2)."""
    stored = kept(FRESH, TAG)

    assert Hit(99.0) == verdict(stored, resident=99.0)
    assert Revalidate(100.0, fields('if-none-match: "a"'), "stale") == verdict(
        stored, resident=100.0
    )


def test_the_age_that_it_came_with_counts() -> None:
    """Age of the response and time in storage add up (RFC 9111, section 4.2.3)."""
    stored = kept(FRESH, "age: 60")

    assert Hit(90.0) == verdict(stored, resident=30.0)
    assert isinstance(verdict(stored, resident=40.0), Revalidate)


def test_a_clock_that_went_back_makes_nothing_younger() -> None:
    """A negative time in storage counts as none."""
    assert Hit(60.0) == verdict(kept(FRESH, "age: 60"), resident=-30.0)


def test_stale_while_revalidate_serves_at_once_in_its_window() -> None:
    """Within it, stale and refreshed behind; at its end, no more (RFC 5861)."""
    stored = kept("cache-control: max-age=100, stale-while-revalidate=10", TAG)

    assert StaleHit(109.0) == verdict(stored, resident=109.0)
    assert isinstance(verdict(stored, resident=110.0), Revalidate)


@pytest.mark.parametrize(
    "directive", ["must-revalidate", "proxy-revalidate", "s-maxage=100", "no-cache"]
)
def test_what_forbids_stale_outweighs_stale_while_revalidate(directive: str) -> None:
    """RFC 9111, section 4.2.4, comes before RFC 5861."""
    stored = kept(
        f"cache-control: max-age=100, stale-while-revalidate=99, {directive}", TAG
    )

    assert isinstance(verdict(stored, resident=101.0), Revalidate)


def test_a_private_cache_heeds_no_directive_for_shared_ones() -> None:
    """proxy-revalidate and s-maxage are for shared caches."""
    stored = kept(
        "cache-control: max-age=9, s-maxage=99, proxy-revalidate,"
        " stale-while-revalidate=5",
        policy=PRIVATE,
    )

    assert StaleHit(10.0) == verdict(stored, resident=10.0, policy=PRIVATE)


def test_no_cache_is_revalidated_while_fresh() -> None:
    """RFC 9111, section 5.2.2.4."""
    stored = kept("cache-control: max-age=100, no-cache", TAG)

    assert Revalidate(0.0, fields('if-none-match: "a"'), "stale") == verdict(stored)


def test_revalidation_sends_both_validators() -> None:
    """The tag for those who know it, the date for those who do not."""
    stored = kept(FRESH, TAG, "last-modified: Wed, 01 Jan 2020 00:00:00 GMT")

    assert Revalidate(
        100.0,
        fields(
            'if-none-match: "a"', "if-modified-since: Wed, 01 Jan 2020 00:00:00 GMT"
        ),
        "stale",
    ) == verdict(stored, resident=100.0)


def test_the_clients_own_tags_go_along() -> None:
    """The origin may find current what the client has and the cache has not."""
    found = verdict(kept(FRESH, TAG), 'if-none-match: "b", W/"c"', resident=100.0)

    assert isinstance(found, Revalidate)
    assert fields('if-none-match: "a", "b", W/"c"') == found.fields


@pytest.mark.parametrize("value", ["*", '"a"', "", "b", '"a", x'])
def test_nothing_of_the_client_is_sent_that_adds_nothing(value: str) -> None:
    """The stored tag alone is sent where the client names no other one."""
    found = verdict(kept(FRESH, TAG), f"if-none-match: {value}", resident=100.0)

    assert isinstance(found, Revalidate)
    assert fields('if-none-match: "a"') == found.fields


def test_the_clients_date_is_never_sent_as_ours() -> None:
    """A 304 to it would not say that what is stored is good."""
    found = verdict(
        kept("cache-control: max-age=100"),
        "if-modified-since: Wed, 01 Jan 2020 00:00:00 GMT",
        resident=100.0,
    )

    assert Revalidate(100.0, (), "stale") == found


def test_another_variant_is_a_miss() -> None:
    """The fields that Vary lists must be the same (RFC 9111, section 4.1)."""
    stored = kept(FRESH, "vary: foo", request=get("foo: 1"))

    assert Hit(0.0) == verdict(stored, "foo: 1")
    assert Miss("vary-miss") == verdict(stored, "foo: 2")
    assert Miss("vary-miss") == verdict(stored)
    assert matches(stored, get("foo: 1"))


def test_authorization_is_served_only_what_allows_it() -> None:
    """RFC 9111, section 3.5, read for serving too."""
    secret = "authorization: Basic x"

    assert Miss("request") == verdict(kept(FRESH), secret)
    for allowing in ("public", "must-revalidate", "s-maxage=9"):
        stored = kept(f"cache-control: max-age=9, {allowing}")
        assert Hit(0.0) == verdict(stored, secret)


def test_a_private_cache_tells_credentials_apart() -> None:
    """One program may act for many users; public says that it is for all of them."""
    mine, yours = "authorization: Bearer mine", "authorization: Bearer yours"
    stored = kept(FRESH, request=get(mine), policy=PRIVATE)

    assert Hit(0.0) == verdict(stored, mine, policy=PRIVATE)
    assert Miss("vary-miss") == verdict(stored, yours, policy=PRIVATE)
    assert Miss("vary-miss") == verdict(stored, policy=PRIVATE)
    assert not any(b"mine" in (value or b"") for value in stored.selecting)
    nobodys = kept(FRESH, policy=PRIVATE)
    assert Miss("request") == verdict(nobodys, mine, policy=PRIVATE)
    public = kept("cache-control: public, max-age=9", request=get(mine), policy=PRIVATE)
    assert Hit(0.0) == verdict(public, yours, policy=PRIVATE)
    assert Hit(0.0) == verdict(public, policy=PRIVATE)


def test_only_if_cached_is_never_answered_by_the_origin() -> None:
    """504 where the origin would have to be asked (RFC 9111, section 5.2.1.7)."""
    wanted = "cache-control: only-if-cached"
    stored = kept(FRESH, TAG, "vary: foo")

    assert Hit(0.0) == verdict(stored, wanted)
    assert GatewayTimeout() == verdict(stored, wanted, resident=100.0)
    assert GatewayTimeout() == verdict(stored, wanted, "foo: 1")
    assert GatewayTimeout() == absent(terms_of(get(wanted)))


def test_where_nothing_is_stored_it_is_a_miss() -> None:
    """By the URL, or by the variant."""
    assert Miss("uri-miss") == absent(terms_of(get()))
    assert Miss("vary-miss") == absent(terms_of(get()), varies=True)


@pytest.mark.parametrize(
    ("asked", "resident", "expected"),
    [
        ("no-cache", 0.0, "request"),
        ("max-age=0", 1.0, "request"),
        ("max-age=10", 10.0, None),
        ("max-age=10", 11.0, "request"),
        ("min-fresh=50", 50.0, None),
        ("min-fresh=50", 51.0, "request"),
        ("max-stale", 5000.0, None),
        ("max-stale=10", 110.0, None),
        ("max-stale=10", 111.0, "stale"),
        ("max-stale=10, max-age=200", 105.0, None),
        ("max-age=5", 105.0, "stale"),
        ("no-store", 50.0, None),
    ],
)
def test_a_request_is_obeyed_where_the_policy_says_so(
    asked: str, resident: float, expected: str | None
) -> None:
    """RFC 9111, section 5.2.1, with obey_requests."""
    stored = kept(FRESH, TAG)

    found = verdict(
        stored, f"cache-control: {asked}", resident=resident, policy=CONFORMANT
    )

    reason = found.reason if isinstance(found, Revalidate) else None
    assert expected == reason


@pytest.mark.parametrize("asked", ["no-cache", "max-age=0", "min-fresh=999"])
def test_a_request_is_not_obeyed_by_default(asked: str) -> None:
    """A server's cache is not the client's to empty."""
    assert Hit(1.0) == verdict(kept(FRESH), f"cache-control: {asked}", resident=1.0)
    assert Hit(1.0) == verdict(kept(FRESH), "pragma: no-cache", resident=1.0)


@pytest.mark.parametrize("directive", ["must-revalidate", "no-cache", "s-maxage=9"])
def test_max_stale_does_not_outweigh_the_response(directive: str) -> None:
    """RFC 9111, section 4.2.4."""
    stored = kept(f"cache-control: max-age=9, {directive}", TAG)

    found = verdict(
        stored, "cache-control: max-stale", resident=10.0, policy=CONFORMANT
    )

    assert isinstance(found, Revalidate)


def test_head_is_answered_from_what_a_get_stored() -> None:
    """RFC 9110, section 9.3.2."""
    assert Hit(0.0) == verdict(kept(FRESH), method="HEAD")


PART = ("cache-control: max-age=100", 'etag: "a"', "content-range: bytes 0-4/10")


def part(*lines: str) -> Stored:
    """Return the beginning of a representation of ten bytes."""
    return kept(
        *(lines or PART), body=b"01234", status=206, request=get("range: bytes=0-4")
    )


def test_a_part_serves_the_ranges_within_it() -> None:
    """RFC 9111, section 3.3."""
    assert Hit(0.0) == verdict(part(), "range: bytes=1-3")
    assert Hit(0.0) == verdict(part(), "range: bytes=0-4", 'if-range: "a"')
    for asked in ("bytes=1-5", "bytes=-2", "bytes=7-", "bytes=0-1,3-4", "lines=1-2"):
        assert Miss("partial") == verdict(part(), f"range: {asked}")
    assert Miss("partial") == verdict(part(), "range: bytes=1-3", 'if-range: "b"')
    assert Miss("partial") == verdict(part(), method="HEAD")


def test_a_part_is_completed_where_its_beginning_is_here() -> None:
    """The rest is asked for, if it is still the same (RFC 9111, section 3.4)."""
    assert Miss("partial", fields("range: bytes=5-", 'if-range: "a"')) == verdict(
        part()
    )


def test_a_part_is_not_completed_without_a_strong_tag() -> None:
    """Two parts would not surely be of one representation."""
    for tag in ('etag: W/"a"', "last-modified: Wed, 01 Jan 2020 00:00:00 GMT"):
        assert Miss("partial") == verdict(part(PART[0], tag, PART[2]))


def test_a_stale_part_is_not_completed() -> None:
    """What would be put together is stale."""
    assert Miss("partial") == verdict(part(), resident=100.0)


def test_stale_if_error_counts_from_the_end_of_freshness() -> None:
    """RFC 5861, section 4."""
    stored = kept("cache-control: max-age=100, stale-if-error=10")
    terms = terms_of(get())

    assert may_serve_on_error(terms, stored, 109.0, SAFE)
    assert not may_serve_on_error(terms, stored, 110.0, SAFE)
    assert not may_serve_on_error(terms, kept(FRESH), 100.0, SAFE)


def test_stale_if_error_of_a_request_counts_where_requests_are_obeyed() -> None:
    """RFC 5861, section 4, again."""
    policy = HTTPPolicy.private()
    asking = terms_of(get("cache-control: stale-if-error=10"))
    stored = kept(FRESH, policy=policy)

    assert may_serve_on_error(asking, stored, 109.0, policy)
    assert not may_serve_on_error(asking, stored, 110.0, policy)
    assert not may_serve_on_error(asking, stored, 109.0, SAFE)
    refusing = terms_of(get("cache-control: no-cache"))
    assert not may_serve_on_error(refusing, stored, 1.0, policy)


@pytest.mark.parametrize(
    "directive", ["must-revalidate", "proxy-revalidate", "s-maxage=9", "no-cache"]
)
def test_no_error_makes_stale_what_must_not_be(directive: str) -> None:
    """Not even by the policy's own default."""
    policy = HTTPPolicy.conformant(stale_if_error=99)
    stored = kept(
        f"cache-control: max-age=9, stale-if-error=99, {directive}", TAG, policy=policy
    )

    assert not may_serve_on_error(terms_of(get()), stored, 10.0, policy)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (get(method="POST"), "method"),
        (get(method="get"), "method"),
        (get(method="M-SEARCH"), "method"),
        (Request("GET", "http", "", "/"), "bypass"),
        (Request("GET", "http", "a", "http://a/"), "bypass"),
        (Request("GET", "http", "a", "/", (), body=True), "bypass"),
        (get("upgrade: websocket"), "bypass"),
        (get("content-length: 1"), "bypass"),
        (get("transfer-encoding: chunked"), "bypass"),
        (get('if-match: "a"'), "request"),
        (get("if-unmodified-since: x"), "request"),
    ],
)
def test_what_is_no_business_of_the_cache_goes_past_it(
    request_: Request, expected: str
) -> None:
    """And Cache-Status says why."""
    assert Bypass(expected) == admit(request_, SAFE)  # type: ignore[arg-type] # a table of words


def test_the_policy_may_send_requests_past_the_cache() -> None:
    """By host, or by a function of the request."""
    assert Bypass("bypass") == admit(get(), SAFE.evolve(hosts=("a.example",)))
    assert isinstance(admit(get(), SAFE.evolve(hosts=("Example.COM",))), Terms)
    assert Bypass("bypass") == admit(get(), SAFE.evolve(bypass_if=lambda _: True))


def test_a_request_without_anything_particular_shares_its_terms() -> None:
    """The way of a hit makes nothing for it."""
    plain = get("accept: */*", "user-agent: x", "content-length: 0")

    assert admit(get(), SAFE) is admit(get("accept: */*"), SAFE)
    assert terms_of(plain).plain
    assert terms_of(get("cookie: a=b")).plain
    assert terms_of(get("cookie: a=b")).cookie
    assert not terms_of(get("range: bytes=0-1")).plain
