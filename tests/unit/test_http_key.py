"""What is one key and what is two."""

from itertools import combinations

import pytest

from hybridcache.core.http.key import primary_key, variant_key
from hybridcache.core.http.message import Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.keys import check_key
from tests.httpish import SAFE, get


def key(request: Request, policy: HTTPPolicy = SAFE) -> str:
    """Return the key of a request that has one."""
    found = primary_key(request, policy)
    assert found is not None
    return check_key(found)


def test_a_short_key_is_the_url() -> None:
    """So that it can be read; the method is no part of it."""
    assert "http://example.com/a?b" == key(get(target="/a?b"))
    assert key(get(target="/a")) == key(get(target="/a", method="HEAD"))


def test_no_url_spells_the_key_of_another() -> None:
    """What ends in a digest is no key of a URL that was made to look like it."""
    digested = key(get(target="/caf\xe9"))

    lookalike = get(target=digested.removeprefix("http://example.com"))

    assert digested != key(lookalike)


def test_different_requests_have_different_keys() -> None:
    """Nothing is decoded, folded, sorted or left out."""
    requests = [
        get(target=target)
        for target in (
            "/a?b",
            "/a%3Fb",
            "/A?b",
            "/a?b&c",
            "/a?c&b",
            "/a/",
            "/a",
            "//a",
            "/./a",
            "/a?",
            "/%61",
            "/a;x",
        )
    ]
    requests += [
        Request("GET", "https", "example.com", "/a"),
        Request("GET", "http", "example.com/a", "/b"),
        Request("GET", "http", "example.com", "/a/b"),
        Request("GET", "http", "example.co", "m/a/b"),
        Request("GET", "http", "example.com:8080", "/a"),
    ]

    assert len(requests) == len({key(request) for request in requests})


def test_a_long_key_is_hashed_and_still_differs() -> None:
    """It fits where keys of 1 KiB fit."""
    one, other = get(target="/" + "a" * 5000), get(target="/" + "a" * 4999 + "b")

    assert key(one) != key(other)
    assert len(key(one)) < 300
    assert key(one).startswith("http://example.com/aaa")


def test_a_key_beyond_the_limit_is_none() -> None:
    """Such a request goes past the cache."""
    assert primary_key(get(target="/" + "a" * 9000), SAFE) is None


@pytest.mark.parametrize("target", ["/\xff", "/" + "\xe9" * 300, "/\x00"])
def test_any_octets_make_a_key(target: str) -> None:
    """Raw paths may hold any of them."""
    assert key(get(target=target))


def test_key_headers_are_part_of_the_key() -> None:
    """Absent is not empty, and no value can pass for two."""
    policy = HTTPPolicy(key_headers=("X-A", "x-b"))
    found = {
        key(get(*lines), policy)
        for lines in (
            [],
            ["x-a: "],
            ["x-a: 1"],
            ["x-b: 1"],
            ["x-a: 1", "x-b: 1"],
            ["x-a: 1-1:1"],
            ["x-a: -"],
        )
    }

    assert 7 == len(found)
    assert key(get("x-a: 1", "other: 1"), policy) == key(get("x-a: 1"), policy)


def test_the_partition_is_part_of_the_key() -> None:
    """A tenant's key is no other's."""

    def tenant(request: Request) -> str:
        """Return the tenant of a request."""
        return dict(request.headers).get(b"x-tenant", b"").decode()

    policy = HTTPPolicy(partition=tenant)

    assert key(get("x-tenant: a"), policy) != key(get("x-tenant: b"), policy)
    assert key(get(), policy) != key(get())


def test_a_request_key_is_taken_for_what_it_says() -> None:
    """An empty one is a key too, and none is another request's URL."""
    policy = HTTPPolicy.by_url(1, 2, request_key=lambda request: request.target[1:])

    assert key(get(target="/x"), policy) == key(get("a: b", target="/x"), policy)
    assert key(get(target="/"), policy)
    assert key(get(target="/http://example.com/"), policy) != key(get())


def test_variants_have_keys_of_their_own() -> None:
    """By generation and by value: absent, empty, and how they are split."""
    values: list[tuple[bytes | None, ...]] = [
        (None,),
        (b"",),
        (b"-",),
        (b"a", b"b"),
        (b"ab", b""),
        (b"a,b", None),
        (None, b"a,b"),
        (b"1:a", b""),
    ]
    primary = key(get(target="/" + "a" * 5000))
    keys = [variant_key(primary, "g", value) for value in values]

    assert all(one != other for one, other in combinations(keys, 2))
    assert variant_key(primary, "h", (b"",)) not in keys
    assert all(check_key(one) for one in keys)
