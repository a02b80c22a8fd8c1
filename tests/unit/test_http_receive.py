"""What becomes of an origin's response: kept, passed on, merged, or asked for again."""

import attrs
import pytest

from hybridcache.core.http.fields import joined, lines
from hybridcache.core.http.judgement import (
    Again,
    Freshened,
    Keep,
    Pass,
    ServeOnce,
    UseStale,
)
from hybridcache.core.http.making import combined, finished, grace
from hybridcache.core.http.message import Stored
from hybridcache.core.http.policy import HTTPPolicy
from tests.httpish import (
    CONFORMANT,
    NOW,
    PRIVATE,
    SAFE,
    at,
    fields,
    freshened,
    get,
    head,
    judged,
    kept,
)

FRESH = "cache-control: max-age=100"
TAG = 'etag: "a"'
SILENT = HTTPPolicy(fresh_for=7, stale_while_revalidate=5, stale_if_error=6)


@pytest.mark.parametrize(
    ("lines_", "lifetime"),
    [
        (["cache-control: max-age=5"], 5.0),
        (["cache-control: max-age=5, s-maxage=9"], 9.0),
        (["cache-control: max-age=5", f"expires: {at(99)}"], 5.0),
        ([f"expires: {at(99)}"], 99.0),
        ([f"expires: {at(99)}", f"date: {at(10)}"], 89.0),
        (["expires: 0", TAG], 0.0),
        ([TAG], 0.0),
    ],
)
def test_lifetime_is_what_the_response_says(lines_: list[str], lifetime: float) -> None:
    """s-maxage, max-age, Expires, in this order (RFC 9111, section 4.2.1)."""
    assert lifetime == kept(*lines_).lifetime


@pytest.mark.parametrize("status", [200, 299, 302, 400, 404, 499, 500, 503, 599])
def test_any_final_status_is_kept_with_explicit_freshness(status: int) -> None:
    """Errors and unknown ones too (RFC 9111, section 3)."""
    assert status == kept(FRESH, status=status).status


@pytest.mark.parametrize("status", [100, 103, 304])
def test_what_is_no_final_response_is_never_kept(status: int) -> None:
    """Interim ones, and a 304 to the client's own condition."""
    assert isinstance(judged(head(FRESH, status=status)), Pass)


@pytest.mark.parametrize(
    ("lines_", "reason", "lasting"),
    [
        (["cache-control: no-store, max-age=9"], "no-store", True),
        (["cache-control: private, max-age=9"], "private", True),
        ([FRESH, "vary: *"], "vary *", True),
        ([FRESH, "vary: a", "vary: b, *"], "vary *", True),
        ([FRESH, "vary: a,b,c,d,e,f,g,h,i"], "vary too long", True),
        ([FRESH, "set-cookie: a=b"], "set-cookie", True),
        ([FRESH, f"content-length: {2**20 + 1}"], "too long", True),
        ([FRESH, "content-length: 1", "content-length: 2"], "too long", True),
        ([FRESH, "content-type: text/event-stream"], "event stream", True),
        (["cache-control: max-age=0"], "already stale", True),
        (["cache-control: no-cache"], "already stale", True),
        ([FRESH, "age: 100"], "already stale", False),
        ([], "no freshness", True),
    ],
)
def test_what_may_not_be_kept_is_passed_on(
    lines_: list[str], reason: str, lasting: bool
) -> None:
    """And it is known whether the next response will be no other."""
    assert Pass(reason, lasting) == judged(head(*lines_))


def test_a_status_that_invites_no_caching_must_say_so() -> None:
    """RFC 9111, section 3; an error says nothing about the next response."""
    assert Pass("no freshness", lasting=True) == judged(head(TAG, status=201))
    assert Pass("no freshness", lasting=False) == judged(head(status=503))


def test_a_request_may_forbid_to_keep_its_response() -> None:
    """no-store is honoured always (RFC 9111, section 5.2.1.5)."""
    found = judged(head(FRESH), get("cache-control: no-store"))

    assert Pass("request no-store", lasting=False) == found


