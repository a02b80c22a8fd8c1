"""Requests, response heads, and responses as the cache holds them: frozen values.

Field names of requests are in lower case; those of responses stay as they came, for
they are sent on. Values are raw bytes. Nothing is parsed here, and nothing checked but
what is stored: it may come from a Redis that others write to.
"""

import re
from typing import Final, TypeAlias

import attrs

from hybridcache.core.http.codes import LAST, OK

# Delta-seconds end at 2**31 (RFC 9111, section 1.2.2); sums of them stay below this.
BEYOND_MEASURE: Final = 2.0**33
ENDS_A_LINE: Final = re.compile(rb"[\r\n\0]")

Field: TypeAlias = tuple[bytes, bytes]
"""A field line: name and raw value."""

Headers: TypeAlias = tuple[Field, ...]
"""Field lines in the order in which they came; a name may be there several times."""


@attrs.frozen
class Request:
    """What a cache must know of a request.

    Attributes:

        method: In the case in which it came.

        scheme: ``http`` or ``https``.

        host: The one Host, in lower case and without the scheme's default port;
            empty where there was none, or several.

        target: Raw path and query, never decoded; no fragment.

        headers: All field lines, names in lower case.

        body: Whether it brings content.
    """

    method: str
    scheme: str
    host: str
    target: str
    headers: Headers = ()
    body: bool = False


@attrs.frozen
class Head:
    """A response's status and field lines, as the origin sent them.

    Attributes:

        status: Status code; one outside the registry is fine.

        headers: All field lines, names as they came.

        reason: Reason phrase, where the protocol has one.
    """

    status: int
    headers: Headers = ()
    reason: bytes = b""


@attrs.frozen(kw_only=True)
class Stored:
    """A response as the cache holds it, with all that deciding about it needs.

    What it says about itself is parsed once, when it is stored: a hit only compares.

    Attributes:

        status: Status code of the complete representation: 200 for what came as 206.

        headers: Field lines to replay; no hop-by-hop ones, no Age, none withheld.

        body: The content, or the one part of it that is here.

        reason: Reason phrase.

        first: Position of the body's first byte in the complete representation.

        length: Length of the complete representation; None if the origin did not say.

        lifetime: Freshness lifetime, seconds (RFC 9111, section 4.2.1).

        initial_age: Age when it was stored, seconds (RFC 9111, section 4.2.3).

        stale_while_revalidate: Seconds (RFC 5861, section 3).

        stale_if_error: Seconds (RFC 5861, section 4).

        always_revalidate: ``no-cache``: never used unvalidated.

        never_stale: ``must-revalidate`` and what implies it.

        authorised: May serve a request with Authorization (RFC 9111, section 3.5).

        vary: Names that Vary lists, in lower case, sorted.

        selecting: The first request's normalised values of those; None for absent.

        etag: Entity tag as it came, or empty.

        last_modified: Last-Modified as it came, or empty.

        date: Date's instant, else that of receipt, for If-Modified-Since: seconds
            since 1970.

        route: The framework's route pattern, or empty; a metric label.
    """

    status: int
    headers: Headers
    body: bytes
    reason: bytes = b""
    first: int = 0
    length: int | None
    lifetime: float
    initial_age: float
    stale_while_revalidate: float = 0.0
    stale_if_error: float = 0.0
    always_revalidate: bool = False
    never_stale: bool = False
    authorised: bool = False
    vary: tuple[bytes, ...] = ()
    selecting: tuple[bytes | None, ...] = ()
    etag: bytes = b""
    last_modified: bytes = b""
    date: int = 0
    route: str = ""

    def __attrs_post_init__(self) -> None:
        """Refuse what this cache would never have stored.

        Raises:

            ValueError: A status that is not final, seconds that are negative or beyond
                all measure, or a field line that would begin another.
        """
        seconds = (
            self.lifetime,
            self.initial_age,
            self.stale_while_revalidate,
            self.stale_if_error,
        )
        if not OK <= self.status <= LAST:
            msg = f"a stored status is final, not {self.status!r}"
            raise ValueError(msg)
        # A NaN is in no range.
        if not all(0.0 <= value <= BEYOND_MEASURE for value in seconds):
            msg = f"stored seconds are from 0 to 2**33, not {seconds!r}"
            raise ValueError(msg)
        for line in self.headers:
            if any(map(ENDS_A_LINE.search, line)):
                msg = f"a stored field line has no CR, LF or NUL, as {line!r} does"
                raise ValueError(msg)

    @property
    def complete(self) -> bool:
        """Whether the whole representation is here."""
        return self.first == 0 and len(self.body) == self.length


@attrs.frozen
class Variants:
    """What a URL holds whose responses vary: how to find the variant of a request.

    Attributes:

        generation: Random; part of the variants' keys, so that they go with it.

        vary: Names that select, in lower case, sorted.
    """

    generation: str
    vary: tuple[bytes, ...]


@attrs.frozen
class Unshared:
    """What stands for a response that was for one request alone."""


Record: TypeAlias = Stored | Variants | Unshared
"""What is held under the key of a URL."""
