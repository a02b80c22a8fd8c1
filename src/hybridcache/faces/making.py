"""Check a cache's options, and make its inside of them."""

from collections.abc import Callable

from hybridcache.adapters.codec import MSGPACK, Codec
from hybridcache.adapters.prometheus import Exposition
from hybridcache.adapters.tracing import SpanTracing
from hybridcache.engine.events import Observer
from hybridcache.faces.memory import Memory
from hybridcache.faces.options import check_function
from hybridcache.faces.state import CacheState
from hybridcache.faces.upstream import Upstream


def make_state(
    *,
    name: object,
    prefix: str | None,
    upstream: Upstream | None,
    downstream: object,
    codec: Codec | None,
    observer: Observer | None,
    exposition: Exposition,
    tracing: SpanTracing,
    clock: Callable[[], float],
) -> CacheState:
    """Check a cache's options and make its inside.

    Raises:

        TypeError: An option is of a wrong type.

        ValueError: An option is wrong.
    """
    if not isinstance(name, str):
        msg = f"name must be a str, not {name!r}"
        raise TypeError(msg)
    if downstream is not None and not isinstance(downstream, Memory):
        msg = f"downstream must be a Memory or None, not {downstream!r}"
        raise TypeError(msg)
    if observer is not None:
        check_function("observer", observer)
    if tracing.redact is not None:
        check_function("trace_keys", tracing.redact)
    check_function("clock", clock)
    return CacheState(
        name=name,
        prefix=prefix,
        upstream=upstream,
        downstream=downstream,
        codec=MSGPACK if codec is None else codec,
        observer=observer,
        exposition=exposition,
        tracing=tracing,
        clock=clock,
    )
