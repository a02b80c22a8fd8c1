"""Whatever is said on either side, nothing is stored or served that must not be."""

from typing import assert_never

from hypothesis import given
from hypothesis import strategies as st

from hybridcache.core.http.admission import Bypass, Terms, admit, terms
from hybridcache.core.http.answers import answer
from hybridcache.core.http.cache_control import parse_control
from hybridcache.core.http.decision import (
    GatewayTimeout,
    Hit,
    Miss,
    Revalidate,
    StaleHit,
    decide,
    matches,
    may_serve_on_error,
)
from hybridcache.core.http.fields import lines
from hybridcache.core.http.invalidation import invalidates, serves_later_get
from hybridcache.core.http.judgement import Keep
from hybridcache.core.http.key import primary_key
from hybridcache.core.http.making import combined, finished, grace
from hybridcache.core.http.message import Head, Headers, Request, Stored
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.http.receive import judge
from tests.httpish import CONFORMANT, NOW, PRIVATE, SAFE, at

BODY = b"0123456789"
POLICIES = [
    SAFE,
    CONFORMANT,
    PRIVATE,
    HTTPPolicy(fresh_for=9, stale_while_revalidate=9, stale_if_error=9),
    HTTPPolicy.conformant(targets=("CDN-Cache-Control",)),
    HTTPPolicy.by_url(5, 50),
]

seconds = st.sampled_from([0, 1, 5, 60, 100, 2**31, 2**40, -1])
tags = st.sampled_from(['"a"', '"b"', 'W/"a"', "a", "*", "", '"a", "b"'])
dates = st.one_of(
    st.integers(-2000, 2000).map(at), st.sampled_from(["0", "", "Thu, 1 Jan"])
)
directives = st.one_of(
    st.sampled_from(
        [
            "no-store",
            "no-cache",
            "private",
            "public",
            "must-revalidate",
            "proxy-revalidate",
            "must-understand",
            'no-cache="x"',
            'private="set-cookie"',
            "max-stale",
            "only-if-cached",
            "max-age",
            '"',
        ]
    ),
    st.builds(
        "{}={}".format,
        st.sampled_from(
            [
                "max-age",
                "s-maxage",
                "stale-while-revalidate",
                "stale-if-error",
                "max-stale",
                "min-fresh",
            ]
        ),
        seconds,
    ),
)
controls = st.lists(directives, max_size=4).map(", ".join)
ranges = st.sampled_from(
    ["bytes=0-4", "bytes=5-", "bytes=-3", "bytes=20-", "bytes=0-1,3-4", "x=1-2", ""]
)
parts = st.sampled_from(
    ["bytes 0-4/10", "bytes 5-9/10", "bytes 0-9/10", "bytes 0-4/*", "bytes */10", "x"]
)
languages = st.sampled_from(["en", "de", "en, de", "EN", ""])
varies = st.sampled_from(["accept-language", "Cookie, X", "*", "", "x, *"])
words = st.sampled_from(["1", "a=b", "", "x, y"])


def line(
    name: str, values: st.SearchStrategy[str]
) -> st.SearchStrategy[tuple[bytes, bytes]]:
    """Draw a line of this name."""
    return values.map(lambda value: (name.encode(), value.encode("latin-1")))


