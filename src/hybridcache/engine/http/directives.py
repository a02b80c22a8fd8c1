"""What a face does with the response of an origin, once its head is there."""

from typing import TypeAlias

import attrs

from hybridcache.core.http.answers import Answer
from hybridcache.core.http.message import Head, Headers


@attrs.frozen
class Relay:
    """Send this head, then *prefix*, then the body as it comes."""

    head: Head
    prefix: bytes = b""


@attrs.frozen
class Replace:
    """Drop the origin's response and send this instead."""

    answer: Answer


@attrs.frozen
class Repeat:
    """Drop the origin's response and make the request again, with these fields."""

    headers: Headers


Directive: TypeAlias = Relay | Replace | Repeat
