"""Whether a server is fit for a cache: the verdict, and the page that shows it."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from hybridcache.cli.checkup import Answers
from hybridcache.core.readable import page, seconds, size

# Valkey 7.2 and later call themselves Redis 7.2.4 here.
OLDEST: Final = (6, 2)
# In a cluster the name that is tried may be another node's: that is no refusal.
_ELSEWHERE: Final = ("MOVED ", "ASK ")
_WORK: Final = {True: "accepted", False: "refused", None: "not known"}
# Said of a name that the user has no right to, by Redis 6.2, by 7 and by scripts.
_NO_ACCESS: Final = ("access one of the keys", "access a key", "access at least one")


@attrs.frozen(kw_only=True)
class Fitness:
    """How a server is, seen from outside of any process.

    Attributes:

        server: Host, port and database.

        reachable: Whether it answered.

        cause: Why not.

        round_trip: Seconds that a request takes.

        version: As it says; empty where it does not.

        role: ``master`` or ``slave``; empty where it does not say.

        scripts: Whether Lua runs.

        reads: Whether a name of the prefix can be read; None if another node has it.

        writes: Whether a script can write a key of the prefix; None likewise.

        pubsub: Whether messages can be published and subscribed to.

        maxmemory: Bytes; 0 for no bound, None where it does not say.

        maxmemory_policy: What happens when these are full.

        prefix: Whose marker and channel were looked at; None for none.

        marker: Whether there is a marker.

        subscribers: How many nodes listen.

        healthy: Whether a cache can use it in full.

        reasons: Why not.

        hints: What an operator might want to know.
    """

    server: str
    reachable: bool
    cause: str = ""
    round_trip: float | None = None
    version: str = ""
    role: str = ""
    scripts: bool | None = None
    reads: bool | None = None
    writes: bool | None = None
    pubsub: bool | None = None
    maxmemory: int | None = None
    maxmemory_policy: str = ""
    prefix: str | None = None
    marker: bool | None = None
    subscribers: int | None = None
    healthy: bool = False
    reasons: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()

    def __str__(self) -> str:
        trip = 0.0 if self.round_trip is None else self.round_trip
        bound = "not known"
        if self.maxmemory is not None:
            bound = size(self.maxmemory) if self.maxmemory else "no bound"
        notes = (*self.reasons, *self.hints)
        return page(
            [
                ("server", self.server),
                ("verdict", "healthy" if self.healthy else "not healthy"),
                *(("", note) for note in notes),
                ("round trip", seconds(trip)),
                ("version", self.version or "not known"),
                ("role", self.role or "not known"),
                ("scripts", "allowed" if self.scripts else "not allowed"),
                ("reads", _WORK[self.reads]),
                ("writes", _WORK[self.writes]),
                ("messages", "allowed" if self.pubsub else "not allowed"),
                ("maxmemory", f"{bound} {self.maxmemory_policy}".rstrip()),
                *self._shared(),
            ]
        )

    def _shared(self) -> list[tuple[str, str]]:
        if self.prefix is None:
            return []
        marker = {True: "there", False: "missing", None: "not known"}[self.marker]
        count = "not known" if self.subscribers is None else str(self.subscribers)
        return [("prefix", self.prefix), ("marker", marker), ("listening", count)]


def unreachable(server: str, cause: str) -> Fitness:
    """Say that *server* did not answer."""
    return Fitness(server=server, reachable=False, cause=cause, reasons=(cause,))


def judged(
    server: str, round_trip: float, answers: Answers, prefix: str | None
) -> Fitness:
    """Judge what a server answered."""
    info = answers.info
    reasons = _reasons(answers, prefix)
    return Fitness(
        server=server,
        reachable=True,
        round_trip=round_trip,
        version=info.get("redis_version", ""),
        role=info.get("role", ""),
        scripts=not answers.scripts_error,
        reads=_works(answers.reads_error),
        writes=_works(answers.writes_error),
        pubsub=not answers.pubsub_error,
        maxmemory=_number(info.get("maxmemory", "")),
        maxmemory_policy=info.get("maxmemory_policy", ""),
        prefix=prefix,
        marker=None if prefix is None else answers.marker,
        subscribers=None if prefix is None else answers.subscribers,
        healthy=not reasons,
        reasons=reasons,
        hints=_hints(answers, prefix),
    )


def _number(text: str) -> int | None:
    # As long as 64 bits can be.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None  # noqa: PLR2004 (explained)


def _is_old(version: str) -> bool:
    major, minor, *_ = [*version.split("."), "", ""]
    numbers = (_number(major), _number(minor))
    return None not in numbers and numbers < OLDEST


def _works(error: str) -> bool | None:
    return None if error.startswith(_ELSEWHERE) else not error


def _is_of_another_prefix(error: str, prefix: str | None) -> bool:
    """Whether nothing but the name that was tried was wrong: nobody asked for it."""
    return prefix is None and any(words in error for words in _NO_ACCESS)


def _is_full(info: Mapping[str, str]) -> bool:
    """Whether it has no memory left, and lets go of nothing for a write."""
    used, bound = (
        _number(info.get("used_memory", "")),
        _number(info.get("maxmemory", "")),
    )
    if not used or not bound:
        return False
    return used >= bound and info.get("maxmemory_policy", "") == "noeviction"


def _keys_reasons(answers: Answers, prefix: str | None) -> Iterator[str]:
    """Say why lookups or writes of the prefix's keys would all fail."""
    reads, writes, info = answers.reads_error, answers.writes_error, answers.info
    if _works(reads) is False and not _is_of_another_prefix(reads, prefix):
        yield f"reads are refused: {reads}"
    if prefix is not None and answers.foreign_marker:
        yield (
            "under the marker's name stands what is no marker: nothing is stored here"
            " until clear() replaces it"
        )
    if _is_full(info):
        yield (
            f"it is full and noeviction: writes are refused ({info['used_memory']} of"
            f" {info['maxmemory']} bytes are used)"
        )
    told = (
        answers.scripts_error
        or (reads == writes and reads)
        or (_is_full(info) and "OOM" in writes)
        or (info.get("role") == "slave" and "READONLY" in writes)
        or _is_of_another_prefix(writes, prefix)
    )
    if _works(writes) is False and not told:
        yield f"writes are refused: {writes}"


