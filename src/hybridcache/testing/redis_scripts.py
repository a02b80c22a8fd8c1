"""The shipped scripts once more, in Python: the same effects, the same replies.

The one rule that is written twice in this package, and for that reason compared with
the Lua on a real server by random calls (tests/property/test_redis_model.py). Read
it beside :mod:`hybridcache.engine.scripts`; the order of the steps is the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

import attrs

from hybridcache.engine import scripts
from hybridcache.engine.scripts import Script
from hybridcache.testing.keyspace import FULL, READ_ONLY, Keyspace, Refusal

Names: TypeAlias = Sequence[bytes]
Arguments: TypeAlias = Sequence[bytes]
Publish: TypeAlias = Callable[[bytes, bytes], int]

# Up to here a Lua number counts every integer.
_EXACT: Final = 2**53


@attrs.frozen
class Running:
    """What a script works on."""

    space: Keyspace
    publish: Publish


@contextmanager
def _line(script: Script, number: int) -> Iterator[None]:
    """Name the line of *script* in an error of its ``redis.call``."""
    try:
        yield
    except Refusal as error:
        # Of what a server refuses for its own sake it names the line once more.
        own = str(error) in (FULL, READ_ONLY)
        msg = (
            f"ERR Error running script (call to f_{script.sha}): @user_script:{number}:"
            f" {f'@user_script: {number}: -' if own else ''}{error}"
        )
        raise Refusal(msg) from error


def _acquire(on: Running, names: Names, args: Arguments) -> object:
    answer = _instead(on.space, names, args)
    return _claim(on.space, names[1], args) if answer is None else answer


def _instead(space: Keyspace, names: Names, args: Arguments) -> object:
    """Return what is answered in place of a lease, or None."""
    entry_name, _, failure_name, retry_name, result_name = names
    _, _, rejected, mode, flags = args
    if b"e" in flags:
        entry = space.string(entry_name)
        if entry and not (rejected and entry.startswith(rejected)):
            return [b"entry", *space.time(), entry]
    result = space.string(result_name)
    if result is not None:
        return [b"result", result]
    if mode != b"force":
        failure = space.string(failure_name)
        if failure is not None:
            return [b"failed", space.left_ms(failure_name), failure]
    if mode == b"refresh":
        left = space.left_ms(retry_name)
        if left > 0:
            return [b"held-off", left]
    return None


def _claim(space: Keyspace, lease_name: bytes, args: Arguments) -> object:
    token, ms, _, _, flags = args
    lease = space.string(lease_name)
    awaited = b""
    if lease is not None:
        left = space.left_ms(lease_name)
        holder = lease[: len(token)]
        if holder == token:
            with _line(scripts.ACQUIRE, 29):
                space.expire(lease_name, ms)
            return [b"granted"]
        if len(lease) > len(token):
            awaited = b"+"
        if left > 0 and b"t" not in flags:
            if not awaited and b"w" in flags:
                with _line(scripts.ACQUIRE, 35):
                    space.append(lease_name, b"+")
            return [b"held", holder, left]
    with _line(scripts.ACQUIRE, 40):
        space.set(lease_name, token + awaited, px=ms)
    return [b"granted"]


def _stands(lease: bytes | None, token: bytes) -> bool:
    return lease is not None and lease.startswith(token)


def _renew(on: Running, names: Names, args: Arguments) -> object:
    (lease_name,) = names
    token, ms = args
    if not _stands(on.space.string(lease_name), token):
        return 0
    with _line(scripts.RENEW, 6):
        on.space.expire(lease_name, ms)
    return 1


def _write(on: Running, names: Names, args: Arguments) -> object:
    space = on.space
    entry_name, lease_name, failure_name, retry_name = names
    token, prelude, rest, ms, channel, head, key = args
    lease = space.string(lease_name)
    if lease is None or not _stands(lease, token):
        return [b"lost"]
    version = instant = space.now_us()
    before = (space.string(entry_name) or b"")[: len(prelude) + 8]
    if before.startswith(prelude) and len(before) == len(prelude) + 8:
        number = int.from_bytes(before[len(prelude) :])
        if version <= number < _EXACT:
            version = number + 1
    blob = prelude + version.to_bytes(8) + instant.to_bytes(8) + rest
    with _line(scripts.WRITE, 29):
        space.set(entry_name, blob, px=ms)
    with _line(scripts.WRITE, 30):
        space.delete(lease_name, failure_name, retry_name)
    if len(lease) > len(token):
        on.publish(channel, head + token + key)
    return [b"stored", version, instant]


def _settle(on: Running, names: Names, args: Arguments) -> object:
    space = on.space
    lease_name, failure_name, retry_name, result_name = names
    token, channel, head, key, record, result_ms, error_ms, retry_ms = args
    lease = space.string(lease_name)
    if lease is None or not _stands(lease, token):
        return 0
    with _line(scripts.SETTLE, 7):
        space.delete(lease_name)
    awaited = len(lease) > len(token)
    if int(error_ms) > 0:
        _leave(space, failure_name, record, error_ms)
    if int(retry_ms) > 0:
        _leave(space, retry_name, b"1", retry_ms)
    if awaited and record:
        _leave(space, result_name, record, result_ms)
    if awaited:
        on.publish(channel, head + token + key)
    return 1


def _leave(space: Keyspace, name: bytes, record: bytes, ms: bytes) -> None:
    """Set as ``redis.pcall`` does: an error is passed over."""
    try:
        space.set(name, record, px=ms)
    except Refusal:
        return


def _invalidate(on: Running, names: Names, args: Arguments) -> object:
    entry_name, lease_name, failure_name, retry_name = names
    channel, message = args
    with _line(scripts.INVALIDATE, 2):
        on.space.delete(entry_name, lease_name, failure_name, retry_name)
    on.publish(channel, message)
    return 1


def _clear(on: Running, names: Names, args: Arguments) -> object:
    (marker_name,) = names
    marker, channel, message = args
    with _line(scripts.CLEAR, 2):
        on.space.set(marker_name, marker)
    on.publish(channel, message)
    return 1


Step: TypeAlias = Callable[[Running, Names, Arguments], object]

STEPS: Final[Mapping[str, Step]] = {
    scripts.ACQUIRE.sha: _acquire,
    scripts.RENEW.sha: _renew,
    scripts.WRITE.sha: _write,
    scripts.SETTLE.sha: _settle,
    scripts.INVALIDATE.sha: _invalidate,
    scripts.CLEAR.sha: _clear,
}
"""By SHA-1: what each shipped script does, as one step."""
