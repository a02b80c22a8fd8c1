"""The model of Redis answers as a real server does, and holds the same afterwards.

Both get the same random calls. The model's clock is the real server's, read with
each call; where the reply tells the time, it is the time told. Of what is left to
live the two may differ by `SLACK`: the server reads its clock more than once.
"""

from collections.abc import Callable, Iterator
from functools import partial
from time import sleep

import attrs
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.client import PubSub

from hybridcache.adapters.upstream.blocking import BlockingUpstream
from hybridcache.adapters.upstream.replies import lacks_script
from hybridcache.adapters.upstream.template import template_of
from hybridcache.engine import scripts
from hybridcache.engine.request import (
    Argument,
    Call,
    Command,
    ServerError,
    microseconds,
    optional_bytes,
    sequence,
)
from hybridcache.testing import redis_scripts
from hybridcache.testing.keyspace import Keyspace, Refuses
from hybridcache.testing.redis_model import RedisModel
from hybridcache.testing.redis_scripts import STEPS, Arguments, Names, Running
from hybridcache.testing.redis_scripts import Step as RedisStep
from tests.falsified import falsified

# One key's names, as the library would have them, and one for plain commands.
ENTRY, LEASE, FAILURE, RETRY, RESULT, OTHER = "{k}", "{k}l", "{k}f", "{k}r", "{k}x", "o"
NAMES = [ENTRY, LEASE, FAILURE, RETRY, RESULT, OTHER]
TOKENS = ["a" * 4, "b" * 4]
CHANNEL = "ch"
PRELUDE = b"HYC1"
# So long that no run reaches the end, or so short that a nap does, in milliseconds.
LONG, SHORT, NAP, SLACK = 100_000, 40, 50, 4
# As many as the profile for CI looks at.
EXAMPLES = 300
VERSIONS = [0, 1, 10**15, 2**53 - 2, 2**53 - 1, 2**53, 2**53 + 1, 2**64 - 1]


@attrs.frozen
class Nap:
    """Time passes, past every short time to live."""


class Unclear(Exception):  # noqa: N818 (it ends an example, and is no mistake)
    """Something expires at about this time: either answer would be right."""


@attrs.frozen
class Flush:
    """SCRIPT FLUSH."""


@attrs.frozen
class Refuse:
    """The server refuses such writes from now on: it is full, or a replica."""

    what: Refuses


_names = st.sampled_from(NAMES)
_tokens = st.sampled_from(TOKENS)
_ms = st.sampled_from([LONG] * 12 + [SHORT, SHORT, 0, -1, 2**63 - 1, 2**63, "x", "01"])
_record_ms = st.sampled_from([0, 0, LONG, LONG, SHORT, -1, 2**63 - 1, 2**70])
_entries = st.one_of(
    st.sampled_from([b"", b"HY", PRELUDE, PRELUDE + bytes(7), b"XXXX" + bytes(16)]),
    st.sampled_from(VERSIONS).map(lambda n: PRELUDE + n.to_bytes(8) + b"rest"),
    st.binary(max_size=20),
)
_leases = st.one_of(
    st.tuples(_tokens, st.sampled_from(["", "+", "++"])).map("".join),
    st.sampled_from(["", "aa", "aaaaa"]),
)
_values = st.one_of(_entries, _leases.map(str.encode))
_marks = st.sampled_from(["", "e", "w", "t", "ew", "et", "ewt"])
_modes = st.sampled_from(["load", "refresh", "force"])
_rejected = st.sampled_from([b"", PRELUDE, PRELUDE + bytes(8), b"no"])
_ends = st.sampled_from([0, 1, 3, 7, 50, -1, -3, -50, "x", 2**63])

