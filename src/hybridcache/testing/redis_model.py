"""A model of one Redis server: a command in, the raw reply out, nothing else.

It has what the library sends: a few commands, the shipped scripts as atomic steps,
expiry by a clock that is handed in, and publishing by a function that is handed in.
What Redis 6.2 answers, errors included, it answers; tests/property/
test_redis_model.py compares the two by random calls.
"""

# ruff: noqa: SLF001 (the table at the end is of the class's own commands)

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha1
from typing import Final, TypeAlias

import attrs

from hybridcache.engine.request import Argument, ServerError
from hybridcache.testing.keyspace import (
    SYNTAX,
    Held,
    Item,
    Keyspace,
    Refusal,
    Refuses,
    integer,
)
from hybridcache.testing.redis_scripts import STEPS, Running

_NO_SCRIPT: Final = "NOSCRIPT No matching script. Please use EVAL."


@attrs.frozen
class Snapshot:
    """What a server held at one moment; see `RedisModel.restore`."""

    items: Mapping[bytes, Item]


class RedisModel:
    """One server's data, scripts and clock; commands are atomic. Not thread-safe.

    Args:

        now_us: The server's clock, microseconds since 1970 or any other instant.

        publish: Told of each message: the channel and the bytes. It may return how
            many subscribers it reached; without, the reply to PUBLISH is 1.
    """

    def __init__(
        self,
        now_us: Callable[[], int],
        publish: Callable[[str, bytes], int | None],
    ) -> None:
        self._now_us = now_us
        self._now: int | None = None
        self._publish = publish
        self._space = Keyspace(self._clock)
        self._running = Running(self._space, self._published)
        self._scripts: set[str] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self._space.items)} names)"

    # Commands

    def call(self, *args: Argument) -> object:
        """Execute one command and return its reply as a reply reader gives it.

        That is bytes, int, None, a list, or a ServerError in its place.

        Raises:

            LookupError: The model does not know the command or the script.
        """
        words = [arg if type(arg) is bytes else _bytes(arg) for arg in args]
        name = words[0].upper()
        command = _COMMANDS.get(name)
        if command is None:
            msg = f"the model of Redis does not know the command {name.decode()}"
            raise LookupError(msg)
        fewest, most, step = command
        if not fewest <= len(words) - 1 <= most:
            return ServerError(
                f"ERR wrong number of arguments for '{name.decode().lower()}' command"
            )
        # Time stands still within a command, as it does within a script in Redis.
        self._now, self._space.has_written = self._now_us(), False
        try:
            return step(self, words[1:])
        except Refusal as error:
            return ServerError(str(error))
        finally:
            self._now = None

    def _clock(self) -> int:
        return self._now_us() if self._now is None else self._now

    def _published(self, channel: bytes, message: bytes) -> int:
        reached = self._publish(_name(channel), message)
        return 1 if reached is None else reached

    def _set(self, words: Sequence[bytes]) -> object:
        # Refused before its options are read.
        self._space.begin_write(more=True)
        name, value, *options = words
        px, only_new = None, False
        while options:
            option = options.pop(0).upper()
            if option == b"NX":
                only_new = True
            elif option == b"PX" and options and px is None:
                px = options.pop(0)
            else:
                raise Refusal(SYNTAX)
        return self._space.set(name, value, px=px, only_new=only_new)

    def _flush_all(self) -> bytes:
        self._space.begin_write(more=False)
        self._space.items.clear()
        return b"OK"

    def _eval(self, words: Sequence[bytes]) -> object:
        sha = _sha_of(words[0])
        if sha not in STEPS:
            msg = "the model of Redis knows the shipped scripts alone"
            raise LookupError(msg)
        self._scripts.add(sha)
        return self._run(sha, words[1:])

    def _eval_sha(self, words: Sequence[bytes]) -> object:
        sha = words[0].decode().lower()
        if sha not in self._scripts:
            raise Refusal(_NO_SCRIPT)
        return self._run(sha, words[1:])

    def _run(self, sha: str, words: Sequence[bytes]) -> object:
        count = integer(words[0])
        names, args = words[1 : 1 + count], words[1 + count :]
        return STEPS[sha](self._running, names, args)

    # Faults

    def snapshot(self) -> Snapshot:
        """Keep what it holds now."""
        return Snapshot(dict(self._space.items))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to *snapshot*, as a failover does that loses the writes since.

        What expired meanwhile has expired. Scripts stay: see `flush_scripts`.
        """
        self._space.items.clear()
        self._space.items.update(snapshot.items)

    def restart(self, keep_data: bool) -> None:
        """Forget the scripts, and the data unless it was saved."""
        self.flush_scripts()
        if not keep_data:
            self._space.items.clear()

    def evict(self, name: str) -> bool:
        """Drop *name* as a full server does; False if it held nothing."""
        held = self._space.find(_bytes(name)) is not None
        self._space.items.pop(_bytes(name), None)
        return held

    def put_raw(self, name: str, data: bytes) -> None:
        """Put any bytes under *name*, without expiry."""
        self._space.items[_bytes(name)] = Item(data)

    def damage(self, name: str, value: Held) -> None:
        """Put any value in the place of another, which expires when that would have."""
        item = self._space.find(_bytes(name)) or Item(value)
        self._space.items[_bytes(name)] = attrs.evolve(item, value=value)

    def refuse(self, what: Refuses) -> None:
        """Refuse such writes from now on, as a server that is full or a replica."""
        self._space.refuses = what

    @property
    def refuses(self) -> Refuses:
        """Which writes it refuses."""
        return self._space.refuses

    def names(self) -> list[str]:
        """Return the names of all that has not expired, sorted."""
        return sorted(map(_name, self._space.living()))

    def flush_scripts(self) -> None:
        """Forget the scripts: EVALSHA answers NOSCRIPT until EVAL brings them."""
        self._scripts.clear()


@lru_cache(maxsize=16)
def _sha_of(source: bytes) -> str:
    return sha1(source, usedforsecurity=False).hexdigest()


def _bytes(arg: Argument) -> bytes:
    if isinstance(arg, str):
        return arg.encode("utf-8", "surrogateescape")
    return arg if isinstance(arg, bytes) else b"%d" % arg


def _name(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


_Step: TypeAlias = Callable[[RedisModel, list[bytes]], object]
_MANY: Final = 2**31


def _multi_get(model: RedisModel, words: list[bytes]) -> list[bytes | None]:
    return [model._space.string(name) for name in words]


# Fewest and most arguments, and what is done.
_COMMANDS: Final[Mapping[bytes, tuple[int, int, _Step]]] = {
    b"APPEND": (2, 2, lambda model, words: model._space.append(*words)),
    b"DEL": (1, _MANY, lambda model, words: model._space.delete(*words)),
    b"EVAL": (2, _MANY, RedisModel._eval),
    b"EVALSHA": (2, _MANY, RedisModel._eval_sha),
    b"FLUSHALL": (0, 0, lambda model, _: model._flush_all()),
    b"GET": (1, 1, lambda model, words: model._space.get(*words)),
    b"GETRANGE": (3, 3, lambda model, words: model._space.get_range(*words)),
    b"LPUSH": (2, _MANY, lambda model, words: model._space.left_push(*words)),
    b"MGET": (1, _MANY, _multi_get),
    b"PEXPIRE": (2, 2, lambda model, words: model._space.expire(*words)),
    b"PTTL": (1, 1, lambda model, words: model._space.left_ms(*words)),
    b"PUBLISH": (2, 2, lambda model, words: model._published(*words)),
    b"SET": (2, _MANY, RedisModel._set),
    b"TIME": (0, 0, lambda model, _: model._space.time()),
}
