"""A decorated function in the sync colour: as a plain function, and as a method."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import attrs

from hybridcache.core.outcome import Invalidated, Outcome, Peeked
from hybridcache.core.policy import Policy
from hybridcache.engine.current import Loader
from hybridcache.engine.drive import drive
from hybridcache.engine.invalidate import invalidate
from hybridcache.engine.lookup import look_up, refresh
from hybridcache.engine.observed import observed
from hybridcache.engine.peek import peek
from hybridcache.faces.function import Function
from hybridcache.faces.wrapper import Parts, make_wrapper

if TYPE_CHECKING:
    from typing import Unpack

    from hybridcache.core.policy import PolicyChanges

V = TypeVar("V")

# Views by their options are made once; options that never repeat are not kept for ever.
MOST_VIEWS = 64


@attrs.frozen(eq=False)
class SyncFunction(Generic[V]):
    """The calls of a decorated function, driven in the calling thread."""

    inner: Function[V]
    views: dict[Policy, Callable[..., object]] = attrs.field(factory=dict, init=False)

    def serve(
        self, key: str, loader: Loader, arguments: tuple[object, ...] | None = None
    ) -> V:
        """Return the value."""
        kept = self.inner.recall(key, arguments)
        if kept is not None:
            return cast("V", kept.form.open())
        return self._outcome(key, loader).value

    def _outcome(self, key: str, loader: Loader) -> Outcome[V]:
        query = self.inner.query(key, loader)
        wiring = self.inner.state.wiring
        flow = observed(wiring.ctx, query, look_up(wiring.ctx, query))
        return drive(flow, wiring.threads)

    def call(self, *args: object, **kwargs: object) -> V:
        """Return the value of a call."""
        return self.serve(self.inner.key(args, kwargs), self._loader(args, kwargs))

    def outcome(self, *args: object, **kwargs: object) -> Outcome[V]:
        """Return the value of a call with what happened."""
        return self._outcome(self.inner.key(args, kwargs), self._loader(args, kwargs))

    def peek(self, *args: object, **kwargs: object) -> Peeked[V]:
        """Say what the tiers hold; never load."""
        # A peek is no lookup: what it raises is not counted.
        self.inner.state.check_open()
        key = self.inner.key(args, kwargs)
        query = self.inner.query(key, self._loader(args, kwargs))
        wiring = self.inner.state.wiring
        return drive(peek(wiring.ctx, query), wiring.threads)

    def refresh(self, *args: object, **kwargs: object) -> Outcome[V]:
        """Load now, whatever the tiers hold."""
        key = self.inner.key(args, kwargs)
        query = self.inner.query(key, self._loader(args, kwargs))
        wiring = self.inner.state.wiring
        flow = observed(wiring.ctx, query, refresh(wiring.ctx, query))
        return drive(flow, wiring.threads)

    def invalidate(self, *args: object, **kwargs: object) -> Invalidated:
        """Have no later call served by a load that began before this one."""
        state = self.inner.state
        state.check_open()
        state.wiring.station.ensure_keeper()
        key = self.inner.key(args, kwargs)
        return drive(invalidate(state.wiring.ctx, key), state.wiring.threads)

    def using(self, **changes: "Unpack[PolicyChanges]") -> Callable[..., object]:
        """Return a view with other options, on the same keys."""
        inner = self.inner.using(**changes)
        view = self.views.get(inner.policy)
        if view is None:
            if len(self.views) >= MOST_VIEWS:
                self.views.clear()
            view = self.views[inner.policy] = plain(SyncFunction(inner))
        return view

    def _loader(self, args: tuple[object, ...], kwargs: dict[str, object]) -> Loader:
        return functools.partial(self.inner.function, *args, **kwargs)


def plain(sync: SyncFunction[V]) -> Callable[..., object]:
    """Make the plain function, with the other calls as its attributes."""
    inner = sync.inner
    parts = Parts(
        inner.function,
        inner.plan,
        inner.index,
        inner.by_type,
        inner.tally,
        inner.state.clock,
        sync.serve,
    )
    made = make_wrapper(parts, is_async=False)
    attributes = {
        "outcome": sync.outcome,
        "peek": sync.peek,
        "refresh": sync.refresh,
        "invalidate": sync.invalidate,
        "using": sync.using,
    }
    made.__dict__.update(attributes)
    return made
