"""Wire an HTTP face to the cache that it was given; the same for both colours."""

import functools
from collections.abc import Callable
from typing import Final, cast

from hybridcache.core.http.message import Record
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.engine.form import Shape
from hybridcache.engine.http.site import Site
from hybridcache.engine.latch import Latch
from hybridcache.faces.async_cache import AsyncCache
from hybridcache.faces.cache import Cache
from hybridcache.faces.http.wall import wall
from hybridcache.faces.state import CacheState

SAFE: Final = HTTPPolicy.safe()
"""The policy of the middlewares, where none is given."""

# An exchange that has not ended by then is not waited for: the load was abandoned.
TOO_LONG: Final = "the response had not come whole when its load was abandoned"


def site_of(
    state: CacheState,
    policy: object,
    wait: Callable[[Latch[object], float], object],
    caller: Callable[[], object],
) -> Site:
    """Make the site of a face on the inside of a cache.

    Raises:

        TypeError: *policy* is no HTTPPolicy.
    """
    if not isinstance(policy, HTTPPolicy):
        msg = f"policy= takes an HTTPPolicy, not {policy!r}"
        raise TypeError(msg)
    return Site(
        ctx=lambda: state.wiring.ctx,
        policy=policy,
        shape=cast("Shape[Record]", state.shape(Record)),
        wall=wall,
        # There are as many routes as the application has patterns.
        tally=functools.cache(state.tally),
        bypassed=state.bypassed.get,
        wait=wait,
        caller=caller,
        indexable=lambda: state.indexable,
    )


def settled(answer: object) -> object:
    """Return what an exchange came to, or raise it.

    Raises:

        BaseException: What the origin raised.

        TimeoutError: Nothing came in time.
    """
    if answer is None:
        raise TimeoutError(TOO_LONG)
    if isinstance(answer, BaseException):
        raise answer
    return answer


def state_of(cache: object, kind: type[Cache] | type[AsyncCache]) -> CacheState:
    """Return the inside of a cache of that kind.

    Raises:

        TypeError: It is another kind of thing.
    """
    if not isinstance(cache, kind):
        msg = f"cache= takes a cache of type {kind.__name__}, not {cache!r}"
        raise TypeError(msg)
    # A face of the same library: both stand on the one inside.
    return cache._state  # noqa: SLF001
