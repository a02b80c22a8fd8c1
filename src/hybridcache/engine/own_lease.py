"""A load must not wait for a lease that it holds itself."""

from hybridcache.core.policy import Policy, Suppress
from hybridcache.engine.context import Context
from hybridcache.engine.current import CURRENT
from hybridcache.engine.flights import check_cycle


def check_own_lease(ctx: Context, key: str, policy: Policy, *, bypass: bool) -> None:
    """Refuse to wait for a lease that the load this is part of holds itself.

    A clear may have let go of its flight, so that the key seems free here.

    Raises:

        ReentrantLoad: The caller is part of a load that holds the key's lease.
    """
    parent = CURRENT.get()
    if parent is None or ctx.redis is None or bypass:
        return
    if policy.suppress is not Suppress.CLUSTER:
        # It takes the lease from whoever holds it.
        return
    with ctx.node.lock:
        for holder in ctx.node.leases.holders(key):
            check_cycle(parent.flight, holder)
