"""The memory tier against a simple model, for every replacement policy."""

import itertools
import math
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable

import attrs
import cachetools
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hybridcache.adapters.eviction import POLICIES, replacement_of
from hybridcache.engine.expiry import Deadlines
from hybridcache.engine.memory import Cause, MemoryKey, MemoryTier, Record

every_policy = pytest.mark.parametrize("policy", POLICIES)

# More keys than there is room for, so that ghosts come back.
keys = st.tuples(st.sampled_from("ab"), st.sampled_from("12345678"))
# Below and above a second to live, where the deadlines change their ways.
lives = st.sampled_from([0.0, 0.25, 0.9, 1.0, 3.0, 100.0, 1e5, math.inf])


@attrs.define(eq=False)
class Labelled(Record):
    """A record with something of its own, as the library's are."""

    label: int = attrs.field(default=0, kw_only=True)


def tier_of(
    policy: str,
    max_items: int,
    max_bytes: int | None = None,
    removed: Callable[[Labelled, Cause], None] = lambda _record, _cause: None,
) -> MemoryTier[Labelled]:
    """Make a tier."""
    return MemoryTier(
        max_items=max_items,
        max_bytes=max_bytes,
        replacement=replacement_of(policy, max_items, max_bytes),
        removed=removed,
    )


class Model(RuleBasedStateMachine):
    """A dict does what the tier does; what the tier evicts, it is told."""

    policy = "s3fifo"

    @initialize(max_items=st.integers(1, 6), max_bytes=st.none() | st.integers(1, 40))
    def make(self, max_items: int, max_bytes: int | None) -> None:
        """An empty tier has whatever bounds."""
        self.now = 1000.0
        self.max_items, self.max_bytes = max_items, max_bytes
        self.inside: dict[MemoryKey, Labelled] = {}
        self.news: list[tuple[Labelled, Cause]] = []
        self.left: Counter[Cause] = Counter()
        self.seen: dict[int, Labelled] = {}
        self.labels = itertools.count()
        self.tier = tier_of(self.policy, max_items, max_bytes, self.removed)

    def removed(self, record: Labelled, cause: Cause) -> None:
        """Note what the tier says, at most once of each record."""
        assert id(record) not in self.seen
        # Kept alive, so that no other gets its id.
        self.seen[id(record)] = record
        self.left[cause] += 1
        self.news.append((record, cause))

    def settle(self, *, mine: MemoryKey | None = None) -> dict[Cause, list[Labelled]]:
        """Take out of the model what the tier took out; check why it could."""
        news, self.news = self.news, []
        by_cause: dict[Cause, list[Labelled]] = {cause: [] for cause in Cause}
        for record, cause in news:
            by_cause[cause].append(record)
            if cause is Cause.EXPIRED:
                assert record.expires_at <= self.now
            if cause is Cause.SIZE:
                assert not any(
                    other.expires_at <= self.now for other in self.inside.values()
                ), "something alive was evicted before what had expired"
            if self.inside.get(record.key) is record:
                del self.inside[record.key]
            else:
                assert record.key == mine
                assert cause in (Cause.REFUSED, Cause.EXPIRED)
        return by_cause

    @rule(key=keys, size=st.integers(1, 50), life=lives)
    def put(self, key: MemoryKey, size: int, life: float) -> None:
        """A record goes in if it fits, and no other leaves without need."""
        record = Labelled(key, size, self.now + life, label=next(self.labels))
        old = self.inside.get(key)
        old_freq = None if old is None else old.freq
        items, held = len(self.inside), sum(r.size for r in self.inside.values())
        stored = self.tier.put(record, self.now)
        left = self.settle(mine=key)

        too_large = self.max_bytes is not None and size > self.max_bytes
        assert ([record] if too_large else []) == left[Cause.REFUSED]
        assert stored is not (too_large or life == 0.0)
        assert key not in self.inside
        if stored:
            self.inside[key] = record
        for gone in left[Cause.REPLACED]:
            assert gone is old
            assert not stored or record.freq == old_freq
        if left[Cause.SIZE]:
            assert (old is None and items + 1 > self.max_items) or (
                self.max_bytes is not None
                and held + size - (0 if old is None else old.size) > self.max_bytes
            ), "evicted without need"

    @rule(key=keys)
    def get(self, key: MemoryKey) -> None:
        """What is inside and alive is found, and nothing else."""
        expected = self.inside.get(key)
        if expected is not None and expected.expires_at <= self.now:
            expected = None

        assert self.tier.get(key, self.now) is expected
        assert self.tier.peek(key, self.now) is expected
        assert not self.news

    @rule(key=keys)
    def read_by_arguments(self, key: MemoryKey) -> None:
        """An index holds the record itself and counts the read there."""
        record = self.inside.get(key)
        if record is not None and record.freq < 3:
            record.freq += 1

    @rule(key=keys)
    def drop(self, key: MemoryKey) -> None:
        """A dropped record is gone."""
        expected = self.inside.get(key)

        assert self.tier.drop(key) is expected
        assert ([] if expected is None else [expected]) == self.settle()[Cause.EXPLICIT]

    @rule(namespace=st.sampled_from("ab"))
    def clear(self, namespace: str) -> None:
        """A namespace that is cleared is empty, the other is as before."""
        expected = {key for key in self.inside if key[0] == namespace}
        assert expected == {record.key for record in self.tier.records(namespace)}

        assert len(expected) == self.tier.clear(namespace)
        assert expected == {record.key for record in self.settle()[Cause.EXPLICIT]}

    @rule()
    def sweep(self) -> None:
        """A sweep takes all that has expired and nothing else."""
        expired = [r for r in self.inside.values() if r.expires_at <= self.now]

        assert len(expired) == self.tier.sweep(self.now)
        assert set(map(id, expired)) == set(map(id, self.settle()[Cause.EXPIRED]))

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 2.5, 60.0, 1e4]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @precondition(lambda self: hasattr(self, "tier"))
    @invariant()
    def agrees(self) -> None:
        """Both count the same, within the bounds."""
        assert len(self.inside) == self.tier.items == len(self.tier)
        assert len(self.inside) <= self.max_items
        assert sum(r.size for r in self.inside.values()) == self.tier.bytes
        assert self.max_bytes is None or self.tier.bytes <= self.max_bytes
        assert dict.fromkeys(Cause, 0) | self.left == self.tier.removals


