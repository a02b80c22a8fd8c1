"""Invalidate a key, or all of them: in Redis, and here whatever Redis answers."""

from hybridcache.core.outcome import Invalidated
from hybridcache.engine.channel_requests import Clear
from hybridcache.engine.command import Flow
from hybridcache.engine.context import Context, ask
from hybridcache.engine.entry_requests import Invalidate
from hybridcache.engine.events import InvalidationDone
from hybridcache.engine.names import names_of
from hybridcache.engine.request import Fault


def invalidate(ctx: Context, key: str) -> Flow[Invalidated]:
    """Have no later lookup here served by a load that began before this.

    What is local is carried out even if the caller is cancelled meanwhile.
    """
    reached = True
    try:
        if ctx.redis is not None and ctx.node.channel is not None:
            names = names_of(ctx.redis.prefix, key)
            request = Invalidate(names, ctx.node.channel, ctx.token())
            answer = yield from ask(ctx, ctx.redis, request)
            reached = not isinstance(answer, Fault)
    finally:
        ctx.node.invalidated(key)
        ctx.observe(InvalidationDone(ctx.cache, "local"))
    return Invalidated(reached_redis=reached)


def clear(ctx: Context) -> Flow[Invalidated]:
    """Invalidate every key of the prefix, in one step."""
    reached = True
    try:
        if ctx.redis is not None and ctx.node.channel is not None:
            marker = ctx.token()
            answer = yield from ask(ctx, ctx.redis, Clear(ctx.node.channel, marker))
            reached = not isinstance(answer, Fault)
    finally:
        # Which of two markers Redis has now, only Redis can tell.
        ctx.node.cleared(None)
        ctx.observe(InvalidationDone(ctx.cache, "local"))
    return Invalidated(reached_redis=reached)
