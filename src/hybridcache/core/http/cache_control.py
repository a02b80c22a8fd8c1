"""Cache-Control of responses and of requests (RFC 9111, section 5.2).

Rules of this module: in doubt, less is cached. A directive that restricts counts
however malformed its argument is; one that only permits counts when well-formed. A
malformed number of seconds is 0, also with spaces around its ``=``: stale at once. Of
conflicting numbers the strictest counts.
"""

import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final

import attrs

from hybridcache.core.http.digits import number
from hybridcache.core.http.fields import OWS, QUOTED, TOKEN, is_token, members

_DIRECTIVE: Final = re.compile(
    rb"(?P<name>" + TOKEN + rb")"
    rb"(?P<whole>(?:=(?:(?P<token>" + TOKEN + rb")|(?P<quoted>" + QUOTED + rb")))?\Z)?",
    re.DOTALL,
)
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
# What cannot be an argument: it stands for one that is there and makes no sense.
_MALFORMED: Final = b'"'


@attrs.frozen(kw_only=True)
class Control:
    """What a response says of how it may be cached.

    Attributes:

        max_age: Freshness lifetime, seconds (RFC 9111, section 5.2.2.1).

        s_maxage: The same for shared caches (section 5.2.2.10).

        no_store: Not to be stored (section 5.2.2.5).

        no_cache: Not to be used without validation (section 5.2.2.4).

        no_cache_fields: What alone must not be used so.

        private: Not to be stored by a shared cache (section 5.2.2.7).

        private_fields: What alone must not be stored so.

        public: May be stored where a doubt would forbid it (section 5.2.2.9).

        must_revalidate: Never used stale (section 5.2.2.2).

        proxy_revalidate: Never used stale by a shared cache (section 5.2.2.8).

        must_understand: Stored only by who knows the status (section 5.2.2.3).

        immutable: Not revalidated while fresh (RFC 8246).

        no_transform: The content stays as it is (RFC 9111, section 5.2.2.6).

        stale_while_revalidate: Seconds (RFC 5861, section 3).

        stale_if_error: Seconds (RFC 5861, section 4).
    """

    max_age: int | None = None
    s_maxage: int | None = None
    no_store: bool = False
    no_cache: bool = False
    no_cache_fields: frozenset[bytes] = frozenset()
    private: bool = False
    private_fields: frozenset[bytes] = frozenset()
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    immutable: bool = False
    no_transform: bool = False
    stale_while_revalidate: int | None = None
    stale_if_error: int | None = None


@attrs.frozen(kw_only=True)
class Asked:
    """What a request says of which stored response would do.

    Attributes:

        max_age: Greatest age, seconds (RFC 9111, section 5.2.1.1).

        max_stale: Greatest staleness, seconds; infinite where none is given
            (section 5.2.1.2).

        min_fresh: Seconds for which it must stay fresh (section 5.2.1.3).

        no_cache: Only after validation (section 5.2.1.4).

        no_store: Neither request nor response is to be stored (section 5.2.1.5).

        only_if_cached: Only from storage (section 5.2.1.7).

        stale_if_error: Seconds (RFC 5861, section 4).
    """

    max_age: int | None = None
    max_stale: float | None = None
    min_fresh: int | None = None
    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    stale_if_error: int | None = None


_ASKED_NOTHING: Final = Asked()


def parse_control(values: Sequence[bytes]) -> Control:
    """Read all Cache-Control lines of a response."""
    seconds: dict[bytes, int] = {}
    fields: dict[bytes, frozenset[bytes]] = {}
    words: set[bytes] = set()
    for name, argument in _directives(values):
        match name:
            case (
                b"max-age" | b"s-maxage" | b"stale-while-revalidate" | b"stale-if-error"
            ):
                # RFC 9111, section 4.2.1: stale, where the value is invalid or two
                # of them conflict.
                found = number(argument or b"") or 0
                seconds[name] = min(found, seconds.get(name, found))
            case b"no-cache" | b"private":
                named = None if argument is None else field_names(argument)
                if named is None:
                    words.add(name)
                else:
                    fields[name] = fields.get(name, frozenset()) | named
            case b"public" | b"must-understand" | b"immutable":
                if argument is None:
                    words.add(name)
            case _:
                words.add(name)
    return control_of(seconds, fields, words)


