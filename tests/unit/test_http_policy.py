"""What an HTTP policy refuses, and what its profiles stand for."""

from datetime import timedelta

import pytest

from hybridcache.core.http.judgement import Keep, Pass
from hybridcache.core.http.policy import HTTPPolicy, cookies
from tests.httpish import get, head, judged, kept, terms_of


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"keep": -1}, "-1"),
        ({"wait_for": 0}, "0"),
        ({"max_body": 0}, "0"),
        ({"max_variants": 1.5}, "1.5"),
        ({"max_vary": True}, "True"),
        ({"heuristic": 1.5}, "1.5"),
        ({"fresh_for": -0.5}, "-0.5"),
        ({"set_cookie": "maybe"}, "'maybe'"),
        ({"targets": ("a b",)}, "'a b'"),
        ({"key_headers": ("x-é",)}, "'x-é'"),
        ({"stale_if_error": float("nan")}, "nan"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(
    changes: dict[str, object], shown: str
) -> None:
    """The field and the bad value are in the message."""
    with pytest.raises(ValueError, match=next(iter(changes))) as caught:
        HTTPPolicy(**changes)  # type: ignore[arg-type] # a table of bad values

    assert shown in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"shared": 1},
        {"keep": "1"},
        {"hosts": "example.com"},
        {"targets": "CDN-Cache-Control"},
        {"safe_methods": "GET"},
    ],
)
def test_what_is_of_the_wrong_type_is_refused(changes: dict[str, object]) -> None:
    """A lone str is not several of them."""
    with pytest.raises(TypeError):
        HTTPPolicy(**changes)  # type: ignore[arg-type] # a table of bad values


def test_durations_may_be_timedeltas_and_names_in_any_case() -> None:
    """They are kept as float seconds and in lower case."""
    policy = HTTPPolicy(keep=timedelta(minutes=1), hosts=("A.example",))

    assert (60.0, ("a.example",)) == (policy.keep, policy.hosts)
    assert 5.0 == policy.evolve(keep=5).keep
    with pytest.raises(ValueError, match="keep"):
        policy.evolve(keep=-1)


def test_the_profiles_differ_in_what_they_dare() -> None:
    """safe() is the default; private() is a client's."""
    safe, conformant, private = (
        HTTPPolicy.safe(),
        HTTPPolicy.conformant(),
        HTTPPolicy.private(keep=1),
    )

    assert HTTPPolicy() == safe
    assert ("skip", 0.0, False) == (safe.set_cookie, safe.heuristic, safe.obey_requests)
    assert ("store", 0.1, True, True) == (
        conformant.set_cookie,
        conformant.heuristic,
        conformant.obey_requests,
        conformant.shared,
    )
    assert (False, True, 1.0, None) == (
        private.shared,
        private.obey_requests,
        private.keep,
        private.stale_if_error,
    )


def test_by_url_keeps_everything_for_its_own_times() -> None:
    """Whatever the response's fields say."""
    policy = HTTPPolicy.by_url(5, timedelta(seconds=60))

    stored = kept(
        "cache-control: no-store, private", "vary: *", "age: 99", policy=policy
    )

    assert (5.0, 55.0, 55.0, 0.0) == (
        stored.lifetime,
        stored.stale_while_revalidate,
        stored.stale_if_error,
        stored.initial_age,
    )
    assert () == stored.vary


def test_by_url_accepts_as_the_go_original_did() -> None:
    """Statuses below 400, or what a function says."""
    policy = HTTPPolicy.by_url(5, 60)
    assert isinstance(judged(head(status=302), policy=policy), Keep)
    assert Pass("accept_response", lasting=True) == judged(
        head(status=404), policy=policy
    )
    assert isinstance(judged(head("set-cookie: a=b"), policy=policy), Pass)

    policy = HTTPPolicy.by_url(
        5, 60, accept_response=lambda _: True, set_cookie="store"
    )
    assert isinstance(judged(head("set-cookie: a=b", status=404), policy=policy), Keep)


def test_cookies_tells_requests_that_bring_one_of_them() -> None:
    """By its whole name, in any line and place."""
    has = cookies("sessionid", "csrf")

    assert has(get("cookie: a=b; sessionid=1"))
    assert has(get("cookie: a=b", "cookie: csrf="))
    assert not has(get("cookie: xsessionid=1; a=sessionid=1"))
    assert not has(get())
    assert terms_of(get("cookie: a=b"), HTTPPolicy(bypass_if=has)).cookie


def test_by_url_names_what_it_was_given() -> None:
    """A ttl that ends before freshness does is refused by these names."""
    with pytest.raises(ValueError, match=r"fresh_for=60\.0 must not exceed ttl=30\.0"):
        HTTPPolicy.by_url(60, 30)


@pytest.mark.parametrize(
    "name",
    [
        "accept_request",
        "accept_response",
        "bypass_if",
        "error_handler",
        "partition",
        "request_key",
    ],
)
def test_what_is_no_function_is_refused_by_name(name: str) -> None:
    """A text in the place of a function is refused when the policy is made."""
    with pytest.raises(
        TypeError, match=f"{name} takes a function that is not async, or None"
    ):
        HTTPPolicy(**{name: "sessionid"})  # type: ignore[arg-type] # a bad value
