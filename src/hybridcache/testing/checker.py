"""Judge a history: each rule of the design that can be judged from outside.

A rule is a function of what happened that names each breach: most judge a record as
soon as it is taken down, some need the whole. What the design itself
allows is an excuse, stated with its reason where it is made: a call, a policy, or a
fault that was injected, so that a run without that fault is judged without the excuse.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hybridcache.testing.evidence import Evidence
from hybridcache.testing.history import (
    CarriedOut,
    Deleted,
    Granted,
    Happening,
    History,
    Invalidated,
    LeaseLost,
    LoadBegan,
    LookupEnded,
    Stored,
)
from hybridcache.testing.invalidation_rules import (
    carried_out_by_who_called,
    invalidated_elsewhere,
    invalidated_here,
    nothing_else_is_invalidated,
)
from hybridcache.testing.load_rules import (
    leases_are_kept,
    loads_end,
    loads_have_leases,
    no_needless_lease,
    one_load_at_once,
    tokens_stand,
    what_was_made_is_stored,
)
from hybridcache.testing.lookup_rules import (
    down_where_redis_was,
    ended_with_something,
    errors_have_reasons,
    handed_to_who_waited,
    memory_forgets,
    nothing_expired,
    only_stored_is_kept,
    refreshes_are_new,
    settled_in_time,
    timeouts_have_reasons,
    values_are_intact,
    values_are_loaded,
)


class Judge:
    """Judges a history: each record when it is taken down, and the whole at the end.

    Attributes:

        found: The breaches so far, in words.
    """

    def __init__(self, history: History) -> None:
        self._seen = Evidence(history)
        self.found: list[str] = []

    def saw(self, one: Happening) -> None:
        """Judge what happened next by what went before."""
        self._seen.take(one)
        for rule in AT_ONCE.get(type(one), ()):
            self.found += rule(self._seen, one)

    def whole(self) -> list[str]:
        """Judge what only the whole shows; return every breach."""
        for rule in AT_THE_END:
            self.found += rule(self._seen)
        return self.found


def check(history: History) -> list[str]:
    """Return every breach of a rule, in words; none if all held."""
    judge = Judge(history)
    for one in history.happenings:
        judge.saw(one)
    return [*history.breaches, *judge.whole()]


def nothing_left(seen: Evidence) -> Iterator[str]:
    """When all is healed and closed nothing is left behind (14)."""
    for what in seen.history.left_behind:
        yield f"rule 14: left behind: {what}"


# What a record says is judged by what was taken down before it: no fault that comes
# later can have caused it. The types of the rules' records are the keys.
AT_ONCE: Final[Mapping[type, tuple[Callable[[Evidence, Any], Iterator[str]], ...]]] = {
    LookupEnded: (
        values_are_loaded,
        values_are_intact,
        nothing_expired,
        memory_forgets,
        only_stored_is_kept,
        invalidated_here,
        invalidated_elsewhere,
        refreshes_are_new,
        handed_to_who_waited,
        ended_with_something,
        errors_have_reasons,
        settled_in_time,
        down_where_redis_was,
    ),
    CarriedOut: (nothing_else_is_invalidated,),
    Deleted: (nothing_else_is_invalidated,),
    Invalidated: (carried_out_by_who_called,),
    LoadBegan: (one_load_at_once, loads_have_leases),
    Granted: (no_needless_lease,),
    LeaseLost: (leases_are_kept,),
    Stored: (tokens_stand,),
}
AT_THE_END: Final[tuple[Callable[[Evidence], Iterator[str]], ...]] = (
    timeouts_have_reasons,
    loads_end,
    what_was_made_is_stored,
    nothing_left,
)