_plain = st.one_of(
    st.tuples(st.just("GET"), _names),
    st.tuples(st.just("GETRANGE"), _names, _ends, _ends),
    st.tuples(st.just("MGET"), _names, _names),
    st.tuples(st.just("SET"), _names, _values),
    st.tuples(st.just("SET"), _names, _values, st.just("NX")),
    st.tuples(st.just("SET"), _names, _values, st.just("PX"), _ms),
    st.tuples(st.just("SET"), _names, _values, st.just("NX"), st.just("PX"), _ms),
    st.tuples(st.just("SET"), _names, _values, st.sampled_from(["PX", "FOO"])),
    st.tuples(st.just("DEL"), _names, _names),
    st.tuples(st.just("APPEND"), _names, _values),
    st.tuples(st.just("LPUSH"), _names, _values),
    st.tuples(st.just("PEXPIRE"), _names, _ms),
    st.tuples(st.just("PTTL"), _names),
    st.tuples(st.just("TIME")),
    st.tuples(st.just("PUBLISH"), st.just(CHANNEL), _values),
    st.tuples(st.just("FLUSHALL")),
    st.sampled_from([("GET",), ("SET", "x"), ("TIME", "x"), ("DEL",)]),
)
# What only a foreign client does, so that it does not drown the scripts' own doings.
_foreign = st.one_of(
    st.tuples(st.just("LPUSH"), _names, st.just("foreign")),
    st.tuples(st.just("SET"), st.just(ENTRY), _entries),
    st.tuples(st.just("SET"), st.just(LEASE), _leases),
    st.tuples(st.just("PEXPIRE"), _names, st.sampled_from([SHORT, LONG])),
)


def _alone(step: "Step") -> list["Step"]:
    return [step]


def _claims(token: str) -> Call:
    names = (ENTRY, LEASE, FAILURE, RETRY, RESULT)
    return Call(scripts.ACQUIRE, names, (token, LONG, PRELUDE, "load", "ew"))


def _writes(token: str) -> Call:
    names = (ENTRY, LEASE, FAILURE, RETRY)
    args = (token, PRELUDE, b"rest", LONG, CHANNEL, b"S:", "key")
    return Call(scripts.WRITE, names, args)


def _settles(token: str) -> Call:
    names = (LEASE, FAILURE, RETRY, RESULT)
    args = (token, CHANNEL, b"S:", "key", b"Frecord", LONG, LONG, LONG)
    return Call(scripts.SETTLE, names, args)


