"""The cache behind httpx and requests: each fact holds for all three clients."""

import gc
import gzip
import threading
from collections.abc import Iterable, Iterator

import pytest

from hybridcache.http import HTTPPolicy, Served
from hybridcache.testing import ManualClock
from tests.eventually import eventually
from tests.http.clients import BROKEN, MAKERS, Client, Make, OfAsyncHttpx
from tests.http.origin import (
    CHUNKED,
    CUT_SHORT,
    FRESH,
    WITHIN,
    Asked,
    Origin,
    chunk,
    head,
    reply,
)
from tests.integration.nodes import in_thread

PRIVATE = HTTPPolicy.private()
TAGGED = ("ETag", '"1"')


@pytest.fixture(name="origin")
def _origin() -> Iterator[Origin]:
    """A server that answers what the test sets."""
    origin = Origin()
    yield origin
    origin.close()


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    """The cache's clock."""
    return ManualClock()


@pytest.fixture(name="make", params=MAKERS)
def _make(request: pytest.FixtureRequest) -> Make:
    """Makes a client; each of the three kinds in turn."""
    return MAKERS[request.param]


@pytest.fixture(name="client")
def _client(make: Make, origin: Origin, clock: ManualClock) -> Iterator[Client]:
    """A client with a private cache."""
    client = make(origin, PRIVATE, clock)
    yield client
    client.close()


def with_body(body: bytes, *fields: tuple[str, str]) -> Iterable[bytes]:
    """Make the one part of a whole response."""
    return [reply(body, *fields)]


def held(gate: threading.Event, *parts: bytes) -> Iterator[bytes]:
    """Give the first part, and the rest once the gate is open."""
    yield parts[0]
    gate.wait(WITHIN)
    yield from parts[1:]


# What is stored


def test_second_request_is_a_hit(client: Client, origin: Origin) -> None:
    """A fresh response serves the next request, with an Age and a Cache-Status."""
    first, second = client.ask(), client.ask()

    assert (Served.MISS, Served.HIT) == (first.served, second.served)
    assert first.body == second.body == b"hello"
    assert ["0"] == second.all("age")
    assert [] == first.all("age")
    assert "hybridcache; hit" in second.all("cache-status")[-1]
    assert 1 == origin.calls


def test_coded_content_is_kept_as_on_the_wire(client: Client, origin: Origin) -> None:
    """Content with a coding is stored coded, and the caller gets it decoded."""
    coded = gzip.compress(b"hello" * 100)
    fields = (FRESH, ("Content-Encoding", "gzip"))
    origin.script = lambda asked: with_body(coded, *fields)

    first, second = client.ask(), client.ask()

    assert Served.HIT is second.served
    assert first.body == second.body == b"hello" * 100
    assert ["gzip"] == second.all("content-encoding")
    assert [str(len(coded))] == second.all("content-length")


def test_lines_of_a_field_stay_apart(client: Client, origin: Origin) -> None:
    """A field of several lines has as many when it comes from the cache."""
    lines = (("X-One", "1"), ("X-One", "2"), ("Link", "<a>"), ("Link", "<b>"))
    origin.script = lambda asked: with_body(b"", FRESH, *lines)

    first, second = client.ask(), client.ask()

    for got in (first, second):
        assert ["1", "2"] == got.all("x-one")
        assert ["<a>", "<b>"] == got.all("link")


