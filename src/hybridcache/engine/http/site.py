"""What the flows of HTTP are given: the cache's inside, the policy, and the outside."""

from collections.abc import Callable
from typing import TypeAlias

import attrs

from hybridcache.core.http.message import Head, Record, Request
from hybridcache.core.http.policy import HTTPPolicy
from hybridcache.core.policy import LONGEST, Policy, RunIn, Suppress
from hybridcache.core.reply import NoStore, Store
from hybridcache.engine.context import Context, Query
from hybridcache.engine.current import Loader
from hybridcache.engine.form import Shape
from hybridcache.engine.http.marks import Passes, Siblings, Uses
from hybridcache.engine.kept import Kept
from hybridcache.engine.latch import Latch
from hybridcache.engine.tally import Tally

Reply: TypeAlias = Store[Record] | NoStore[Record]


@attrs.frozen
class Fetched:
    """A whole response that was fetched in the background.

    Attributes:

        head: Its status and fields.

        body: All of its content.

        requested_at: When it was asked for, seconds since 1970.

        received_at: When its head came, seconds since 1970.
    """

    head: Head
    body: bytes
    requested_at: float
    received_at: float


Conclude: TypeAlias = Callable[[Fetched], Reply]
"""Says what becomes of what was fetched; raises where that was of no use."""


Fetcher: TypeAlias = Callable[[Request, Conclude], Loader]
"""Returns a loader that makes a request in the background and concludes from it."""


@attrs.frozen(eq=False)
class Site:
    """One application, or one client, behind a cache.

    Attributes:

        ctx: The cache's context, as it is now.

        policy: What may be stored and served.

        shape: The codec of :data:`~hybridcache.core.http.message.Record`.

        wall: Seconds since 1970: a Date is held against it (RFC 9111, section 4.2.3).

        tally: Where the lookups of a route are counted.

        bypassed: Whether the cache is bypassed in the current context.

        wait: What a loader returns: what a latch is settled with; an error is raised.
            An awaitable of that in the async colour.

        caller: Who calls: the thread, or the task.

        indexable: Whether memory may serve by a request's place alone.

        index: Records by the places of the requests that they answer.

        leading: Who leads the load of which key right now.
    """

    ctx: Callable[[], Context]
    policy: HTTPPolicy
    shape: Shape[Record]
    wall: Callable[[], float]
    tally: Callable[[str], Tally]
    bypassed: Callable[[], bool]
    wait: Callable[[Latch[object], float], object]
    caller: Callable[[], object]
    indexable: Callable[[], bool]
    index: dict[object, Kept] = attrs.field(factory=dict, init=False)
    passes: Passes = attrs.field(factory=Passes, init=False)
    uses: Uses = attrs.field(factory=Uses, init=False)
    siblings: Siblings = attrs.field(factory=Siblings, init=False)
    leading: set[tuple[object, str]] = attrs.field(factory=set, init=False)
    lives: Policy = attrs.field(init=False)
    beside: Policy = attrs.field(init=False)
    behind: Policy = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Derive how the engine treats what HTTP stores."""
        # Each response brings its own lives; these are for what brings none.
        lives = Policy(
            fresh_for=0.0,
            ttl=LONGEST,
            wait_for=self.policy.wait_for,
            run_in=RunIn.CALLER,
        )
        object.__setattr__(self, "lives", lives)
        beside = lives.evolve(suppress=Suppress.NONE)
        object.__setattr__(self, "beside", beside)
        object.__setattr__(self, "behind", lives.evolve(run_in=RunIn.WORKER))

    def query(self, key: str, loader: Loader, policy: Policy) -> Query[Record]:
        """Return the lookup of *key*."""
        return Query(key, policy, self.shape, loader, self.tally(""))


def nothing() -> object:
    """Stand for the loader of a lookup that only looks."""
    raise AssertionError