_acquire = st.builds(
    Call,
    st.just(scripts.ACQUIRE),
    st.just((ENTRY, LEASE, FAILURE, RETRY, RESULT)),
    st.tuples(_tokens, _ms, _rejected, _modes, _marks),
)
_write = st.builds(
    Call,
    st.just(scripts.WRITE),
    st.just((ENTRY, LEASE, FAILURE, RETRY)),
    st.tuples(
        _tokens,
        st.just(PRELUDE),
        st.sampled_from([b"", b"rest"]),
        _ms,
        st.just(CHANNEL),
        st.just(b"S:"),
        st.just("key\u00e9"),
    ),
)
_settle = st.builds(
    Call,
    st.just(scripts.SETTLE),
    st.just((LEASE, FAILURE, RETRY, RESULT)),
    st.tuples(
        _tokens,
        st.just(CHANNEL),
        st.just(b"S:"),
        st.just("key"),
        st.sampled_from([b"", b"Frecord"]),
        _record_ms,
        _record_ms,
        _record_ms,
    ),
)
_scripted = st.one_of(
    _acquire,
    _acquire,
    _write,
    _settle,
    st.builds(Call, st.just(scripts.RENEW), st.just((LEASE,)), st.tuples(_tokens, _ms)),
    st.builds(
        Call,
        st.just(scripts.INVALIDATE),
        st.just((ENTRY, LEASE, FAILURE, RETRY)),
        st.tuples(st.just(CHANNEL), st.just(b"I:m")),
    ),
    st.builds(
        Call,
        st.just(scripts.CLEAR),
        st.just((OTHER,)),
        st.tuples(_tokens, st.just(CHANNEL), st.just(b"C:m")),
    ),
)
# What a cluster mostly does: nothing wrong, and each thing soon after the other.
_usual = st.builds(
    lambda token, step: step(token),
    _tokens,
    st.sampled_from([_claims, _claims, _writes]),
)
_refusing = st.sampled_from([Refuse(what) for what in Refuses])
_rarely = st.one_of(_foreign, _plain, st.just(Nap()), st.just(Flush()), _refusing)
# What takes several steps in their order, which alone would hardly ever meet.
_awaited = st.sampled_from([_writes, _settles]).map(
    lambda ends: [_claims("aaaa"), _claims("bbbb"), ends("aaaa")]
)
_overwritten = st.sampled_from(VERSIONS).map(
    lambda number: [
        ("DEL", LEASE, RESULT),
        ("SET", ENTRY, PRELUDE + number.to_bytes(8) + b"rest"),
        _claims("aaaa"),
        _writes("aaaa"),
    ]
)
_touches = st.sampled_from([("GET",), ("GETRANGE", 0, 3), ("APPEND", "x"), ("PTTL",)])
_expired = st.builds(
    lambda name, how: [
        ("SET", name, "brief", "PX", SHORT),
        Nap(),
        (how[0], name, *how[1:]),
    ],
    _names,
    _touches,
)
_of_wrong_type = st.builds(
    lambda name, step: [("DEL", name, name), ("LPUSH", name, "foreign"), step(name)],
    _names,
    st.one_of(
        _touches.map(lambda how: lambda name: (how[0], name, *how[1:])),
        _touches.map(lambda how: lambda name: (how[0], name, *how[1:])),
        _scripted.map(lambda step: lambda _: step),
    ),
)
_refused = st.builds(
    lambda refuse, step: [_claims("aaaa"), refuse, step, Refuse(Refuses.NOTHING)],
    _refusing,
    _scripted | _plain,
)
# A script that has begun to write may go on.
_settled_when_full = st.just(
    [
        ("DEL", *NAMES),
        _claims("aaaa"),
        Refuse(Refuses.MORE_MEMORY),
        _settles("aaaa"),
        Refuse(Refuses.NOTHING),
    ]
)
_in_order = st.one_of(
    _awaited,
    _overwritten,
    _of_wrong_type,
    _of_wrong_type,
    _of_wrong_type,
    _expired,
    _refused,
    _settled_when_full,
)
# Long runs of scripts with little between, and runs of anything.
_runs = st.lists(
    st.sampled_from([0, 1, 1, 2, 2, 2, 2, 3, 3, 3]).flatmap(
        lambda roll: (
            _rarely.map(_alone),
            _usual.map(_alone),
            _scripted.map(_alone),
            _in_order,
        )[roll]
    ),
    min_size=8,
    max_size=24,
).map(lambda runs: [step for run in runs for step in run])
_mixtures = st.lists(st.one_of(_scripted, _plain, _foreign, _rarely), max_size=30)


Step = Nap | Flush | Refuse | Call | tuple[Argument, ...]