def test_cookies_are_the_clients(client: Client, origin: Origin) -> None:
    """The client takes its cookies from a response that the cache passes on."""
    cookies = (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    origin.script = lambda asked: with_body(b"", FRESH, *cookies)

    client.ask()

    assert {"a": "1", "b": "2"} == dict(client.cookies)


def test_chunked_content_is_stored(client: Client, origin: Origin) -> None:
    """Content that came in chunks serves with its length."""
    parts = [head(FRESH, CHUNKED), chunk(b"hel"), chunk(b"lo"), chunk(b"")]
    origin.script = lambda asked: parts

    first, second = client.ask(), client.ask()

    assert Served.HIT is second.served
    assert first.body == second.body == b"hello"
    assert ["5"] == second.all("content-length")
    assert [] == second.all("transfer-encoding")


def test_content_that_ends_with_the_connection(client: Client, origin: Origin) -> None:
    """Content without a length is stored when the origin closed the connection."""
    origin.script = lambda asked: [head(FRESH), b"hello", CUT_SHORT]

    first, second = client.ask(), client.ask()

    assert (b"hello", b"hello") == (first.body, second.body)
    assert Served.HIT is second.served


@pytest.mark.parametrize("status", ["200 Quite All Right", "599 Strange"])
def test_status_lines_are_kept(client: Client, origin: Origin, status: str) -> None:
    """Status code and reason phrase come back from the cache as they were."""
    origin.script = lambda asked: [reply(b"", FRESH, status=status)]

    first, second = client.ask(), client.ask()

    assert Served.HIT is second.served
    for got in (first, second):
        assert status == f"{got.status} {got.reason}"


def test_no_content(client: Client, origin: Origin) -> None:
    """A 204 is served without content and without a length."""
    origin.script = lambda asked: [head(FRESH, status="204 No Content")]

    client.ask()
    second = client.ask()

    assert (204, b"", Served.HIT) == (second.status, second.body, second.served)
    assert [] == second.all("content-length")


def test_redirects_are_stored_one_by_one(client: Client, origin: Origin) -> None:
    """A redirect and its target are two responses, each with a life of its own."""

    def script(asked: Asked) -> Iterable[bytes]:
        if asked.target == "/old":
            to = ("Location", "/new")
            return [reply(b"", FRESH, to, status="301 Moved Permanently")]
        return with_body(b"new", ("Cache-Control", "no-store"))

    origin.script = script

    client.ask("/old")
    second = client.ask("/old")

    assert ["/old", "/new", "/new"] == [asked.target for asked in origin.asked]
    assert b"new" == second.body
    assert [Served.HIT] == [one.served for one in second.before]
    assert Served.MISS is second.served


def test_a_private_cache_is_of_one_user(client: Client, origin: Origin) -> None:
    """What is for its one user, or to credentials, is stored by default."""
    origin.script = lambda asked: with_body(
        b"mine", ("Cache-Control", "private, max-age=60, s-maxage=0")
    )

    client.ask(headers={"Authorization": "Bearer 1"})
    second = client.ask(headers={"Authorization": "Bearer 1"})

    assert Served.HIT is second.served


def test_variants(client: Client, origin: Origin) -> None:
    """Requests with other selecting fields get other responses."""
    origin.script = lambda asked: with_body(
        asked.all("accept-language")[0].encode(), FRESH, ("Vary", "Accept-Language")
    )

    for language in ("de", "en"):
        client.ask(headers={"Accept-Language": language})
    got = [client.ask(headers={"Accept-Language": one}) for one in ("de", "en")]

    assert [b"de", b"en"] == [one.body for one in got]
    assert 2 == origin.calls


def test_a_key_is_the_url_as_it_is_sent(client: Client, origin: Origin) -> None:
    """An escaped question mark is part of the path."""
    origin.script = lambda asked: with_body(asked.target.encode(), FRESH)

    got = [client.ask(path).body for path in ("/a%3Fb", "/a?b", "/a%3Fb", "/a?b")]

    assert [b"/a%3Fb", b"/a?b"] * 2 == got
    assert 2 == origin.calls


def test_the_name_sent_as_host_counts(client: Client, origin: Origin) -> None:
    """Two hosts behind one address have no response in common."""
    origin.script = lambda asked: with_body(asked.all("host")[0].encode(), FRESH)

    got = [client.ask(headers={"Host": name}).body for name in ("a.test", "b.test")]

    assert [b"a.test", b"b.test"] == got


def test_head_is_answered_from_a_get(client: Client, origin: Origin) -> None:
    """A HEAD gets the fields of a stored GET, and no content."""
    client.ask()

    got = client.ask(method="HEAD")

    assert (b"", ["5"], Served.HIT) == (
        got.body,
        got.all("content-length"),
        got.served,
    )
    assert 1 == origin.calls


def test_a_range_is_cut_from_what_is_stored(client: Client, origin: Origin) -> None:
    """A part of a stored response is served as a part."""
    client.ask()

    got = client.ask(headers={"Range": "bytes=1-2"})

    assert (206, b"el", ["bytes 1-2/5"]) == (
        got.status,
        got.body,
        got.all("content-range"),
    )
    assert 1 == origin.calls


def test_the_rest_of_a_part_is_fetched(client: Client, origin: Origin) -> None:
    """A beginning that is stored is completed, and the caller gets all of it."""

    def script(asked: Asked) -> Iterable[bytes]:
        first, last = (0, 1) if asked.all("range") == ["bytes=0-1"] else (2, 4)
        span = ("Content-Range", f"bytes {first}-{last}/5")
        part = b"hello"[first : last + 1]
        return [reply(part, FRESH, TAGGED, span, status="206 Partial Content")]

    origin.script = script

    client.ask(headers={"Range": "bytes=0-1"})
    whole = client.ask()
    third = client.ask()

    assert (200, b"hello") == (whole.status, whole.body)
    assert ["bytes=2-"] == origin.last.all("range")
    assert (200, b"hello", Served.HIT) == (third.status, third.body, third.served)


# What the request says


def test_a_client_may_want_it_validated(client: Client, origin: Origin) -> None:
    """A request with no-cache goes to the origin, with the validators of the cache."""
    origin.script = lambda asked: with_body(b"hello", FRESH, TAGGED)
    client.ask()
    origin.script = lambda asked: [head(status="304 Not Modified")]

    got = client.ask(headers={"Cache-Control": "no-cache"})

    assert (200, b"hello", Served.REVALIDATED) == (got.status, got.body, got.served)
    assert ['"1"'] == origin.last.all("if-none-match")


def test_only_if_cached(client: Client, origin: Origin) -> None:
    """A request that wants nothing but what is stored gets a 504 where nothing is."""
    got = client.ask(headers={"Cache-Control": "only-if-cached"})

    assert (504, 0) == (got.status, origin.calls)


def test_own_conditions_get_an_own_304(client: Client, origin: Origin) -> None:
    """A caller that has the stored response already gets a 304 from the cache."""
    origin.script = lambda asked: with_body(b"hello", FRESH, TAGGED)
    client.ask()

    got = client.ask(headers={"If-None-Match": '"1"'})

    assert (304, b"", 1) == (got.status, got.body, origin.calls)


# What changes something


def test_a_post_goes_past_the_cache(client: Client, origin: Origin) -> None:
    """Content reaches the origin whole, and the answer drops what is stored."""
    client.ask()

    got = client.ask(method="POST", content=b"x" * 100_000)
    after = client.ask()

    assert Served.BYPASS is got.served
    assert b"x" * 100_000 == origin.asked[1].body
    assert Served.MISS is after.served


def test_a_get_with_content_goes_past_the_cache(client: Client, origin: Origin) -> None:
    """What answers to content is not what answers to the URL."""
    client.ask(content=b"x")
    got = client.ask(content=b"x")

    assert (Served.BYPASS, 2) == (got.served, origin.calls)


def test_purge(client: Client, origin: Origin) -> None:
    """A purged URL is asked for anew."""
    client.ask("/a?b")

    client.purge("/a?b")
    got = client.ask("/a?b")

    assert (Served.MISS, 2) == (got.served, origin.calls)


# Stale


def test_validated(client: Client, origin: Origin, clock: ManualClock) -> None:
    """A stale response that the origin confirms serves, and is fresh again."""
    origin.script = lambda asked: with_body(b"hello", FRESH, TAGGED)
    client.ask()
    clock.advance(61)
    origin.script = lambda asked: [head(FRESH, TAGGED, status="304 Not Modified")]

    second, third = client.ask(), client.ask()

    assert ['"1"'] == origin.last.all("if-none-match")
    assert (200, b"hello", Served.REVALIDATED) == (
        second.status,
        second.body,
        second.served,
    )
    assert Served.HIT is third.served


def test_a_304_leaves_the_connection_open(
    client: Client, origin: Origin, clock: ManualClock
) -> None:
    """The connection over which a response was confirmed serves the next request."""
    origin.script = lambda asked: with_body(b"hello", FRESH, TAGGED)
    client.ask()
    clock.advance(61)
    origin.script = lambda asked: [head(FRESH, TAGGED, status="304 Not Modified")]
    client.ask()
    origin.script = lambda asked: with_body(b"other")

    client.ask("/other")

    assert [0, 0, 0] == [asked.connection for asked in origin.asked]


def test_replaced(client: Client, origin: Origin, clock: ManualClock) -> None:
    """A stale response that the origin replaces is stored anew."""
    origin.script = lambda asked: with_body(b"old", FRESH, TAGGED)
    client.ask()
    clock.advance(61)
    origin.script = lambda asked: with_body(b"new", FRESH, ("ETag", '"2"'))

    second, third = client.ask(), client.ask()

    assert (b"new", Served.MISS) == (second.body, second.served)
    assert (b"new", Served.HIT) == (third.body, third.served)


def test_an_unknown_304_is_asked_again(
    client: Client, origin: Origin, clock: ManualClock
) -> None:
    """A 304 that confirms another response is followed by a plain request."""
    origin.script = lambda asked: with_body(b"old", FRESH, TAGGED)
    client.ask()
    clock.advance(61)

    def script(asked: Asked) -> Iterable[bytes]:
        if asked.all("if-none-match"):
            return [head(("ETag", '"other"'), status="304 Not Modified")]
        return with_body(b"new", FRESH)

    origin.script = script

    got = client.ask()

    assert (200, b"new", 3) == (got.status, got.body, origin.calls)


def test_refreshed_behind(client: Client, origin: Origin, clock: ManualClock) -> None:
    """A response that may be served stale is, while a new one is fetched."""
    swr = ("Cache-Control", "max-age=60, stale-while-revalidate=600")
    origin.script = lambda asked: with_body(b"old", swr, TAGGED)
    client.ask()
    clock.advance(61)
    gate = threading.Event()
    origin.script = lambda asked: held(
        gate, head(swr, CHUNKED), chunk(b"new"), chunk(b"")
    )

    second, third = client.ask(), client.ask()
    gate.set()
    eventually(lambda: client.ask().served is Served.HIT)

    assert (b"old", Served.STALE) == (second.body, second.served)
    assert (b"old", Served.STALE) == (third.body, third.served)
    assert (b"new", 2) == (client.ask().body, origin.calls)


@pytest.mark.parametrize("status", ["500 Oh", "502 Oh", "503 Oh", "504 Oh"])
def test_stale_on_a_server_error(
    client: Client, origin: Origin, clock: ManualClock, status: str
) -> None:
    """A stale response serves in the place of a server error, where it may."""
    sie = ("Cache-Control", "max-age=60, stale-if-error=600")
    origin.script = lambda asked: with_body(b"old", sie)
    client.ask()
    clock.advance(61)
    origin.script = lambda asked: [reply(b"oh", status=status)]

    got = client.ask()

    assert (200, b"old", Served.STALE) == (got.status, got.body, got.served)


def test_stale_where_the_origin_is_gone(
    client: Client, origin: Origin, clock: ManualClock
) -> None:
    """A stale response serves in the place of a connection's error, where it may."""
    sie = ("Cache-Control", "max-age=60, stale-if-error=600")
    origin.script = lambda asked: with_body(b"old", sie)
    client.ask()
    clock.advance(61)
    origin.close()

    got = client.ask()

    assert (200, b"old", Served.STALE) == (got.status, got.body, got.served)


def test_the_origins_error_is_raised(client: Client, origin: Origin) -> None:
    """Where nothing may serve, the client's own error reaches the caller."""
    origin.close()

    with pytest.raises(BROKEN) as caught:
        client.ask()

    assert type(caught.value).__name__ in {"ConnectError", "ConnectionError"}


# Content on its way


def test_first_part_at_once(client: Client, origin: Origin) -> None:
    """The caller gets what has come while the origin still holds back the rest."""
    gate = threading.Event()
    parts = (head(FRESH, CHUNKED) + chunk(b"first "), chunk(b"second"), chunk(b""))
    origin.script = lambda asked: held(gate, *parts)

    streamed = client.stream()
    first = streamed.part()
    gate.set()
    rest = b"".join(iter(streamed.part, b""))
    streamed.close()

    assert (b"first ", b"second") == (first, rest)
    assert (Served.HIT, b"first second") == (client.ask().served, client.ask().body)


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_truncated_content(client: Client, origin: Origin, framing: str) -> None:
    """Content that breaks off is the caller's error, and is not stored."""
    cut: tuple[bytes, ...] = (head(FRESH, ("Content-Length", "5")), b"hel", CUT_SHORT)
    if framing == "chunks":
        cut = (head(FRESH, CHUNKED), chunk(b"hel"), CUT_SHORT)
    origin.script = lambda asked: cut

    with pytest.raises(BROKEN):
        client.ask()
    origin.script = lambda asked: with_body(b"hello", FRESH)
    got = client.ask()

    assert (b"hello", Served.MISS) == (got.body, got.served)


def test_closed_before_the_end(client: Client, origin: Origin) -> None:
    """What the caller did not read to its end is not stored."""
    gate = threading.Event()
    parts = (head(FRESH, CHUNKED) + chunk(b"first "), chunk(b"second"), chunk(b""))
    origin.script = lambda asked: held(gate, *parts)

    streamed = client.stream()
    streamed.part()
    streamed.close()
    gate.set()
    origin.script = lambda asked: with_body(b"hello", FRESH)
    got = in_thread(client.ask).result(WITHIN / 2)

    assert (b"hello", Served.MISS) == (got.body, got.served)


def test_content_over_the_limit(make: Make, origin: Origin, clock: ManualClock) -> None:
    """Content longer than the limit reaches the caller whole, and is not stored."""
    client = make(origin, HTTPPolicy.private(max_body=10), clock)
    parts = [head(FRESH, CHUNKED), chunk(b"x" * 8), chunk(b"y" * 8), chunk(b"")]
    origin.script = lambda asked: parts

    first, second = client.ask(), client.ask()
    client.close()

    assert b"x" * 8 + b"y" * 8 == first.body == second.body
    assert (Served.MISS, 2) == (second.served, origin.calls)


# Many at once


def test_one_request_for_many(client: Client, origin: Origin) -> None:
    """Requests of one URL at one moment make one request of the origin."""
    gate = threading.Event()
    parts = (head(FRESH, CHUNKED), chunk(b"hello"), chunk(b""))
    origin.script = lambda asked: held(gate, *parts)

    begun = [in_thread(client.ask) for _ in range(20)]
    eventually(lambda: followers(client) == 19)
    gate.set()
    got = [future.result(WITHIN) for future in begun]

    assert {b"hello"} == {one.body for one in got}
    assert 1 == origin.calls
    assert 1 == [one.served for one in got].count(Served.MISS)
    assert 19 == [one.served for one in got].count(Served.COLLAPSED)


def followers(client: Client) -> int:
    """Say how many wait for a load that another began."""
    entry = client.explain().entry
    if entry is None or entry.load is None:
        return 0
    # In a thread, the one that began it runs it and waits for nothing.
    return entry.load.callers - isinstance(client, OfAsyncHttpx)


def test_many_whose_origin_is_gone(client: Client, origin: Origin) -> None:
    """Who waited for a request that failed has an error of its own, at once."""
    gate = threading.Event()
    origin.script = lambda asked: held(gate, b"HTTP/1.1 ", CUT_SHORT)

    begun = [in_thread(client.ask) for _ in range(5)]
    eventually(lambda: followers(client) == 4)
    origin.script = lambda asked: [CUT_SHORT]
    gate.set()

    for future in begun:
        with pytest.raises(BROKEN):
            future.result(WITHIN)


def test_a_closed_stream_is_no_failure_of_the_origin(
    client: Client, origin: Origin, clock: ManualClock
) -> None:
    """Who waited for a response that its caller closed asks for it, stale or not."""
    sie = ("Cache-Control", "max-age=60, stale-if-error=600")
    origin.script = lambda asked: with_body(b"old", sie)
    client.ask()
    clock.advance(61)
    gate = threading.Event()
    parts = (head(FRESH, CHUNKED) + chunk(b"first "), chunk(b"second"), chunk(b""))
    origin.script = lambda asked: held(gate, *parts)

    streamed = client.stream()
    waiting = in_thread(client.ask)
    eventually(lambda: followers(client) == 1)
    origin.script = lambda asked: with_body(b"new", FRESH)
    streamed.close()
    gate.set()
    got = waiting.result(WITHIN)

    assert (b"new", Served.MISS) == (got.body, got.served)


def test_a_forgotten_stream_keeps_nobody_waiting(
    client: Client, origin: Origin
) -> None:
    """Where a response is neither read nor closed, the next request goes by itself."""
    parts = (head(FRESH, CHUNKED), chunk(b"hello"), chunk(b""))
    origin.script = lambda asked: parts

    streamed = client.stream()
    del streamed
    gc.collect()
    got = in_thread(client.ask).result(WITHIN / 2)

    assert (b"hello", 2) == (got.body, origin.calls)


def test_what_cannot_be_shared_is_not_waited_for(
    client: Client, origin: Origin
) -> None:
    """Each of many gets a response of its own where none may be stored."""
    origin.script = lambda asked: with_body(b"x", ("Cache-Control", "no-store"))

    begun = [in_thread(client.ask) for _ in range(5)]
    got = [future.result(WITHIN) for future in begun]

    assert ([b"x"] * 5, 5) == ([one.body for one in got], origin.calls)


def test_processes_share_responses(make: Make, origin: Origin, redis_url: str) -> None:
    """What one client stored in Redis serves another that has nothing in memory."""
    origin.script = lambda asked: with_body(b"hello", FRESH, ("X-One", "1"))
    one, other = (make(origin, PRIVATE, redis=redis_url) for _ in range(2))

    one.ask()
    got = other.ask()
    one.close()
    other.close()

    assert (b"hello", ["1"], Served.HIT) == (got.body, got.all("x-one"), got.served)
    assert 1 == origin.calls


# The end


def test_a_closed_cache_is_bypassed(
    make: Make, origin: Origin, clock: ManualClock
) -> None:
    """A client goes on without its cache once that is closed."""
    client = make(origin, PRIVATE, clock)
    client.ask()
    client.close_cache()

    got = client.ask()
    client.close()

    assert (b"hello", 2) == (got.body, origin.calls)