def _reasons(answers: Answers, prefix: str | None) -> tuple[str, ...]:
    info = answers.info
    reasons: list[str] = []
    version = info.get("redis_version", "")
    if _is_old(version):
        reasons.append(f"Redis {version} is older than 6.2")
    if info.get("role") == "slave":
        reasons.append("it is a replica: it refuses writes")
    if info.get("loading", "0") != "0":
        reasons.append("it is loading its data")
    if answers.scripts_error:
        reasons.append(f"scripts do not run: {answers.scripts_error}")
    reasons += _keys_reasons(answers, prefix)
    if answers.pubsub_error:
        reasons.append(f"messages are not allowed: {answers.pubsub_error}")
    return tuple(reasons)


def _hints(answers: Answers, prefix: str | None) -> tuple[str, ...]:
    info = answers.info
    hints: list[str] = []
    if answers.info_error:
        hints.append(
            "version, role and memory are not known, for INFO is not allowed:"
            f" {answers.info_error}"
        )
    bound = _number(info.get("maxmemory", ""))
    policy = info.get("maxmemory_policy", "")
    if bound == 0:
        hints.append("maxmemory is not set: it may take all memory of its machine")
    if bound and policy == "noeviction" and not _is_full(info):
        hints.append(
            "noeviction: once maxmemory is full, writes are refused and lookups store"
            " in their own memory alone; allkeys-lru or allkeys-lfu suit a cache"
        )
    errors = (answers.reads_error, answers.writes_error)
    of_one = any(_is_of_another_prefix(error, prefix) for error in errors)
    if of_one or (answers.pubsub_error and prefix is None):
        hints.append("rights may be for one prefix alone: say --prefix")
    if prefix is not None and answers.marker is False and not answers.foreign_marker:
        hints.append("no marker: no cache with this prefix has used this Redis yet")
    if prefix is not None and answers.subscribers == 0:
        hints.append("no cache with this prefix listens for messages now")
    return tuple(hints)