def test_must_understand_puts_the_status_in_the_place_of_no_store() -> None:
    """RFC 9111, section 5.2.2.3."""
    said = "cache-control: max-age=9, no-store, must-understand"

    assert isinstance(judged(head(said)), Keep)
    assert Pass("must-understand", lasting=False) == judged(head(said, status=599))


def test_a_private_cache_keeps_what_is_private() -> None:
    """Cookies, credentials, and what says so."""
    request = get("authorization: x")
    stored = kept(
        "cache-control: private, max-age=9",
        "set-cookie: a=b",
        request=request,
        policy=PRIVATE,
    )

    assert b"a=b" == joined(stored.headers, b"set-cookie")


def test_fields_of_the_connection_are_not_kept() -> None:
    """RFC 9111, section 3.1; nor is Age, which is counted."""
    stored = kept(
        FRESH,
        "Connection: close, X-Hop",
        "X-Hop: 1",
        "Keep-Alive: 5",
        "Proxy-Anything: 1",
        "Transfer-Encoding: chunked",
        "Age: 5",
        "X-End: 1",
    )

    assert fields(FRESH, "X-End: 1", "content-length: 10") == stored.headers
    assert 5.0 == stored.initial_age


def test_fields_that_are_withheld_are_left_out() -> None:
    """no-cache="f" for all, private="f" in shared caches."""
    lines_ = ["cache-control: max-age=9", 'cache-control: no-cache="a", private="B"']
    lines_ += ["A: 1", "b: 2", "c: 3"]

    shared, private = kept(*lines_), kept(*lines_, policy=PRIVATE)

    assert () == lines(shared.headers, b"a") + lines(shared.headers, b"b")
    assert (b"3",) == lines(shared.headers, b"c")
    assert (b"2",) == lines(private.headers, b"b")


def test_a_cookie_that_is_withheld_forbids_nothing() -> None:
    """no-cache="set-cookie" asks for just that; public says it is meant."""
    stored = kept('cache-control: max-age=9, no-cache="set-cookie"', "set-cookie: a=b")

    assert () == lines(stored.headers, b"set-cookie")
    assert isinstance(
        judged(head("cache-control: public, max-age=9", "set-cookie: a=b")), Keep
    )


def test_the_first_valid_targeted_field_replaces_the_others() -> None:
    """RFC 9213, section 2.2; an invalid one is as if it were not there."""
    policy = HTTPPolicy(targets=("A-Cache-Control", "CDN-Cache-Control"))
    rest = ["cache-control: no-store", "expires: 0"]

    for invalid in ("a-cache-control: &", 'a-cache-control: max-age="9"'):
        stored = kept(invalid, "cdn-cache-control: max-age=5", *rest, policy=policy)
        assert 5.0 == stored.lifetime
    assert Pass("no-store") != judged(
        head("a-cache-control: max-age=9", *rest), policy=policy
    )
    assert Pass("no-store", lasting=True) == judged(
        head("a-cache-control: &", *rest), policy=policy
    )


def test_heuristic_freshness_is_a_share_of_the_time_since_it_changed() -> None:
    """A tenth, at most a day (RFC 9111, section 4.2.2)."""
    modified = f"last-modified: {at(-1000)}"

    assert 100.0 == kept(modified, policy=CONFORMANT).lifetime
    assert 86400.0 == kept(f"last-modified: {at(-(10**7))}", policy=CONFORMANT).lifetime
    assert 0.0 == kept(modified).lifetime
    public = ["cache-control: public", modified]
    assert 100.0 == kept(*public, policy=CONFORMANT, status=599).lifetime
    assert isinstance(judged(head(modified, status=599), policy=CONFORMANT), Pass)


def test_the_default_lifetime_is_for_what_says_nothing() -> None:
    """Only for a 200 to a GET that has to do with no user."""
    assert 7.0 == kept(policy=SILENT).lifetime
    for request in (get("cookie: a=b"),):
        assert isinstance(judged(head(), request, SILENT), Pass)
    for came in (
        head(status=404),
        head("cache-control: x"),
        head("cache-control: public"),
        head("set-cookie: a=b"),
    ):
        assert isinstance(judged(came, policy=SILENT), Pass)


