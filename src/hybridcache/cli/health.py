"""``hybridcache health``: whether a Redis is fit for a cache, seen from outside."""

import json
import secrets
import time

import attrs

from hybridcache.adapters.upstream.blocking import BlockingUpstream
from hybridcache.cli.checkup import Checkup, RoundTrip
from hybridcache.cli.exits import Ended, Exit, tell, without_secrets
from hybridcache.cli.fitness import Fitness, judged, unreachable
from hybridcache.cli.place import redis_at
from hybridcache.core.keys import check_prefix
from hybridcache.engine.names import channel_of, names_of
from hybridcache.engine.request import Fault
from hybridcache.faces.upstream import Redis

# Where no prefix is given, a channel of this one is tried.
ANY_PREFIX = "hybridcache:"


def health(url: str, *, prefix: str | None, timeout: float, as_json: bool) -> Exit:
    """Print how the Redis at *url* is, and return the exit code.

    Raises:

        Ended: The URL or the prefix is wrong, or Redis cannot be reached.
    """
    upstream = redis_at(url, timeout)
    try:
        check_prefix(ANY_PREFIX if prefix is None else prefix)
    except ValueError as error:
        raise Ended(Exit.USAGE, str(error)) from None
    fitness = _asked(upstream, prefix)
    if as_json:
        tell(json.dumps(attrs.asdict(fitness)))
    elif fitness.reachable:
        tell(str(fitness))
    if not fitness.reachable:
        line = f"Redis at {fitness.server} cannot be asked: {fitness.cause}"
        raise Ended(Exit.UNREACHABLE, line)
    return Exit.OK if fitness.healthy else Exit.NO


def _asked(upstream: Redis, prefix: str | None) -> Fitness:
    server, timeout = upstream.identity, upstream.timeout
    blocking = BlockingUpstream(upstream.template, timeout)
    try:
        connected = blocking.ask(RoundTrip(), timeout)
        if isinstance(connected, Fault):
            return unreachable(server, without_secrets(connected.cause))
        begun = time.perf_counter()
        blocking.ask(RoundTrip(), timeout)
        round_trip = time.perf_counter() - begun
        tried, random = ANY_PREFIX if prefix is None else prefix, secrets.token_hex(8)
        checkup = Checkup(channel_of(tried, random), names_of(tried, random))
        answers = blocking.ask(checkup, timeout)
        if isinstance(answers, Fault):
            return unreachable(server, without_secrets(answers.cause))
        return judged(server, round_trip, answers, prefix)
    finally:
        blocking.end()