wanted_lines = st.lists(
    st.one_of(
        line("cache-control", controls),
        line("pragma", st.just("no-cache")),
        line("authorization", words),
        line("cookie", words),
        line("range", ranges),
        line("if-range", tags),
        line("if-none-match", tags),
        line("if-modified-since", dates),
        line("accept-language", languages),
        line("x", words),
        st.tuples(st.binary(max_size=8), st.binary(max_size=8)),
    ),
    max_size=6,
).map(tuple)
said_lines = st.lists(
    st.one_of(
        line("Cache-Control", controls),
        line("CDN-Cache-Control", controls),
        line("Expires", dates),
        line("Date", dates),
        line("Last-Modified", dates),
        line("ETag", tags),
        line("Age", seconds.map(str)),
        line("Vary", varies),
        line("Set-Cookie", words),
        line("Content-Range", parts),
        line("Content-Length", st.sampled_from(["10", "5", "x"])),
        line("Connection", st.sampled_from(["x", "etag", "close"])),
        line("x", words),
        st.tuples(st.binary(max_size=8), st.binary(max_size=8)),
    ),
    max_size=8,
).map(tuple)
statuses = st.sampled_from([200, 200, 200, 204, 206, 301, 304, 404, 500, 503, 599, 100])
policies = st.sampled_from(POLICIES)
ages = st.one_of(st.floats(0, 5000), st.integers(0, 200).map(float))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A request of any kind."""
    return Request(
        draw(st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "X"])),
        "http",
        draw(st.sampled_from(["example.com", "example.com", ""])),
        draw(st.sampled_from(["/", "/a?b", "*", ""])),
        draw(wanted_lines),
    )


heads = st.builds(Head, statuses, said_lines)


def held_of(
    policy: HTTPPolicy, request: Request, came: Head, body: bytes
) -> Stored | None:
    """Return what is stored of a response, if it is."""
    verdict = judge(
        request,
        terms(request.headers),
        policy,
        came,
        stored=None,
        age=0.0,
        requested_at=NOW,
        received_at=NOW,
    )
    if not isinstance(verdict, Keep):
        return None
    return finished(verdict.template, body, came)


@st.composite
def stored_responses(draw: st.DrawFn) -> tuple[HTTPPolicy, Request, Head, Stored]:
    """A response that a policy let in, and what it came from."""
    policy = draw(policies)
    request = Request("GET", "http", "example.com", "/", draw(wanted_lines))
    cached = draw(st.sampled_from([b"max-age=100", b"max-age=9, public", b"public"]))
    came = Head(draw(statuses), (*draw(said_lines), (b"cache-control", cached)))
    body = draw(st.sampled_from([BODY, b"01234", b""]))
    stored = held_of(policy, request, came, body)
    if stored is None:
        # Rather a plain one than none.
        request = Request("GET", "http", "example.com", "/")
        came = Head(200, ((b"cache-control", b"max-age=9"), (b"vary", b"x")))
        stored = held_of(policy, request, came, body)
        assert stored is not None
    return policy, request, came, stored


@given(requests(), heads, policies, st.none() | stored_responses(), ages)
def test_nothing_that_comes_in_raises(
    request: Request,
    came: Head,
    policy: HTTPPolicy,
    held: tuple[HTTPPolicy, Request, Head, Stored] | None,
    age: float,
) -> None:
    """Every function is total, whatever the lines are."""
    admit(request, policy)
    primary_key(request, policy)
    invalidates(request, came, policy)
    serves_later_get(request, came, policy)
    asked = terms(request.headers)
    stored = None if held is None else held[3]
    verdict = judge(
        request,
        asked,
        policy,
        came,
        stored=stored,
        age=age,
        requested_at=NOW,
        received_at=NOW + 1,
    )
    if isinstance(verdict, Keep):
        done = finished(verdict.template, BODY, came)
        if done is not None and stored is not None:
            combined(stored, done)
    if stored is not None:
        may_serve_on_error(asked, stored, age, policy)
        grace(stored, policy)
        answer(stored, request, asked, age, b"x", policy)


@given(stored_responses(), wanted_lines, ages, ages)
def test_freshness_only_decays(
    held: tuple[HTTPPolicy, Request, Head, Stored],
    wanted: Headers,
    earlier: float,
    more: float,
) -> None:
    """What is not served fresh now is not served fresh later."""
    policy, _, _, stored = held
    request = Request("GET", "http", "example.com", "/", wanted)
    asked = terms(wanted)

    first = decide(request, asked, stored, earlier, policy)
    second = decide(request, asked, stored, earlier + more, policy)

    if isinstance(second, Hit):
        assert isinstance(first, Hit)
    if isinstance(second, StaleHit):
        assert not isinstance(first, Revalidate) or first.reason == "request"


@given(stored_responses(), requests(), ages)
def test_only_what_may_serve_a_request_serves_it(
    held: tuple[HTTPPolicy, Request, Head, Stored], request: Request, resident: float
) -> None:
    """The right variant, for who may have it, fresh or allowed to be stale."""
    policy, _, _, stored = held
    admitted = admit(request, policy)
    if isinstance(admitted, Bypass):
        return
    verdict = decide(request, admitted, stored, resident, policy)
    match verdict:
        case Hit(age=age):
            assert age < stored.lifetime
            assert not stored.always_revalidate
        case StaleHit(age=age):
            assert age >= stored.lifetime
            assert not stored.never_stale
            assert not stored.always_revalidate
        case Revalidate() | Miss():
            assert not admitted.asked.only_if_cached
            return
        case GatewayTimeout():
            assert admitted.asked.only_if_cached
            return
        case _:
            assert_never(verdict)
    assert age >= resident
    if policy.forced is None:
        assert matches(stored, request)
        assert stored.authorised or not admitted.authorised
    found = answer(stored, request, admitted, age, b"x", policy)
    assert stored.complete or found.status in {206, 304}


@given(stored_responses())
def test_nothing_is_stored_that_must_not_be(
    held: tuple[HTTPPolicy, Request, Head, Stored],
) -> None:
    """no-store, private and credentials in a shared cache, cookies by default."""
    policy, request, came, stored = held
    control = parse_control(lines(came.headers, b"cache-control"))
    targeted = bool(policy.targets and lines(came.headers, b"cdn-cache-control"))
    if policy.forced is None and not targeted:
        assert not control.no_store or control.must_understand
        assert not (control.private and policy.shared)
        if policy.shared and lines(request.headers, b"authorization"):
            assert stored.authorised
    if policy.set_cookie == "skip":
        assert control.public or not lines(stored.headers, b"set-cookie")
    assert 200 <= stored.status
    assert stored.status not in {206, 304}
    assert not lines(stored.headers, b"age")
    assert not lines(stored.headers, b"connection")
    if stored.never_stale or stored.always_revalidate:
        assert 0.0 == stored.stale_while_revalidate == stored.stale_if_error


@given(stored_responses(), wanted_lines, st.sampled_from(["GET", "HEAD"]), ages)
def test_content_length_is_the_length_of_what_is_sent(
    held: tuple[HTTPPolicy, Request, Head, Stored],
    wanted: Headers,
    method: str,
    age: float,
) -> None:
    """And no 304, 204 or answer to a HEAD has a body."""
    policy, _, _, stored = held
    request = Request(method, "http", "example.com", "/", wanted)
    asked: Terms = terms(wanted)
    if not stored.complete and not isinstance(
        decide(request, asked, stored, 0.0, policy), Hit | StaleHit
    ):
        return

    found = answer(stored, request, asked, age, b"x", policy)

    lengths = lines(found.headers, b"content-length")
    if found.status in {204, 304}:
        assert ((), b"") == (lengths, found.body)
    elif method == "HEAD":
        assert b"" == found.body
        assert (b"%d" % (stored.length or 0),) == lengths
    else:
        assert (b"%d" % len(found.body),) == lengths
    assert 1 == len(lines(found.headers, b"age"))