def parse_asked(values: Sequence[bytes], pragma: Sequence[bytes] = ()) -> Asked:
    """Read all Cache-Control lines of a request, or else its Pragma."""
    if not values:
        # RFC 9111, section 5.4: Pragma counts only where Cache-Control is absent.
        if pragma and any(name == b"no-cache" for name, _ in _directives(pragma)):
            return Asked(no_cache=True)
        return _ASKED_NOTHING
    if len(values) == 1 and (usual := _USUAL.get(values[0])) is not None:
        return usual
    return _asked(values)


def _asked(values: Sequence[bytes]) -> Asked:
    seconds: dict[bytes, int] = {}
    words: set[bytes] = set()
    for name, argument in _directives(values):
        words.add(name)
        match name:
            case b"max-stale" if argument is None:
                pass
            case b"max-age" | b"max-stale" | b"stale-if-error":
                found = number(argument or b"") or 0
                seconds[name] = min(found, seconds.get(name, found))
            case b"min-fresh":
                found = number(argument or b"") or 0
                seconds[name] = max(found, seconds.get(name, found))
            case _:
                pass
    endless = math.inf if b"max-stale" in words else None
    return Asked(
        max_age=seconds.get(b"max-age"),
        max_stale=seconds.get(b"max-stale", endless),
        min_fresh=seconds.get(b"min-fresh"),
        no_cache=b"no-cache" in words,
        no_store=b"no-store" in words,
        only_if_cached=b"only-if-cached" in words,
        stale_if_error=seconds.get(b"stale-if-error"),
    )


def control_of(
    seconds: Mapping[bytes, int],
    fields: Mapping[bytes, frozenset[bytes]],
    words: Container[bytes],
) -> Control:
    """Put together what the directives of a response came to, by name."""
    return Control(
        max_age=seconds.get(b"max-age"),
        s_maxage=seconds.get(b"s-maxage"),
        no_store=b"no-store" in words,
        no_cache=b"no-cache" in words,
        no_cache_fields=fields.get(b"no-cache", frozenset()),
        private=b"private" in words,
        private_fields=fields.get(b"private", frozenset()),
        public=b"public" in words,
        must_revalidate=b"must-revalidate" in words,
        proxy_revalidate=b"proxy-revalidate" in words,
        must_understand=b"must-understand" in words,
        immutable=b"immutable" in words,
        no_transform=b"no-transform" in words,
        stale_while_revalidate=seconds.get(b"stale-while-revalidate"),
        stale_if_error=seconds.get(b"stale-if-error"),
    )


def field_names(listed: bytes) -> frozenset[bytes] | None:
    """Read the field names of ``no-cache="..."``, in lower case.

    None means that it does not list names, so that the directive is to be taken for
    the unqualified one, which is stricter.
    """
    names = [name for part in listed.split(b",") if (name := part.strip(OWS))]
    if not names or not all(is_token(name) for name in names):
        return None
    return frozenset(name.lower() for name in names)


def _directives(values: Sequence[bytes]) -> Iterator[tuple[bytes, bytes | None]]:
    """Give name, in lower case, and argument of every directive; None without one."""
    for value in values:
        for member in members(value):
            found = _DIRECTIVE.match(member)
            if found is None:
                continue
            name = found["name"].lower()
            if found["whole"] is None:
                yield name, _MALFORMED
            elif (quoted := found["quoted"]) is not None:
                yield name, _ESCAPED.sub(rb"\1", quoted[1:-1])
            else:
                yield name, found["token"]


# What browsers send to reload a page.
_USUAL: Final = {value: _asked([value]) for value in (b"max-age=0", b"no-cache")}
