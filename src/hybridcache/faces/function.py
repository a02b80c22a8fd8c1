"""One function of one cache: its keys, its policy and its way to the engine."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import attrs

from hybridcache.core.key_plan import ARGUMENT_TYPES, KeyPlan
from hybridcache.core.policy import Policy
from hybridcache.engine.context import Query
from hybridcache.engine.current import Loader
from hybridcache.engine.form import Shape, Whole
from hybridcache.engine.inquiry import ANY_POLICY, Declared, Inquiry
from hybridcache.engine.kept import Kept
from hybridcache.engine.recall import fresh_in_memory, fresh_until
from hybridcache.engine.tally import HIT_FRESH_IN_MEMORY, Tally
from hybridcache.faces.declared import declared_value
from hybridcache.faces.options import check_policy
from hybridcache.faces.state import CacheState

if TYPE_CHECKING:
    from typing import Unpack

    from hybridcache.core.policy import PolicyChanges

V = TypeVar("V")


@attrs.define(eq=False)
class Function(Generic[V]):
    """What a call of a decorated function needs, made once.

    Attributes:

        state: The cache's inside.

        function: The decorated one.

        plan: Makes keys.

        policy: How its values live.

        name: Its label in metrics.

        tally: Where its lookups are counted.

        index: Records by arguments and their types.

        indexed: Whether the arguments alone may lead to a record; not in a view.

        by_type: Records of functions with one argument, by its type and by itself.
    """

    state: CacheState
    function: Callable[..., object]
    plan: KeyPlan
    policy: Policy
    name: str
    tally: Tally
    index: dict[object, Kept]
    indexed: bool = attrs.field(default=True, kw_only=True)
    by_type: dict[type, dict[object, Kept]] = attrs.field(factory=dict, init=False)
    _shape: Shape[V] | None = attrs.field(default=None, init=False)

    @property
    def shape(self) -> Shape[V]:
        """The codec of the declared type, found at the first call.

        Only then are all names in the annotation sure to be defined.
        """
        if self._shape is None:
            declared = declared_value(self.function)
            self._shape = cast("Shape[V]", self.state.shape(declared))
        return self._shape

    def using(self, **changes: "Unpack[PolicyChanges]") -> "Function[V]":
        """Return the same function under another policy."""
        return Function(
            self.state,
            self.function,
            self.plan,
            self.policy.evolve(**changes),
            self.name,
            self.tally,
            {},
            indexed=False,
        )

    def key(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
        """Make the key of a call."""
        return self.plan.render(args, kwargs)

    def query(self, key: str, loader: Loader) -> Query[V]:
        """Make one lookup, if the cache is open."""
        self.state.check_open(self.tally, self.name)
        return query_of(self.state, key, self.policy, self.shape, loader, self)

    def inquiry(self, key: str) -> Inquiry:
        """Make one look at all that is known of *key*, if the cache is open."""
        return inquiry_of(self.state, key, self.policy, self.shape)

    def recall(self, key: str, arguments: tuple[object, ...] | None) -> Kept | None:
        """Return what memory can serve with nothing else to do, and count it.

        From then on *arguments* alone lead to it, where they imply the key.
        """
        state = self.state
        if not state.direct:
            return None
        ctx = state.wiring.ctx
        now = ctx.now()
        kept = fresh_in_memory(ctx, key, self.policy, self.shape.fingerprint, now)
        if kept is None:
            return None
        self.tally.slots[HIT_FRESH_IN_MEMORY] += 1
        if (
            arguments is not None
            and self.indexed
            and state.indexable
            and isinstance(kept.form, Whole)
        ):
            self._index(kept, arguments)
        return kept

    def _index(self, kept: Kept, arguments: tuple[object, ...]) -> None:
        types = cast("tuple[type, ...]", arguments[len(arguments) // 2 :])
        if not ARGUMENT_TYPES.issuperset(types):
            return
        index, place = self.index, cast("object", arguments)
        if len(types) == 1:
            if types[0] not in self.by_type:
                self.by_type.setdefault(types[0], {})
            index, place = self.by_type[types[0]], arguments[0]
        node = self.state.wiring.ctx.node
        kept.value = kept.form.open()
        node.index(kept, index, place, fresh_until(kept, self.policy))
        if not self.state.indexable:
            # Closed, bypassed or overridden meanwhile, and perhaps on another node now.
            node.disable_indexes()


def query_of(
    state: CacheState,
    key: str,
    policy: Policy,
    shape: Shape[V],
    loader: Loader,
    function: "Function[V] | None" = None,
) -> Query[V]:
    """Make one lookup of an open cache."""
    state.wiring.station.ensure_keeper()
    return Query(
        key,
        policy,
        shape,
        loader,
        state.tally("") if function is None else function.tally,
        "" if function is None else function.name,
        state.bypassed.get(),
    )


def inquiry_of(
    state: CacheState,
    key: str,
    policy: Policy | None,
    shape: Declared | None = None,
) -> Inquiry:
    """Make one look at a key of an open cache; it starts no keeper.

    Raises:

        TypeError: *policy* is none.

        Closed: The cache was closed.
    """
    state.check_open()
    if policy is None:
        policy = ANY_POLICY
    check_policy(policy)
    return Inquiry(key, policy, shape, state.bypassed.get())