def test_default_staleness_is_for_what_was_fresh() -> None:
    """The policy's own words stand where the response has none."""
    stored = kept(FRESH, policy=SILENT)
    assert (5.0, 6.0) == (stored.stale_while_revalidate, stored.stale_if_error)

    said = "cache-control: max-age=9, stale-while-revalidate=1, stale-if-error=0"
    stored = kept(said, policy=SILENT)
    assert (1.0, 0.0) == (stored.stale_while_revalidate, stored.stale_if_error)

    stored = kept("cache-control: max-age=9, must-revalidate", policy=SILENT)
    assert (0.0, 0.0) == (stored.stale_while_revalidate, stored.stale_if_error)


def test_it_is_kept_past_its_freshness_where_it_may_be_of_use() -> None:
    """To be validated, or served stale."""
    assert 3600.0 == grace(kept(FRESH, TAG), SAFE)
    assert 0.0 == grace(kept(FRESH), SAFE)
    assert 7.0 == grace(kept("cache-control: max-age=9, stale-if-error=7"), SAFE)
    # A request may ask for stale ones.
    assert 3600.0 == grace(kept(FRESH, policy=PRIVATE), PRIVATE)


@pytest.mark.parametrize(
    ("length", "body"), [("9", b"0123456789"), ("11", b"0123456789"), ("0", b"x")]
)
def test_a_body_of_another_length_is_not_kept(length: str, body: bytes) -> None:
    """It was cut short, or is not what the head spoke of."""
    came = head(FRESH, f"content-length: {length}")
    verdict = judged(came)
    assert isinstance(verdict, Keep)

    assert finished(verdict.template, body, came) is None


def test_the_length_is_given_once_and_where_it_stood() -> None:
    """A body of unknown length gets one at the end."""
    stored = kept("Content-Length: 10", FRESH)
    assert fields("Content-Length: 10", FRESH) == stored.headers

    stored = kept("Content-Length: 10", FRESH, "content-length: 10")
    assert fields("Content-Length: 10", FRESH) == stored.headers
    assert (True, 10) == (stored.complete, stored.length)


# 206


def test_a_part_is_kept_as_part_of_the_whole() -> None:
    """As a 200 that is not complete (RFC 9111, section 3.3)."""
    stored = part(3, b"3456")

    assert (200, 3, 10, False) == (
        stored.status,
        stored.first,
        stored.length,
        stored.complete,
    )
    assert () == lines(stored.headers, b"content-range")
    assert (b"10",) == lines(stored.headers, b"content-length")


@pytest.mark.parametrize(
    ("asked", "lines_"),
    [
        ([], ["content-range: bytes 0-4/10"]),
        (["range: bytes=0-4"], []),
        (["range: bytes=0-4"], ["content-range: bytes 0-4/*"]),
        (["range: bytes=0-4"], ["content-range: bytes 4-0/10"]),
        (["range: bytes=0-4"], ["content-range: bytes 0-4/10", "content-length: 4"]),
        (["range: bytes=0-4"], 2 * ["content-range: bytes 0-4/10"]),
    ],
)
def test_a_part_that_is_not_certain_is_not_kept(
    asked: list[str], lines_: list[str]
) -> None:
    """RFC 9110, section 15.3.7."""
    assert Pass("partial") == judged(head(FRESH, *lines_, status=206), get(*asked))


def part(first: int, body: bytes, *more: str, tag: str = TAG) -> Stored:
    """Return a stored part of ten bytes."""
    where = f"content-range: bytes {first}-{first + len(body) - 1}/10"
    request = get("range: bytes=0-1")
    return kept(FRESH, tag, where, *more, status=206, body=body, request=request)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ((0, b"01234"), (5, b"56789"), (0, b"0123456789")),
        ((5, b"56789"), (0, b"01234"), (0, b"0123456789")),
        ((2, b"234567"), (4, b"45"), (2, b"234567")),
        ((4, b"45"), (2, b"234567"), (2, b"234567")),
        ((0, b"0123"), (2, b"2345"), (0, b"012345")),
        ((2, b"2345"), (0, b"0123"), (0, b"012345")),
    ],
)
def test_parts_that_touch_are_combined(
    old: tuple[int, bytes], new: tuple[int, bytes], expected: tuple[int, bytes]
) -> None:
    """RFC 9111, section 3.4."""
    whole = combined(part(*old), part(*new, "x: new"))

    assert whole is not None
    assert expected == (whole.first, whole.body)
    assert (b"new",) == lines(whole.headers, b"x")
    assert whole.complete == (len(expected[1]) == 10)


