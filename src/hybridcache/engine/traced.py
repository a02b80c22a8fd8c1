"""Lookups inside spans: all of one, or the part that memory could not serve."""

from typing import TypeAlias, TypeVar

from hybridcache.core.outcome import Outcome
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context, Query
from hybridcache.engine.flights import Failed

V = TypeVar("V")

Ending: TypeAlias = Outcome[V] | Failed
"""What a lookup ends in, if it is not itself to blame for an error."""


def traced(ctx: Context, query: Query[V], flow: Flow[Ending[V]]) -> Flow[Ending[V]]:
    """Run the part of a lookup that memory could not serve, inside a span.

    Inside a span that is recorded the whole lookup has one already.
    """
    tracing = ctx.tracing
    if not tracing.active or tracing.recording():
        return flow
    return in_span(ctx, query, flow)


def in_span(ctx: Context, query: Query[V], flow: Flow[Ending[V]]) -> Flow[Ending[V]]:
    """Run *flow* inside a span that says what the lookup ended in."""
    with ctx.tracing.lookup(query.function, query.key) as span:
        ending = yield from flow
        if isinstance(ending, Failed):
            span.failed(ending.error)
        else:
            span.served(ending)
    return ending