class Pair:
    """A real server and a model, asked the same, and a subscription to each."""

    def __init__(self, url: str, pubsub: PubSub) -> None:
        self.upstream = BlockingUpstream(template_of(url), 5.0)
        self.pubsub = pubsub
        self.now_us = 0
        self.heard: list[tuple[str, bytes]] = []
        self.model = RedisModel(lambda: self.now_us, self._publish)
        self.refuse(Refuses.NOTHING)
        self.ask(("FLUSHALL",), ("SCRIPT", "FLUSH"))
        # Of an example that failed.
        self.messages()

    def _publish(self, channel: str, message: bytes) -> None:
        self.heard.append((channel, message))

    def refuse(self, what: Refuses) -> None:
        """Have both refuse such writes."""
        full, replica = what is Refuses.MORE_MEMORY, what is Refuses.WRITES
        self.ask(
            ("CONFIG", "SET", "maxmemory", int(full)),
            # Of a primary that is not there: it keeps what it has.
            ("REPLICAOF", *(("127.0.0.1", 1) if replica else ("NO", "ONE"))),
        )
        self.model.refuse(what)

    def ask(self, *commands: tuple[Argument, ...]) -> list[object]:
        """Ask the real server, in one go."""
        calls = [Command("", args) for args in commands]
        return self.upstream.exchange(calls, 5.0)

    def same(self, *args: Argument) -> object:
        """Ask both, and compare.

        Raises:

            Unclear: It cannot be compared.
        """
        before, reply, after = self.ask(("TIME",), args, ("TIME",))
        first, last = microseconds(before), microseconds(after)
        self.check_clear(first, last)
        self.now_us = _told(args[0], reply, first)
        assert first <= self.now_us <= last
        modelled = self.model.call(*args)
        assert _alike(reply, modelled), f"{args}: {reply!r} but {modelled!r}"
        return reply

    def check_clear(self, first: int, last: int) -> None:
        """Say whether the instants are clear.

        Raises:

            Unclear: What the model holds ends at about this time, or the server was
                held up between the two.
        """
        if last - first > SLACK * 500:
            raise Unclear
        for item in self.model.snapshot().items.values():
            end = item.until_ms
            if end and first // 1000 - SLACK <= end <= last // 1000 + SLACK:
                raise Unclear

    def compare(self) -> None:
        """Compare all that the two hold.

        Raises:

            Unclear: It cannot be compared.
        """
        asked = [
            command
            for name in NAMES
            for command in (("GET", name), ("LRANGE", name, 0, -1), ("PTTL", name))
        ]
        before, keys, *replies, after = self.ask(
            ("TIME",), ("KEYS", "*"), *asked, ("TIME",)
        )
        self.check_clear(microseconds(before), microseconds(after))
        self.now_us = microseconds(before)
        names = sorted(optional_bytes(name) or b"" for name in sequence(keys))
        assert names == [name.encode() for name in self.model.names()]
        items = self.model.snapshot().items
        for place, name in enumerate(NAMES):
            string, members, left = replies[3 * place : 3 * place + 3]
            item = items.get(name.encode())
            value: object = None if item is None else item.value
            if isinstance(value, tuple):
                assert list(value) == members
            else:
                assert value == string
            assert _alike(left, self.model.call("PTTL", name))

    def messages(self) -> list[tuple[str, bytes]]:
        """Return what a subscriber of the real server has received."""
        self.ask(("PUBLISH", CHANNEL, "the last"))
        received: list[tuple[str, bytes]] = []
        while (message := self.pubsub.get_message(timeout=5)) is not None:
            if message["data"] == b"the last":
                return received
            received.append((message["channel"].decode(), message["data"]))
        pytest.fail("a message was lost")


def _told(command: Argument, reply: object, otherwise: int) -> int:
    match reply:
        case [b"stored", int(), int(instant)]:
            return instant
        case [b"entry", bytes(seconds), bytes(micros), _]:
            return microseconds([seconds, micros])
        case [bytes(seconds), bytes(micros)] if command == "TIME":
            return microseconds([seconds, micros])
        case _:
            return otherwise


def _alike(real: object, modelled: object) -> bool:
    match real, modelled:
        case [b"stored", *_], _:
            return real == modelled
        case list(), list():
            return len(real) == len(modelled) and all(map(_alike, real, modelled))
        case int(), int() if real > SLACK and modelled > SLACK:
            return abs(real - modelled) <= SLACK
        case _:
            return real == modelled


@pytest.fixture(name="subscribed")
def _subscribed(redis_url: str) -> Iterator[tuple[str, PubSub]]:
    """A real server's URL and a subscription there."""
    with redis.Redis.from_url(redis_url) as client:
        pubsub = client.pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(CHANNEL)
        pubsub.get_message(timeout=5)
        yield redis_url, pubsub
        pubsub.close()


def _all_the_same(subscribed: tuple[str, PubSub], steps: list[Step]) -> None:
    pair = Pair(*subscribed)
    try:
        _follow(pair, steps)
    finally:
        pair.refuse(Refuses.NOTHING)
        pair.upstream.end()


def _follow(pair: Pair, steps: list[Step]) -> None:
    clear = True
    try:
        for step in steps:
            match step:
                case Nap():
                    sleep(NAP / 1000)
                case Flush():
                    pair.ask(("SCRIPT", "FLUSH"))
                    pair.model.flush_scripts()
                case Refuse(what):
                    pair.refuse(what)
                case Call(script, names, args):
                    tail = (len(names), *names, *args)
                    reply = pair.same("EVALSHA", script.sha, *tail)
                    if lacks_script([reply]):
                        pair.same("EVAL", script.source, *tail)
                case tuple():
                    pair.same(*step)
            pair.compare()
    except Unclear:
        clear = False
    messages = pair.messages()
    assert messages == pair.heard or not clear


