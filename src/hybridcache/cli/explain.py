"""``hybridcache explain``: what Redis holds of one key, seen from outside."""

import json
from typing import Final

import attrs
import redis

from hybridcache.adapters.upstream.blocking import BlockingUpstream
from hybridcache.cli.checkup import Marked
from hybridcache.cli.exits import Ended, Exit, tell, tell_aside, without_secrets
from hybridcache.cli.place import key_at, redis_at
from hybridcache.core.explanation import Explanation
from hybridcache.core.keys import shown
from hybridcache.core.readable import page
from hybridcache.core.shown_entry import Foreign
from hybridcache.engine.names import channel_of
from hybridcache.faces.cache import Cache
from hybridcache.faces.upstream import Redis

_CODES: Final = {"fresh": Exit.OK, "unreadable": Exit.FOREIGN}


def explain(
    url: str, name: str, *, prefix: str | None, timeout: float, as_json: bool
) -> Exit:
    """Print what Redis holds of a key, and return the exit code.

    Raises:

        Ended: The URL or the key is wrong, Redis cannot be reached, or what is there
            is none of ours.
    """
    upstream = redis_at(url, timeout)
    explanation = _asked(upstream, *key_at(name, prefix))
    if explanation.down.startswith("MOVED "):
        cluster = _cluster_at(url, timeout)
        if cluster is not None:
            explanation = _asked(cluster, *key_at(name, prefix))
    down = without_secrets(explanation.down)
    if as_json:
        tell(json.dumps(_plain(explanation) | {"down": down}))
    elif not down:
        tell(_page(explanation))
    if prefix is not None and found(explanation) == "absent":
        _hint(upstream, prefix, name, timeout)
    if down:
        raise Ended(
            Exit.UNREACHABLE, f"Redis at {upstream.identity} cannot be asked: {down}"
        )
    if isinstance(explanation.redis, Foreign):
        raise Ended(
            Exit.FOREIGN,
            f"{shown(explanation.name)} is no entry of hybridcache:"
            f" {explanation.redis.reason}",
        )
    return _CODES.get(found(explanation), Exit.NO)


def _asked(upstream: Redis, prefix: str, key: str) -> Explanation:
    """Look by the eyes of a cache that has just been made, without a memory."""
    with Cache(prefix=prefix, upstream=upstream) as cache:
        return cache.explain(key)


def _hint(upstream: Redis, prefix: str, name: str, timeout: float) -> None:
    """Say what may be wrong with the question, where nothing was found."""
    if "{" in name and name.endswith("}"):
        line = (
            "KEY has the braces of a name in Redis; with --prefix it is the key alone"
        )
    elif not _is_marked(upstream, prefix, timeout):
        line = f"no cache with the prefix {shown(prefix)} has used this Redis"
    else:
        return
    tell_aside(f"hint: {line}")


def _is_marked(upstream: Redis, prefix: str, timeout: float) -> bool:
    blocking = BlockingUpstream(upstream.template, timeout)
    try:
        # Also where it is not known, as of a cluster's other node.
        return blocking.ask(Marked(channel_of(prefix, "")), timeout) is not False
    finally:
        blocking.end()


def _cluster_at(url: str, timeout: float) -> Redis | None:
    """Return the whole cluster that the URL's node belongs to, if it can be found."""
    try:
        client = redis.RedisCluster.from_url(
            url, socket_timeout=timeout, socket_connect_timeout=timeout
        )
    except redis.exceptions.RedisError:
        return None
    try:
        return Redis(client, timeout=timeout)
    finally:
        client.close()


def found(explanation: Explanation) -> str:
    """Say in one word what Redis holds."""
    held = explanation.redis
    if explanation.down:
        return "unknown"
    if held is None:
        return "absent"
    if isinstance(held, Foreign):
        return "unreadable"
    return "cleared" if held.cleared else held.state


def _plain(explanation: Explanation) -> dict[str, object]:
    """Return what is known from outside of any process."""
    plain = attrs.asdict(explanation)
    known = ("key", "name", "redis", "lease", "holds", "lookup")
    return {"found": found(explanation), **{name: plain[name] for name in known}}


def _page(explanation: Explanation) -> str:
    reasons = list(explanation.lookup.reasons)
    holds = [str(hold) for hold in explanation.holds] or ["none"]
    first, *others = reasons
    return page(
        [
            ("key", shown(explanation.key)),
            ("in Redis", shown(explanation.name)),
            ("found", found(explanation)),
            ("entry", str(explanation.redis or "none")),
            ("lease", str(explanation.lease or "nobody holds it")),
            ("held off", holds[0]),
            *(("", hold) for hold in holds[1:]),
            ("a lookup", f"that finds nothing in memory {explanation.lookup}"),
            ("because", first),
            *(("", reason) for reason in others),
        ]
    )