@every_policy
def test_model(policy: str) -> None:
    """The tier keeps its bounds, its records and its word on every removal."""
    run_state_machine_as_test(type("Model", (Model,), {"policy": policy}))


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=200))
def test_cachetools_order(accesses: list[tuple[int, bool]]) -> None:
    """Behind the tier, cachetools' policies evict what they would evict alone."""
    classes = {
        "lru": cachetools.LRUCache[MemoryKey, int],
        "lfu": cachetools.LFUCache[MemoryKey, int],
        "fifo": cachetools.FIFOCache[MemoryKey, int],
    }
    for policy, make in classes.items():
        alone, tier = make(5), tier_of(policy, 5)
        for number, writes in accesses:
            key = ("", str(number))
            if writes:
                alone[key] = number
                tier.put(Labelled(key, 1, math.inf), 0.0)
            else:
                assert alone.get(key) == (
                    None if tier.get(key, 0.0) is None else number
                )
        assert set(alone) == {record.key for record in tier.records("")}


@pytest.mark.parametrize("policy", ["s3fifo", "lru", "lfu"])
def test_reads_by_arguments_count(policy: str) -> None:
    """A record that is read by its arguments alone outlives those that nobody reads."""
    tier = tier_of(policy, 20)
    used = Labelled(("", "used"), 1, math.inf)
    tier.put(used, 0.0)
    for number in range(200):
        used.freq = 3
        tier.put(Labelled(("", str(number)), 1, math.inf), 0.0)

    assert tier.peek(("", "used"), 0.0) is used


def test_scan() -> None:
    """A scan over many keys does not drive out what S3-FIFO saw in use."""
    tier = tier_of("s3fifo", 100)
    hot = [("", f"hot{number}") for number in range(50)]
    for _ in range(4):
        for key in hot:
            if tier.get(key, 0.0) is None:
                tier.put(Labelled(key, 1, math.inf), 0.0)
    for number in range(1000):
        tier.put(Labelled(("", f"scan{number}"), 1, math.inf), 0.0)

    assert all(tier.peek(key, 0.0) is not None for key in hot)


def test_small_queue_in_bytes() -> None:
    """Where bytes are what is scarce, records read once hold a tenth of them."""
    tier = tier_of("s3fifo", 10**6, 10_000)
    for number in range(80):
        key = ("", f"hot{number}")
        tier.put(Labelled(key, 100, math.inf), 0.0)
        tier.get(key, 0.0)
        tier.get(key, 0.0)
    for number in range(1000):
        tier.put(Labelled(("", f"once{number}"), 100, math.inf), 0.0)

    hot = [record for record in tier.records("") if record.key[1].startswith("hot")]
    assert len(hot) == 80
    assert tier.bytes == 10_000


