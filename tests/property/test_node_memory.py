"""Of two values of one key, memory has the newer, in whatever order they come."""

from hypothesis import given
from hypothesis import strategies as st

from hybridcache.engine.form import Whole
from hybridcache.engine.kept import Kept
from tests.parts import memory_tier, node_of

KEY = ("ns", "k")
# Longest that a request may take, seconds.
LONGEST = 60.0


def kept(version: int, written_at: float) -> Kept:
    """Make a record of that write."""
    return Kept(
        key=KEY, size=1, expires_at=1e6, form=Whole(version), fingerprint=b"f" * 8,
        written_at=written_at, fresh_for=1e3, ttl=1e4, version=version,
    )  # fmt: skip


@given(
    gap=st.floats(0.0, 10.0),
    early=st.tuples(st.floats(0.0, LONGEST), st.floats(0.0, LONGEST)),
    late=st.tuples(st.floats(0.0, LONGEST), st.floats(0.0, LONGEST)),
)
def test_a_slow_reply_puts_nothing_older_in_memory(
    gap: float, early: tuple[float, float], late: tuple[float, float]
) -> None:
    """A write is known to be at most as late as it was, and no reply comes sooner."""
    node, at = node_of(memory_tier(), redis=True), 1000.0
    older = kept(1, at - early[0])
    newer = kept(2, at + gap - early[1])
    puts = sorted([(at + late[0], 1, older), (at + gap + late[1], 2, newer)])
    for now, _, record in puts:
        node.keep(record, node.open_fill("k"), now, confirmed=True)

    found = node.recall("k", b"f" * 8, at)
    assert found is not None
    assert 2 == found.version


@given(seconds=st.floats(1.01, 1e5))
def test_what_is_written_later_is_newer_whatever_its_version(seconds: float) -> None:
    """Redis's clock went back, and its versions with it."""
    node = node_of(memory_tier(), redis=True)
    node.keep(kept(9, 1000.0), node.open_fill("k"), 1000.0, confirmed=True)
    later = kept(1, 1000.0 + seconds)

    assert node.keep(later, node.open_fill("k"), 1000.0 + seconds, confirmed=True)
