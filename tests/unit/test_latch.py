"""A latch is settled once, and everyone who waits is called once."""

import threading

from hybridcache.engine.latch import Latch


def latch() -> Latch[str]:
    """Make one."""
    return Latch(threading.Lock())


def test_first_answer_stays() -> None:
    """The first answer stays, and the second giver is told."""
    one = latch()

    assert one.answer is None
    assert (True, False) == (one.settle("first"), one.settle("second"))
    assert "first" == one.answer


def test_wakes() -> None:
    """Every wake-up call is made once, outside the lock."""
    one = latch()
    woken: list[str | None] = []

    def wake() -> None:
        woken.append(one.answer)
        # Takes the latch's lock, which is not reentrant.
        one.discard(wake)

    assert one.add(wake)
    assert one.add(wake)
    one.settle("x")
    one.settle("y")

    assert ["x", "x"] == woken


def test_late_waiter() -> None:
    """Who comes after the answer is told so and never called."""
    one = latch()
    one.settle("x")

    assert not one.add(lambda: (_ for _ in ()).throw(AssertionError))
    assert not one.settle("y")


def test_discarded() -> None:
    """A call that was taken back is not made; taking it back twice is no error."""
    one = latch()
    woken: list[int] = []

    def wake() -> None:
        woken.append(1)

    one.add(wake)
    one.discard(wake)
    one.discard(wake)
    one.settle("x")

    assert [] == woken


def test_race() -> None:
    """Of many threads that settle a latch one wins, and no waiter is forgotten."""
    for _ in range(50):
        one = latch()
        start = threading.Barrier(4)
        won: list[bool] = []
        told: list[bool] = []

        def settle(one: Latch[str] = one, start: threading.Barrier = start) -> None:
            start.wait()
            won.append(one.settle("x"))  # noqa: B023 (joined below)

        def wait(one: Latch[str] = one, start: threading.Barrier = start) -> None:
            woken = threading.Event()
            start.wait()
            told.append(not one.add(woken.set) or woken.wait(5))  # noqa: B023 (joined)

        threads = [threading.Thread(target=each) for each in [settle, wait] * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [False, True] == sorted(won)
        assert [True, True] == told