@every_policy
def test_expired_makes_room(policy: str) -> None:
    """Nothing alive is evicted while something expired takes up room."""
    tier = tier_of(policy, 100)
    for number in range(50):
        tier.put(Labelled(("alive", str(number)), 1, 1e6), 0.0)
        tier.put(Labelled(("dying", str(number)), 1, 30.0 + number / 1000), 0.0)
    for number in range(50):
        tier.put(Labelled(("new", str(number)), 1, 1e6), 30.0 + number / 1000)

    assert len(tier.records("alive")) == len(tier.records("new")) == 50
    assert tier.removals[Cause.EXPIRED] == 50
    assert tier.removals[Cause.SIZE] == 0


@given(st.lists(st.tuples(st.integers(0, 30), lives, st.booleans()), max_size=300))
def test_deadlines_stay_bounded(steps: list[tuple[int, float, bool]]) -> None:
    """Deadlines hold at most two keys a record, and 65 more, whatever was dropped."""
    records: dict[MemoryKey, Labelled] = {}
    deadlines = Deadlines(records)
    for number, life, stays in steps:
        key = ("", str(number))
        records[key] = Labelled(key, 1, life)
        deadlines.add(key, life, 0.0)
        if not stays:
            del records[key]

        held = [*deadlines._soon, *(k for b in deadlines._buckets.values() for k in b)]
        assert len(held) == deadlines._held <= 2 * (len(records) + 1) + 65


@every_policy
def test_leaves_nothing_behind(policy: str) -> None:
    """A record that left refers to no other record."""
    gone: list[Labelled] = []
    tier = tier_of(policy, 10, removed=lambda record, _: gone.append(record))
    for number in range(100):
        tier.put(Labelled(("", str(number % 30)), 1, math.inf), 0.0)
        tier.put(Labelled(("", str(number % 30)), 1, math.inf), 0.0)
        tier.drop(("", str(number % 7)))

    assert gone
    assert not any(hasattr(record, "ahead") for record in gone)
    assert not any(hasattr(record, "behind") for record in gone)


def read_until(
    done: threading.Event, tier: MemoryTier[Labelled], seed: int, wrong: list[object]
) -> None:
    """Read without a lock; note what was not right."""
    dice = random.Random(seed)
    try:
        while not done.is_set():
            number = min(dice.randrange(100), dice.randrange(100))
            record = tier.get(("n", str(number)), 0.5)
            if record is not None and not (
                record.key == ("n", str(number))
                and record.label == number
                and 0 <= record.freq <= 3
                and record.expires_at > 0.5
            ):
                wrong.append(record)
    except BaseException as error:  # noqa: BLE001 (reported by the test's thread)
        wrong.append(error)


def write_at_random(tier: MemoryTier[Labelled], dice: random.Random) -> None:
    """Do one of the things that need the lock."""
    number = dice.randrange(100)
    key, what = ("n", str(number)), dice.randrange(500)
    if what < 70:
        tier.drop(key)
    elif what < 110:
        tier.sweep(0.5)
    elif what == 110:
        tier.clear("n")
    else:
        life = dice.choice([0.25, 1.0, 1e3])
        tier.put(Labelled(key, dice.randrange(1, 200), life, label=number), 0.0)


@every_policy
def test_readers_beside_a_writer(policy: str) -> None:
    """Threads that read without a lock beside a writer see right values, no errors."""
    tier = tier_of(policy, 50, 4000)
    lock, done = threading.Lock(), threading.Event()
    wrong: list[object] = []
    readers = [
        threading.Thread(target=read_until, args=(done, tier, seed, wrong))
        for seed in range(4)
    ]
    interval = sys.getswitchinterval()
    # Threads take turns in the middle of things.
    sys.setswitchinterval(1e-5)
    for reader in readers:
        reader.start()
    try:
        dice = random.Random(policy)
        for _ in range(10_000):
            with lock:
                write_at_random(tier, dice)
                assert tier.items <= 50
                assert tier.bytes <= 4000
    finally:
        sys.setswitchinterval(interval)
        done.set()
        for reader in readers:
            reader.join(30)

    assert wrong == []


def test_unknown_policy() -> None:
    """A policy that there is not is named in the error, beside those there are."""
    with pytest.raises(ValueError, match="s3fifo, lru, lfu, fifo, not 'arc'"):
        replacement_of("arc", 10, None)
