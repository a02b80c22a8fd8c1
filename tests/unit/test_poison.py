"""A fill that an invalidation passes is spoiled, and no other."""

from hybridcache.engine.poison import PoisonRegistry


def test_spoil() -> None:
    """An invalidation spoils the fills of its key that are under way."""
    fills = PoisonRegistry()
    one, other, apart = fills.open("a", 0), fills.open("a", 0), fills.open("b", 0)
    fills.spoil("a")
    later = fills.open("a", 0)

    assert [True, True, False, False] == [
        fill.spoiled for fill in (one, other, apart, later)
    ]


def test_spoil_all() -> None:
    """A clear spoils every fill that is under way."""
    fills = PoisonRegistry()
    opened = [fills.open(key, 0) for key in "aabc"]
    fills.spoil_all()

    assert all(fill.spoiled for fill in opened)


def test_close() -> None:
    """A closed fill is forgotten, spoiled no more, and may be closed again."""
    fills = PoisonRegistry()
    one, other = fills.open("a", 0), fills.open("a", 0)
    fills.close(one)
    fills.close(one)
    fills.spoil("a")

    assert (False, True) == (one.spoiled, other.spoiled)
    assert 1 == len(fills)
    fills.close(other)
    assert 0 == len(fills)


def test_spoil_nothing() -> None:
    """An invalidation of a key without fills does nothing."""
    fills = PoisonRegistry()
    fills.spoil("a")

    assert 0 == len(fills)