def test_parts_of_who_knows_what_are_not_combined() -> None:
    """A gap, another tag, a weak one, another length."""
    old = part(0, b"01234")

    assert combined(old, part(6, b"6789")) is None
    assert combined(old, part(5, b"5", tag='etag: "b"')) is None
    weak = 'etag: W/"a"'
    assert combined(part(0, b"0", tag=weak), part(1, b"1", tag=weak)) is None
    assert combined(old, attrs.evolve(part(5, b"5"), length=11)) is None


REST = (TAG, "content-range: bytes 5-9/10", FRESH)


def test_the_rest_completes_what_is_here() -> None:
    """The client gets both as one 200, and both are stored as one."""
    old = part(0, b"01234", "x: 1", "y: 1")
    came = head(*REST, "x: 2", status=206)

    verdict = judged(came, stored=old)

    assert isinstance(verdict, Keep)
    assert b"01234" == verdict.prefix
    assert verdict.head is not None
    assert 200 == verdict.head.status
    assert (b"10",) == lines(verdict.head.headers, b"content-length")
    assert () == lines(verdict.head.headers, b"content-range")
    rest = finished(verdict.template, b"56789", came)
    assert rest is not None
    whole = combined(old, rest)
    assert whole is not None
    assert whole.complete
    assert (b"2", b"1") == (joined(whole.headers, b"x"), joined(whole.headers, b"y"))


@pytest.mark.parametrize(
    "lines_",
    [
        ['etag: "b"', *REST[1:]],
        REST[1:],
        [TAG, FRESH, "content-range: bytes 6-9/10"],
        [TAG, FRESH, "content-range: bytes 5-8/10"],
        [TAG, FRESH, "content-range: bytes 5-9/11"],
        [TAG, REST[1], "cache-control: no-store"],
    ],
)
def test_what_does_not_fit_is_asked_for_anew(lines_: list[str]) -> None:
    """The client never gets two halves of two things."""
    found = judged(head(*lines_, status=206), stored=part(0, b"01234"))

    assert Again() == found


@pytest.mark.parametrize("status", [304, 416])
def test_a_part_that_cannot_be_completed_is_asked_for_whole(status: int) -> None:
    """The origin has no such rest."""
    assert Again() == judged(head(status=status), stored=part(0, b"01234"))


def test_a_200_takes_the_place_of_a_part() -> None:
    """If-Range said so: it has changed."""
    found = judged(head(FRESH, 'etag: "b"'), stored=part(0, b"01234"))

    assert isinstance(found, Keep)
    assert b"" == found.prefix


def test_a_part_never_stands_in_for_the_whole() -> None:
    """Not even when the origin fails."""
    old = attrs.evolve(part(0, b"01234"), stale_if_error=99.0)

    assert isinstance(judged(head(status=503), stored=old, age=101.0), Pass)


# 304


def test_a_304_makes_it_fresh_again() -> None:
    """Its lines replace those of their names; the rest stays (RFC 9111, 3.2)."""
    old = kept(FRESH, TAG, "x: 1", "X: 2", "y: 1", f"date: {at(0)}")
    came = head(TAG, "x: 3", f"date: {at(500)}", status=304)

    new = freshened(judged(came, stored=old, received_at=NOW + 500))

    assert (0.0, 100.0) == (new.initial_age, new.lifetime)
    assert (b"3",) == lines(new.headers, b"x")
    assert (b"1",) == lines(new.headers, b"y")
    assert old.body == new.body


def test_a_304_without_a_date_counts_from_when_it_came() -> None:
    """Not from the Date of what is stored."""
    old = kept(FRESH, TAG, f"date: {at(0)}")

    new = freshened(judged(head(TAG, status=304), stored=old, received_at=NOW + 500))

    assert 0.0 == new.initial_age


