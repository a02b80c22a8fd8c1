"""Loads that wait for a message about their key."""

import attrs

from hybridcache.engine.latch import Latch, Lock


@attrs.define(eq=False)
class Watches:
    """The latches that the next message about a key settles, by key."""

    _lock: Lock
    _watches: dict[str, list[Latch[str]]] = attrs.field(factory=dict, init=False)

    def add(self, key: str) -> Latch[str]:
        """Return a latch that the next message about *key* settles."""
        latch: Latch[str] = Latch(self._lock)
        with self._lock:
            self._watches.setdefault(key, []).append(latch)
        return latch

    def remove(self, key: str, latch: Latch[str]) -> None:
        """Take a latch back."""
        with self._lock:
            watches = self._watches.get(key, [])
            if latch in watches:
                watches.remove(latch)
            if not watches:
                self._watches.pop(key, None)

    def wake(self, key: str, why: str) -> None:
        """Settle the latches of *key*. Not under the lock: those woken run at once."""
        with self._lock:
            watches = list(self._watches.get(key, ()))
        for latch in watches:
            latch.settle(why)

    def wake_all(self, why: str) -> None:
        """Settle every latch."""
        with self._lock:
            watched = list(self._watches)
        for key in watched:
            self.wake(key, why)

    def clear(self) -> None:
        """Forget all: in the child of a fork they are the parent's."""
        self._watches.clear()

    def __len__(self) -> int:
        return len(self._watches)