@settings(suppress_health_check=list(HealthCheck))
@given(steps=_runs | _mixtures)
def test_the_model_does_what_redis_does(
    subscribed: tuple[str, PubSub], steps: list[Step]
) -> None:
    """The same calls get the same replies, keyspace and messages, after each call."""
    _all_the_same(subscribed, steps)


def _changed(
    patch: pytest.MonkeyPatch,
    script: scripts.Script,
    change: Callable[[RedisStep], RedisStep],
) -> None:
    steps = dict(STEPS)
    steps[script.sha] = change(steps[script.sha])
    patch.setattr("hybridcache.testing.redis_model.STEPS", steps)


def _renew_any_token(patch: pytest.MonkeyPatch) -> None:
    def change(renew: RedisStep) -> RedisStep:
        def renewed(on: Running, names: Names, args: Arguments) -> object:
            lease = on.space.string(names[0])
            return renew(on, names, [lease or b"", args[1]])

        return renewed

    _changed(patch, scripts.RENEW, change)


def _write_any_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(redis_scripts, "_stands", lambda lease, _: lease is not None)


def _silent(script: scripts.Script) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(patch: pytest.MonkeyPatch) -> None:
        def change(step: RedisStep) -> RedisStep:
            def quietly(on: Running, names: Names, args: Arguments) -> object:
                return step(attrs.evolve(on, publish=lambda *_: 0), names, args)

            return quietly

        _changed(patch, script, change)

    return plant


def _grant_over_a_lease(patch: pytest.MonkeyPatch) -> None:
    claim = redis_scripts._claim

    def claimed(space: Keyspace, lease: bytes, args: Arguments) -> object:
        return claim(space, lease, [*args[:4], args[4] + b"t"])

    patch.setattr(redis_scripts, "_claim", claimed)


def _mark_no_waiter(patch: pytest.MonkeyPatch) -> None:
    claim = redis_scripts._claim

    def claimed(space: Keyspace, lease: bytes, args: Arguments) -> object:
        return claim(space, lease, [*args[:4], args[4].replace(b"w", b"")])

    patch.setattr(redis_scripts, "_claim", claimed)


def _heed_no_failure(patch: pytest.MonkeyPatch) -> None:
    instead = redis_scripts._instead

    def answer(space: Keyspace, names: Names, args: Arguments) -> object:
        return instead(space, names, [*args[:3], b"force", args[4]])

    patch.setattr(redis_scripts, "_instead", answer)


def _leave_records(patch: pytest.MonkeyPatch) -> None:
    delete = Keyspace.delete
    patch.setattr(Keyspace, "delete", lambda space, *names: delete(space, *names[:2]))


def _live_longer(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Keyspace, "find", lambda space, name: space.items.get(name))


def _never_expire(patch: pytest.MonkeyPatch) -> None:
    put = Keyspace.set
    patch.setattr(
        Keyspace,
        "set",
        lambda space, name, value, **options: put(
            space, name, value, only_new=options.get("only_new", False)
        ),
    )


def _versions_go_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(redis_scripts, "_EXACT", 0)


def _lists_are_absent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Keyspace, "get", Keyspace.string)


def _lists_are_refused(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Keyspace, "string", Keyspace.get)


def _answer_true(patch: pytest.MonkeyPatch) -> None:
    def change(settle: RedisStep) -> RedisStep:
        def settled(on: Running, names: Names, args: Arguments) -> object:
            return b"1" if settle(on, names, args) else 0

        return settled

    _changed(patch, scripts.SETTLE, change)


def _keep_scripts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(RedisModel, "flush_scripts", lambda _: None)


def _refuse_nothing(what: Refuses) -> Callable[[pytest.MonkeyPatch], None]:
    def refuse(model: RedisModel, refused: Refuses) -> None:
        model._space.refuses = Refuses.NOTHING if refused is what else refused

    return lambda patch: patch.setattr(RedisModel, "refuse", refuse)


def _refuse_within(patch: pytest.MonkeyPatch) -> None:
    begin = Keyspace.begin_write

    def begun(space: Keyspace, *, more: bool) -> None:
        space.has_written = False
        begin(space, more=more)

    patch.setattr(Keyspace, "begin_write", begun)


def _refuse_all_when_full(patch: pytest.MonkeyPatch) -> None:
    begin = Keyspace.begin_write
    patch.setattr(Keyspace, "begin_write", lambda space, more: begin(space, more=True))