def test_a_304_never_changes_what_describes_the_content() -> None:
    """RFC 9111, section 3.2."""
    old = kept(FRESH, TAG, "content-encoding: gzip", "content-length: 10")
    came = head(
        TAG,
        "content-length: 0",
        "content-encoding: br",
        "content-range: bytes 0-1/2",
        "transfer-encoding: chunked",
        "connection: x-hop",
        "x-hop: 1",
        status=304,
    )

    new = freshened(judged(came, stored=old))

    assert {*fields(FRESH, TAG, "content-encoding: gzip", "content-length: 10")} == {
        *new.headers
    }


@pytest.mark.parametrize(
    ("stored_tag", "tag"), [('"a"', 'W/"a"'), ('W/"a"', 'W/"a"'), ('"a"', '"a"')]
)
def test_a_304_with_our_tag_is_ours(stored_tag: str, tag: str) -> None:
    """RFC 9111, section 4.3.4."""
    old = kept(FRESH, f"etag: {stored_tag}")

    assert isinstance(judged(head(f"etag: {tag}", status=304), stored=old), Freshened)


@pytest.mark.parametrize(
    "lines_",
    [['etag: "b"'], ['etag: W/"b"'], [f"last-modified: {at(-5)}"]],
)
def test_a_304_of_something_else_is_asked_again(lines_: list[str]) -> None:
    """Nothing that is stored is what it speaks of."""
    old = kept(FRESH, TAG, f"last-modified: {at(-9)}")

    assert Again() == judged(head(*lines_, status=304), stored=old)


def test_a_304_of_what_the_client_has_is_the_clients() -> None:
    """Its own tag went along; what is stored is left alone."""
    old, request = kept(FRESH, TAG), get('if-none-match: "b"')

    found = judged(head('etag: "b"', status=304), request, stored=old)

    assert Pass("not modified") == found


def test_a_304_that_names_no_tag_may_mean_the_clients() -> None:
    """Two tags were sent: it does not say which."""
    old, request = kept(FRESH, TAG), get('if-none-match: "b"')

    assert Again() == judged(head(status=304), request, stored=old)


def test_a_304_without_a_condition_of_ours_is_the_clients() -> None:
    """It had one of its own."""
    old, request = kept(FRESH), get(f"if-modified-since: {at(0)}")

    assert Pass("not modified") == judged(head(status=304), request, stored=old)


def test_a_304_may_end_the_storing() -> None:
    """It serves this request and no other."""
    old = kept(FRESH, TAG)

    for said in ("cache-control: no-store", "cache-control: private", "vary: *"):
        found = judged(head(TAG, said, status=304), stored=old)
        assert isinstance(found, ServeOnce)


def test_a_304_may_make_it_vary() -> None:
    """Then it is this request's variant."""
    new = freshened(
        judged(
            head(TAG, "vary: foo", status=304), get("foo: 1"), stored=kept(FRESH, TAG)
        )
    )

    assert ((b"foo",), (b"1",)) == (new.vary, new.selecting)


# Failures and HEAD


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_origin_is_hidden_where_that_is_allowed(status: int) -> None:
    """RFC 5861, section 4."""
    old = kept("cache-control: max-age=100, stale-if-error=10")

    assert UseStale(old) == judged(head(status=status), stored=old, age=109.0)
    assert isinstance(judged(head(status=status), stored=old, age=110.0), Pass)


@pytest.mark.parametrize("status", [404, 501, 505, 429])
def test_no_other_answer_is_hidden(status: int) -> None:
    """RFC 5861, section 4, names four."""
    old = kept("cache-control: max-age=100, stale-if-error=10")

    assert isinstance(judged(head(status=status), stored=old, age=101.0), Pass)


def test_a_head_response_is_never_used_for_a_get() -> None:
    """RFC 9110, section 9.3.2."""
    assert Pass("method") == judged(head(FRESH), get(method="HEAD"))


def test_a_head_response_updates_what_it_describes() -> None:
    """RFC 9111, section 4.3.5."""
    old, request = kept(FRESH, TAG), get(method="HEAD")

    new = freshened(
        judged(head("cache-control: max-age=9", TAG, "x: 1"), request, stored=old)
    )

    assert (9.0, old.body) == (new.lifetime, new.body)
    for other in (['etag: "b"'], ["content-length: 9"], []):
        assert Pass("method") == judged(head(FRESH, *other), request, stored=old)
