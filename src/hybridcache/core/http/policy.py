"""What an HTTP cache may store and serve, as one frozen value.

Rules of this module: a policy is checked when it is made, so that nobody checks it
again; the bad value is in the message. The defaults are the safe ones for a shared
cache in front of an application; what the RFCs allow beyond them is an explicit
choice, most of all :meth:`HTTPPolicy.conformant`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Self

import attrs

from hybridcache.core.http.codes import ERRORS
from hybridcache.core.http.message import Head, Request
from hybridcache.core.http.policy_fields import (
    FLAG,
    Failure,
    HTTPPolicyChanges,
    MostChanges,
    SetCookieWord,
    count,
    field_names,
    fresh_and_ttl,
    function,
    lower,
    method_names,
    not_negative,
    optional_seconds,
    ordered,
    positive,
    set_cookie_word,
    share,
)
from hybridcache.core.policy import DEFAULT_WAIT_FOR, Duration, seconds

if TYPE_CHECKING:
    from typing import Unpack

# RFC 9110, section 9.2.1, and the registry's safe methods beside it: PROPFIND,
# REPORT, SEARCH (RFC 4918, 3253, 5323) and QUERY. A method that is not here is
# unsafe, unknown ones too.
SAFE_METHODS: Final = frozenset(
    {"GET", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "REPORT", "SEARCH", "QUERY", "PRI"}
)
# RFC 9111, section 4.2.2: "a typical setting of this fraction might be 10%".
TYPICAL_HEURISTIC: Final = 0.1
# As long as a response with a validator is kept.
DISCONNECTED: Final = 3600.0


@attrs.frozen(kw_only=True)
class HTTPPolicy:
    """What an HTTP cache stores, for how long, and what it heeds.

    Durations are float seconds or ``timedelta``. Derive another with :meth:`evolve`.

    Attributes:

        shared: Serves more than one user (RFC 9111, section 1): stores nothing
            ``private``, heeds ``s-maxage``. Else it stores both that and what answers
            Authorization, the latter for the same Authorization alone.

        keep: Seconds past its freshness for which a response with a validator is
            kept, so that it can be revalidated.

        max_body: Longest body that is stored, bytes.

        max_variants: Most variants that one URL may have.

        max_vary: Most names that a stored response's Vary may list.

        max_key: Longest cache key, characters, before it is hashed; a request with a
            longer one goes past the cache.

        wait_for: Seconds for which a request waits for another's load of the same
            thing; then it goes alone.

        set_cookie: ``"skip"``: a response with Set-Cookie is not stored unless it
            says ``public`` or ``no-cache="set-cookie"``; ``"store"``: it may be.

        heuristic: Share, from 0 to 1, of the time since Last-Modified for which a
            response that does not say is fresh, at most a day (RFC 9111, section
            4.2.2); 0: none is.

        obey_requests: Honour all of a request's Cache-Control; else only
            ``only-if-cached`` and ``no-store``. By the latter nothing is stored of the
            request, but what is stored may serve it.

        targets: Names of targeted fields, the first valid one counts (RFC 9213).

        fresh_for: Freshness lifetime, seconds, of responses that do not say: only of
            200s to GETs without Cookie and Authorization, that set no cookie. What is
            stored so serves requests with a Cookie, too: see *bypass_if*.

        stale_while_revalidate: Seconds past freshness, where a response that was
            fresh does not say (RFC 5861, section 3).

        stale_if_error: Seconds past freshness, where a response that was fresh does
            not say (RFC 5861, section 4).

        hosts: Hosts served from the cache, in any case, with their port unless it is
            the scheme's own; empty: all.

        key_headers: Names of request fields that are part of every key.

        bypass_if: Requests for which it is true go past the cache. What this and the
            other functions raise reaches the caller.

        partition: Makes a str of a request that is part of every key: the user, the
            tenant.

        pass_for: Seconds for which it is remembered that a URL's responses cannot be
            stored: nobody waits for them.

        detail: Say in Cache-Status why, and name the key.

        safe_methods: Methods that change nothing; all others invalidate.

        max_refreshes: Most refreshes in the background at once, in this process; what
            is stale beyond them is served without.

        min_uses: Requests of a URL in this process before its response is stored.

        request_key: Makes the key, a str, instead of URL, *key_headers* and
            *partition*.

        accept_request: Requests for which it is false go past the cache.

        accept_response: Responses for which it is false are not stored.

        error_handler: Makes the response when the load of one failed.

        forced: ``(fresh_for, ttl)`` of every accepted response, whatever its fields
            say; set by :meth:`by_url`.

    Raises:

        TypeError: A value is of the wrong type.

        ValueError: A value is out of its range; the message has it.
    """

    shared: bool = attrs.field(default=True, validator=FLAG)
    keep: float = attrs.field(default=3600.0, converter=seconds, validator=not_negative)
    max_body: int = attrs.field(default=2**20, validator=count)
    max_variants: int = attrs.field(default=16, validator=count)
    max_vary: int = attrs.field(default=8, validator=count)
    max_key: int = attrs.field(default=8192, validator=count)
    wait_for: float = attrs.field(
        default=DEFAULT_WAIT_FOR, converter=seconds, validator=positive
    )
    set_cookie: SetCookieWord = attrs.field(default="skip", validator=set_cookie_word)
    heuristic: float = attrs.field(default=0.0, converter=seconds, validator=share)
    obey_requests: bool = attrs.field(default=False, validator=FLAG)
    targets: tuple[str, ...] = attrs.field(
        default=(), converter=lower, validator=field_names
    )
    fresh_for: float | None = attrs.field(
        default=None, converter=optional_seconds, validator=not_negative
    )
    stale_while_revalidate: float | None = attrs.field(
        default=None, converter=optional_seconds, validator=not_negative
    )
    stale_if_error: float | None = attrs.field(
        default=None, converter=optional_seconds, validator=not_negative
    )
    hosts: tuple[str, ...] = attrs.field(default=(), converter=lower)
    key_headers: tuple[str, ...] = attrs.field(
        default=(), converter=lower, validator=field_names
    )
    bypass_if: Callable[[Request], bool] | None = attrs.field(
        default=None, validator=function
    )
    partition: Callable[[Request], str] | None = attrs.field(
        default=None, validator=function
    )
    pass_for: float = attrs.field(
        default=60.0, converter=seconds, validator=not_negative
    )
    detail: bool = attrs.field(default=False, validator=FLAG)
    safe_methods: frozenset[str] = attrs.field(
        default=SAFE_METHODS, converter=method_names
    )
    # A pool of threads in asyncio, or of database connections, is about as large.
    max_refreshes: int = attrs.field(default=32, validator=count)
    min_uses: int = attrs.field(default=1, validator=count)
    request_key: Callable[[Request], str] | None = attrs.field(
        default=None, validator=function
    )
    accept_request: Callable[[Request], bool] | None = attrs.field(
        default=None, validator=function
    )
    accept_response: Callable[[Head], bool] | None = attrs.field(
        default=None, validator=function
    )
    error_handler: Failure | None = attrs.field(default=None, validator=function)
    forced: tuple[float, float] | None = attrs.field(
        default=None, converter=fresh_and_ttl, validator=ordered
    )

    @classmethod
    def safe(cls, **changes: "Unpack[HTTPPolicyChanges]") -> Self:
        """For a server: nothing is stored that does not clearly say it may be."""
        return cls(**changes)

    @classmethod
    def conformant(cls, **changes: "Unpack[HTTPPolicyChanges]") -> Self:
        """All that the RFCs allow a shared cache.

        Where nothing forbids it that is a stale response too while the origin is away
        (RFC 9111, section 4.2.4).
        """
        return cls(
            set_cookie="store",
            heuristic=TYPICAL_HEURISTIC,
            obey_requests=True,
            stale_if_error=DISCONNECTED,
        ).evolve(**changes)

    @classmethod
    def private(cls, **changes: "Unpack[HTTPPolicyChanges]") -> Self:
        """All that the RFCs allow a cache of one user: the default of clients.

        It stores ``private`` and what sets a cookie; it tells requests with another
        Authorization apart, and not those with another Cookie: a cache for many users
        takes a *partition*.
        """
        return cls.conformant(shared=False, stale_if_error=None).evolve(**changes)

    @classmethod
    def by_url(
        cls,
        fresh_for: Duration,
        ttl: Duration,
        *,
        request_key: Callable[[Request], str] | None = None,
        accept_request: Callable[[Request], bool] | None = None,
        accept_response: Callable[[Head], bool] | None = None,
        error_handler: Failure | None = None,
        **changes: "Unpack[MostChanges]",
    ) -> Self:
        """Every response under its URL, for these times, whatever its fields say.

        Only for what is the same for everybody. By default GET and HEAD are accepted
        and statuses below 400, and *set_cookie* still holds.
        """
        return cls(
            forced=(seconds(fresh_for), seconds(ttl)),
            request_key=request_key,
            accept_request=accept_request,
            accept_response=accept_response or _no_error,
            error_handler=error_handler,
        ).evolve(**changes)

    def evolve(self, **changes: "Unpack[HTTPPolicyChanges]") -> Self:
        """Return a copy with *changes*, checked like a new policy."""
        return attrs.evolve(self, **changes)


def cookies(*names: str) -> Callable[[Request], bool]:
    """Tell requests that bring a cookie of one of *names*: for ``bypass_if``."""
    wanted = frozenset(name.encode("latin-1") for name in names)

    def has_one(request: Request) -> bool:
        """Whether the request has such a cookie."""
        return any(
            pair.partition(b"=")[0].strip() in wanted
            for name, value in request.headers
            if name == b"cookie"
            for pair in value.split(b";")
        )

    return has_one


def _no_error(head: Head) -> bool:
    # What failed may be well again for the next request.
    return head.status < ERRORS