_MUTATIONS = {
    "a lease is renewed under any token": _renew_any_token,
    "a lease stands for any token": _write_any_token,
    "a write tells no waiter": _silent(scripts.WRITE),
    "a settlement tells no waiter": _silent(scripts.SETTLE),
    "an invalidation tells nobody": _silent(scripts.INVALIDATE),
    "a lease is granted over another": _grant_over_a_lease,
    "a waiter leaves no mark": _mark_no_waiter,
    "failures are not heeded": _heed_no_failure,
    "records outlive an invalidation": _leave_records,
    "what has expired is found": _live_longer,
    "nothing expires": _never_expire,
    "versions go back": _versions_go_back,
    "a command takes a list for nothing": _lists_are_absent,
    "a script fails at a list": _lists_are_refused,
    "a script answers in bytes": _answer_true,
    "scripts outlive SCRIPT FLUSH": _keep_scripts,
    "a full server takes more": _refuse_nothing(Refuses.MORE_MEMORY),
    "a full server deletes nothing": _refuse_all_when_full,
    "a full server stops a script that has written": _refuse_within,
    "a replica takes writes": _refuse_nothing(Refuses.WRITES),
}


@pytest.mark.parametrize("plant", _MUTATIONS.values(), ids=_MUTATIONS.keys())
def test_a_model_that_does_otherwise_is_noticed(
    plant: Callable[[pytest.MonkeyPatch], None],
    subscribed: tuple[str, PubSub],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the model does otherwise than Redis shows within the usual examples."""
    plant(monkeypatch)

    assert falsified(
        partial(_all_the_same, subscribed), EXAMPLES, steps=_runs | _mixtures
    )


@pytest.fixture(name="model")
def _model() -> RedisModel:
    """A model whose clock stands still."""
    return RedisModel(lambda: 5_000_000, lambda channel, message: None)


def test_a_snapshot_loses_later_writes(model: RedisModel) -> None:
    """A failover goes back to the snapshot, and leaves the snapshot as it is."""
    model.put_raw("kept", b"1")
    snapshot = model.snapshot()
    for _ in range(2):
        model.put_raw("kept", b"2")
        model.put_raw("lost", b"2")
        model.restore(snapshot)

        assert (["kept"], b"1") == (model.names(), model.call("GET", "kept"))


@pytest.mark.parametrize("keep", [True, False])
def test_a_restart_forgets_the_scripts(model: RedisModel, *, keep: bool) -> None:
    """A restarted server knows no script, and the data only if it was saved."""
    model.put_raw("k", b"1")
    model.call("EVAL", scripts.RENEW.source, 1, "lease", "token", 1)
    assert 0 == model.call("EVALSHA", scripts.RENEW.sha, 1, "lease", "token", 1)

    model.restart(keep)

    answer = model.call("EVALSHA", scripts.RENEW.sha, 1, "lease", "token", 1)
    assert isinstance(answer, ServerError)
    assert "NOSCRIPT" == answer.code
    assert (["k"] if keep else []) == model.names()


def test_an_evicted_name_is_gone(model: RedisModel) -> None:
    """Eviction drops what is there and says whether anything was."""
    model.put_raw("k", b"1")

    assert [True, False] == [model.evict("k"), model.evict("k")]


def test_time_to_live_ends_after_its_last_millisecond() -> None:
    """A key lives through the millisecond in which its time is up, as in Redis."""
    now = [7_000_999]
    model = RedisModel(lambda: now[0], lambda channel, message: None)
    model.call("SET", "k", "1", "PX", 10)
    left = []
    for instant in (7_000_999, 7_009_999, 7_010_000, 7_010_999, 7_011_000):
        now[0] = instant
        left.append(model.call("PTTL", "k"))

    assert [10, 1, 0, 0, -2] == left


def test_what_the_library_never_sends_is_unknown(model: RedisModel) -> None:
    """A command or a script that the model has not is a mistake of the test's."""
    with pytest.raises(LookupError, match="HGET"):
        model.call("HGET", "k", "f")
    with pytest.raises(LookupError, match="shipped scripts"):
        model.call("EVAL", "return 1", 0)
